"""A real server in a thread of this process, and the calls that tests make of it over gRPC."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from grpc_status import rpc_status
from tuner_protos.convert import inventory_to_proto, values_to_proto
from tuner_protos.v1 import (
    data_pb2,
    studies_pb2,
    studies_pb2_grpc,
    trials_pb2,
    trials_pb2_grpc,
    workers_pb2,
    workers_pb2_grpc,
)

from tuner.core.environment import Fingerprint
from tuner.core.worker import Inventory, Offer
from tuner.service.options import ServeOptions
from tuner.service.rpc.workers import PROTOCOL
from tuner.service.server import TunerServer

DEADLINE = 60.0
"""Seconds for anything; far more than it takes, so that only what never comes fails."""

STUDY = """
name: {name}
workload: {{kind: {kind}}}
space:
  threads: {{type: int, low: 1, high: 16, default: 1}}
  share: {{type: float, low: 0.1, high: 1, default: 1}}
objectives: [{{metric: ms, goal: minimize}}]
budget: {{trials: {trials}, max_attempts: 3}}
measurement: {{blocks: 5, replicates: 0, timeout: 60s}}
engine: {engine}
seed: 3
"""


def study(name: str, kind: str = "external", trials: int = 3, engine: str = "random") -> str:
    return STUDY.format(name=name, kind=kind, trials=trials, engine=engine)


class ServerThread:
    """Runs a ``TunerServer`` in an event loop of its own."""

    def __init__(self, store: str = "memory:", **options) -> None:
        self.options = ServeOptions(store, **{"port": 0, **options})
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="server")
        self._thread.start()
        self._server = TunerServer(self.options)
        try:
            self.do(self._server.start())
        except BaseException:
            self._end()
            raise
        self.address = self._server.address

    def do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(DEADLINE)

    def stop(self) -> None:
        if self._thread.is_alive():
            self.do(self._server.stop())
            self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE)
        self._loop.close()


class Line:
    """A connection to a server. Calls raise ``grpc.RpcError``."""

    def __init__(self, address: str, credentials: grpc.ChannelCredentials | None = None, token: str = "") -> None:
        options = [("grpc.enable_http_proxy", 0), ("grpc.max_send_message_length", -1)]
        # Two connections of one process to one address would otherwise be one.
        options.append(("grpc.use_local_subchannel_pool", 1))
        secure = credentials is not None
        self.channel = (
            grpc.secure_channel(address, credentials, options) if secure else grpc.insecure_channel(address, options)
        )
        self.metadata = [("authorization", f"Bearer {token}")] if token else []
        self.studies = studies_pb2_grpc.StudiesStub(self.channel)
        self.trials = trials_pb2_grpc.TrialsStub(self.channel)
        self.workers = workers_pb2_grpc.WorkersStub(self.channel)

    def close(self) -> None:
        self.channel.close()

    def call(self, method, request):
        return method(request, timeout=DEADLINE, metadata=self.metadata, wait_for_ready=True)

    # --- studies ---

    def create(self, source: str, request_id: str = "", file_name: str = "study.yaml"):
        request = studies_pb2.CreateStudyRequest(source=source, file_name=file_name, owner="zoë", request_id=request_id)
        return self.call(self.studies.Create, request)

    def study(self, name: str) -> data_pb2.Study:
        return self.call(self.studies.Get, studies_pb2.GetStudyRequest(study=name))

    def watch(self, name: str, cursor: int = 0) -> Iterator[studies_pb2.WatchResponse]:
        request = studies_pb2.WatchRequest(study=name, cursor=cursor)
        return self.studies.Watch(request, timeout=DEADLINE, metadata=self.metadata)

    # --- ask and tell ---

    def suggest(self, name: str, request_id: str, count: int = 1, client: str = "me"):
        request = trials_pb2.SuggestRequest(study=name, count=count, client_id=client, request_id=request_id)
        return list(self.call(self.trials.Suggest, request).suggestions)

    def complete(self, token: str, value: float) -> data_pb2.Trial:
        request = trials_pb2.CompleteRequest(token=token, observations=[observation(value)], cost=0.5)
        return self.call(self.trials.Complete, request)

    def fail(self, token: str, kind: int = data_pb2.CAUSE_KIND_CRASHED) -> data_pb2.Trial:
        return self.call(self.trials.Fail, trials_pb2.FailRequest(token=token, cause=data_pb2.Cause(kind=kind)))

    def report(self, token: str, step: int, value: float) -> bool:
        point = data_pb2.Intermediate(step=step, elapsed=step, metric="loss", value=value)
        return self.call(self.trials.Report, trials_pb2.ReportRequest(token=token, values=[point])).keep

    def add(self, name: str, request_id: str, **values) -> data_pb2.Trial:
        request = trials_pb2.AddRequest(study=name, configuration=values_to_proto(values), request_id=request_id)
        return self.call(self.trials.Add, request)

    def trial(self, trial_id: str) -> data_pb2.Trial:
        return self.call(self.trials.Get, trials_pb2.GetTrialRequest(trial=trial_id))

    def all_trials(self, name: str) -> list[data_pb2.Trial]:
        return list(self.call(self.trials.List, trials_pb2.ListTrialsRequest(study=name)).trials)

    # --- workers ---

    def register(self, worker: str, kind: str, board: str = "Testboard"):
        offers = (Offer(kind, True, metrics={"ms": "ms"}),)
        inventory = inventory_to_proto(Inventory(Fingerprint({"board": board}), workloads=offers))
        request = workers_pb2.RegisterRequest(worker_id=worker, inventory=inventory, protocol=PROTOCOL)
        return self.call(self.workers.Register, request)

    def lease(self, worker: str, sequence: int, wait: float = 30.0) -> workers_pb2.LeaseResponse:
        request = workers_pb2.LeaseRequest(worker_id=worker, sequence=sequence, wait=wait)
        return self.call(self.workers.Lease, request)

    def beat(self, worker: str, token: str = "", running: bool = True) -> int:
        request = workers_pb2.HeartbeatRequest(worker_id=worker, token=token, running=running)
        return self.call(self.workers.Heartbeat, request).directive

    def finish(self, worker: str, assignment: workers_pb2.Assignment, value: float) -> workers_pb2.FinishResponse:
        runs = [
            data_pb2.Run(index=i, values={"ms": value + i / 100}, arm=arm, block=i // 2)
            for i, arm in enumerate(assignment.plan)
        ]
        result = data_pb2.Result(
            state=data_pb2.TRIAL_STATE_COMPLETED, observations=[observation(value)], runs=runs, cost=0.5
        )
        request = workers_pb2.FinishRequest(worker_id=worker, token=assignment.token, result=result)
        return self.call(self.workers.Finish, request)

    def release(self, worker: str, token: str, lost: bool) -> None:
        request = workers_pb2.ReleaseRequest(worker_id=worker, token=token, reason="the test wants it", lost=lost)
        self.call(self.workers.Release, request)

    def measure(self, worker: str, name: str, sequence: int = 1, value: Callable[[int], float] = float) -> int:
        """Lease and finish until the study has ended; how many trials there were."""
        done = 0
        while self.study(name).state in (data_pb2.STUDY_STATE_ACTIVE, data_pb2.STUDY_STATE_CONFIRMING):
            assignment = self.lease(worker, sequence + done, wait=0.5).assignment
            if assignment.token:
                done += 1
                self.finish(worker, assignment, value(done))
        return done


def observation(value: float) -> data_pb2.Observation:
    return data_pb2.Observation(metric="ms", mean=value, n=1, unit="ms", method="told")


def details(error: grpc.RpcError, kind):
    """The details of one kind in an error's google.rpc.Status."""
    found = []
    for packed in rpc_status.from_call(error).details:
        message = kind()
        if packed.Unpack(message):
            found.append(message)
    return found


def write_engine_plugin(folder: Path, source: str, names: list[str]) -> None:
    """An installed distribution in ``folder``: a module of engine classes, registered under their names."""
    (folder / "broken_engines.py").write_text(source)
    info = folder / "broken_engines-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-engines\nVersion: 1.0\n")
    points = "".join(f"{name} = broken_engines:{name.title()}\n" for name in names)
    (info / "entry_points.txt").write_text("[tuner.engines]\n" + points)


def refused(call, *arguments, **named) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **named)
    return caught.value
