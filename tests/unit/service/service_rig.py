"""The service without gRPC, a second process or real time: what its methods do, one call at a time.

The engine thinks in this process, so that every step ends before the next begins; the time is the test's.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager

from tuner_protos.convert import inventory_to_proto, observation_to_proto
from tuner_protos.v1 import data_pb2, studies_pb2, trials_pb2, workers_pb2

from tuner.core.environment import Fingerprint
from tuner.core.observation import Observation
from tuner.core.study import StudyState
from tuner.core.worker import Inventory, Offer
from tuner.service import runtime as runtime_module
from tuner.service.options import ServeOptions
from tuner.service.rpc.studies import StudiesServicer
from tuner.service.rpc.trials import TrialsServicer
from tuner.service.rpc.workers import PROTOCOL, WorkersServicer
from tuner.service.runtime import Runtime
from tuner.service.suggesting.host import think
from tuner.store.base import Store

TERM = 15.0
STUDY = """
name: größe
workload: {kind: sim}
space:
  threads: {type: int, low: 1, high: 4, default: 1}
  batch: {type: ordinal, values: [1, 2, 4], default: 1}
objectives: [{metric: ms, goal: minimize}]
budget: {trials: 4, max_attempts: 2}
measurement: {blocks: 5, replicates: 1, timeout: 60s}
engine: random
seed: 3
"""
KNOBBED = STUDY.replace("objectives:", "  turbo: {type: bool, knob: cpu.turbo, optional: true}\nobjectives:")
EXTERNAL = STUDY.replace("kind: sim", "kind: external").replace("größe", "told")


class ManualClock:
    def __init__(self, now: float = 1000.0) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds


class KeptStore(Store):
    """A store that outlives the servers on it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def transaction(self):
        return self._store.transaction()

    def snapshot(self):
        return self._store.snapshot()

    def close(self) -> None:
        pass


class Refused(Exception):
    """What a caller would get as a status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Context:
    """Stands for gRPC's: all that the methods need of it is how to refuse."""

    async def abort_with_status(self, status):
        raise Refused(status.code.value[0], status.details)

    async def abort(self, code, details):
        raise Refused(code.value[0], details)


class NearHost:
    """An engine host that thinks in this process: the real one is tested in tests/integration."""

    def __init__(self) -> None:
        self.asked = []

    async def suggest(self, engine, request):
        self.asked.append(request)
        return raised(think("suggest", engine, request, ()))

    async def predict(self, engine, request, configurations):
        return raised(think("predict", engine, request, configurations))

    def close(self) -> None:
        pass


def raised(thought):
    if isinstance(thought, Exception):
        raise thought
    return thought


def inventory(board: str = "Testboard", **changes) -> Inventory:
    parts = {"workloads": (Offer("sim", True, metrics={"ms": "ms", "temperature": "C"}),), **changes}
    return Inventory(Fingerprint({"board": board}), **parts)


