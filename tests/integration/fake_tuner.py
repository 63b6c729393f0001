"""A tuner that does what it is told, faults included. A fake, because the real one drops nothing on demand."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import grpc
from tuner_protos.convert import values_to_proto
from tuner_protos.v1 import data_pb2, workers_pb2, workers_pb2_grpc

DEADLINE = 30.0


def assignment(
    token: str,
    configuration: Mapping[str, bool | int | float | str],
    *,
    mode: str = "",
    settings: object = None,
    runs: int | None = 1,
    warmup: int | None = 0,
    timeout: float = 60.0,
    plan: tuple[str, ...] = (),
    baseline: Mapping[str, bool | int | float | str] | None = None,
    wanted: tuple[tuple[str, str, str], ...] = (("latency_ms", "latency_ms", "mean"),),
) -> workers_pb2.Assignment:
    return workers_pb2.Assignment(
        trial_id=f"probe/1/{token}",
        attempt=1,
        token=token,
        lease_term=5.0,
        workload="probe",
        settings_json=json.dumps(settings or ({"mode": mode} if mode else {})),
        configuration=values_to_proto(configuration),
        knobs={"level": "probe.level"},
        wanted=[data_pb2.Metric(key=key, name=name, statistic=statistic) for key, name, statistic in wanted],
        measurement=workers_pb2.MeasurementPlan(warmup=warmup, runs=runs, timeout=timeout),
        purpose=data_pb2.PURPOSE_CONFIRM if plan else data_pb2.PURPOSE_EXPLORE,
        plan=plan,
        baseline=values_to_proto(baseline or {}),
    )


class FakeTuner(workers_pb2_grpc.WorkersServicer):
    """Hands out ``assignments`` in order and keeps what it hears.

    Attributes:
        faults: status codes by method, each aborting one call; before it took effect, or after ("Finish after").
        directives: by token, what heartbeats are answered.
        finished: results by token, as first received; ``copies`` counts all.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.assignments: list[workers_pb2.Assignment] = []
        self.faults: dict[str, list[grpc.StatusCode]] = defaultdict(list)
        self.directives: dict[str, int] = {}
        self.finished: dict[str, data_pb2.Result] = {}
        self.copies: dict[str, int] = defaultdict(int)
        self.calls: list[tuple[str, object]] = []
        self.metadata: list[dict[str, str]] = []
        self.held: dict[str, str] = {}
        self._leases: dict[int, workers_pb2.Assignment] = {}
        self._server: grpc.Server | None = None
        self.port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
        workers_pb2_grpc.add_WorkersServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        assert self.port
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            with self.changed:
                self.changed.notify_all()
            server.stop(None).wait()

    def wait_for(self, predicate: Callable[[], object]) -> None:
        with self.changed:
            assert self.changed.wait_for(predicate, DEADLINE), f"not in time; calls: {[name for name, _ in self.calls]}"

    def requests(self, method: str) -> list[object]:
        return [request for name, request in list(self.calls) if name == method]

    def assign(self, message: workers_pb2.Assignment) -> None:
        with self.changed:
            self.assignments.append(message)
            self.changed.notify_all()

    def _heard(self, method: str, request: object, context: grpc.ServicerContext) -> None:
        with self.changed:
            self.calls.append((method, request))
            self.metadata.append(dict(context.invocation_metadata()))
            fault = self.faults[method].pop(0) if self.faults[method] else None
            self.changed.notify_all()
        if fault is not None:
            context.abort(fault, f"made to fail: {fault.name}")

    def Register(self, request, context):
        self._heard("Register", request, context)
        return workers_pb2.RegisterResponse(heartbeat_interval=0.05, lease_term=5.0, held=list(self.held))

    def Lease(self, request, context):
        self._heard("Lease", request, context)
        with self.changed:
            self.changed.wait_for(
                lambda: (
                    self.assignments
                    or request.sequence in self._leases
                    or "" in self.directives
                    or self._server is None
                    or not context.is_active()
                ),
                min(request.wait, 1.0),
            )
            if request.sequence not in self._leases and self.assignments and context.is_active():
                self._leases[request.sequence] = self.assignments.pop(0)
            leased = self._leases.get(request.sequence)
        self._heard("Lease after", request, context)
        return workers_pb2.LeaseResponse(
            assignment=leased, directive=self.directives.get("", workers_pb2.DIRECTIVE_CONTINUE), reasons=["none left"]
        )

    def Heartbeat(self, request, context):
        self._heard("Heartbeat", request, context)
        directive = self.directives.get(request.token, workers_pb2.DIRECTIVE_CONTINUE)
        return workers_pb2.HeartbeatResponse(directive=directive)

    def Finish(self, request, context):
        self._heard("Finish", request, context)
        with self.changed:
            first = request.token not in self.finished
            self.finished.setdefault(request.token, request.result)
            self.copies[request.token] += 1
            self.changed.notify_all()
        self._heard("Finish after", request, context)
        return workers_pb2.FinishResponse(accepted=first, note="" if first else "stored before")

    def Release(self, request, context):
        self._heard("Release", request, context)
        return workers_pb2.ReleaseResponse()