class Rig:
    """One server at a time on one store."""

    def __init__(self, store: Store, clock: ManualClock | None = None, host=None, **options) -> None:
        self.store = KeptStore(store)
        self.options = ServeOptions("memory:", lease_term=TERM, **options)
        self.clock = clock or ManualClock()
        self.host = host or NearHost()
        self.loop = asyncio.new_event_loop()
        self.context = Context()
        self.start()

    def start(self) -> None:
        self.run(self._start())

    async def _start(self) -> None:
        real, runtime_module.EngineHost = runtime_module.EngineHost, lambda: self.host
        try:
            self.runtime = Runtime(self.store, self.clock, self.options)
        finally:
            runtime_module.EngineHost = real
        await self.runtime.take_over()
        self.studies = StudiesServicer(self.runtime)
        self.trials = TrialsServicer(self.runtime)
        self.workers = WorkersServicer(self.runtime)

    def restart(self) -> None:
        self.run(self.runtime.stop())
        self.start()

    def close(self) -> None:
        self.run(self.runtime.stop())
        self.loop.close()

    def run(self, coroutine):
        """Its answer or refusal, once everything that it set in motion has come to rest."""
        try:
            answer = self.loop.run_until_complete(coroutine)
        except Refused:
            self.loop.run_until_complete(self._rest())
            raise
        except BaseException:
            # A test that failed half-way may have left an engine waiting for ever.
            for left in asyncio.all_tasks(self.loop):
                left.cancel()
            raise
        self.loop.run_until_complete(self._rest())
        return answer

    async def _rest(self) -> None:
        await asyncio.sleep(0)
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)
            await asyncio.sleep(0)

    def call(self, method, request):
        return self.run(method(request, self.context))

    def tick(self) -> None:
        self.run(self.runtime.tick())

    @contextmanager
    def reading(self):
        with self.store.snapshot() as tx:
            yield tx

    # --- the calls, in short ---

    def create(self, source: str = STUDY, request_id: str = ""):
        return self.call(self.studies.Create, studies_pb2.CreateStudyRequest(source=source, request_id=request_id))

    def move(self, name: str, study: str):
        return self.call(getattr(self.studies, name), studies_pb2.StudyRequest(study=study))

    def register(self, worker: str = "w1", broken: str = "", **changes):
        request = workers_pb2.RegisterRequest(
            worker_id=worker, inventory=inventory_to_proto(inventory(**changes)), broken=broken, protocol=PROTOCOL
        )
        return self.call(self.workers.Register, request)

    def lease(self, worker: str = "w1", sequence: int = 1):
        """What the worker gets when it asks twice, as a waiting one does: the first look may set an engine thinking."""
        request = workers_pb2.LeaseRequest(worker_id=worker, sequence=sequence)
        first = self.call(self.workers.Lease, request)
        return first if first.HasField("assignment") else self.call(self.workers.Lease, request)

    def beat(self, worker: str = "w1", token: str = "", running: bool = False):
        request = workers_pb2.HeartbeatRequest(worker_id=worker, token=token, running=running)
        return self.call(self.workers.Heartbeat, request).directive

    def finish(self, worker: str, token: str, result):
        request = workers_pb2.FinishRequest(worker_id=worker, token=token, result=result)
        return self.call(self.workers.Finish, request)

    def release(self, worker: str, token: str, lost: bool = False) -> None:
        request = workers_pb2.ReleaseRequest(worker_id=worker, token=token, reason="leaving", lost=lost)
        self.call(self.workers.Release, request)

    def suggest(self, count: int = 1, client: str = "me", request_id: str = "1", study: str = "told"):
        request = trials_pb2.SuggestRequest(study=study, count=count, client_id=client, request_id=request_id)
        return list(self.call(self.trials.Suggest, request).suggestions)

    def complete(self, token: str, value: float = 1.0):
        observation = observation_to_proto(Observation("ms", value, unit="ms"))
        return self.call(self.trials.Complete, trials_pb2.CompleteRequest(token=token, observations=[observation]))

    def measure_all(self, worker: str = "w1", sequence: int = 100, value=lambda a: 1.0 + len(a.configuration)) -> int:
        """Lease and finish until there is nothing more; how many there were."""
        for done in range(1000):
            assignment = self.lease(worker, sequence + done).assignment
            if not assignment.token:
                self.tick()
                assignment = self.lease(worker, sequence + done).assignment
            if not assignment.token:
                return done
            self.finish(worker, assignment.token, completed(assignment, value(assignment)))
        raise AssertionError("the study does not end")

    def state(self, study: str = "größe/1") -> StudyState:
        with self.reading() as tx:
            return tx.study(study).state

    def all_trials(self, study: str = "größe/1"):
        with self.reading() as tx:
            return tx.trials(study)


def completed(assignment, value: float = 1.0) -> data_pb2.Result:
    """A completion that holds what the assignment wants; of a final check, a run of every arm."""
    runs = [
        data_pb2.Run(index=i, duration=0.1, values={"ms": value + 0.01 * i}, arm=arm, block=i // 2)
        for i, arm in enumerate(assignment.plan)
    ]
    observations = [data_pb2.Observation(metric=metric.key, mean=value, n=1, unit="ms") for metric in assignment.wanted]
    return data_pb2.Result(state=data_pb2.TRIAL_STATE_COMPLETED, observations=observations, runs=runs, cost=1.0)


def failed(kind: int = data_pb2.CAUSE_KIND_CRASHED) -> data_pb2.Result:
    refused = kind == data_pb2.CAUSE_KIND_REFUSED
    state = data_pb2.TRIAL_STATE_INFEASIBLE if refused else data_pb2.TRIAL_STATE_FAILED
    return data_pb2.Result(state=state, cause=data_pb2.Cause(kind=kind, message="as the test wants"))


def shown(rig: Rig, study: str = "größe") -> data_pb2.Study:
    return rig.call(rig.studies.Get, studies_pb2.GetStudyRequest(study=study))


def purposes(rig: Rig, study: str = "größe/1"):
    return [(trial.purpose, trial.state) for trial in rig.all_trials(study)]
