"""Every study by itself, every call to its end: a fault in one place stays there."""

from __future__ import annotations

import asyncio
import threading

import pytest
from service_rig import EXTERNAL, STUDY, TERM, ManualClock, NearHost, Rig, completed
from tuner_protos.v1 import data_pb2, studies_pb2, trials_pb2, workers_pb2

from tuner.core.trial import Purpose, TrialState
from tuner.engine.base import Suggestion
from tuner.service import runtime as runtime_module
from tuner.service.operations.findings import RECENT, typical_cost
from tuner.service.suggesting import suggester as suggester_module
from tuner.store.memory import MemoryStore
from tuner.store.open import open_store


@pytest.fixture
def rig():
    rig = Rig(MemoryStore())
    yield rig
    rig.close()


def poison(monkeypatch, study_id):
    """One study that cannot be carried on: its fault is made up, that there will be one some day is not."""
    advance = runtime_module.advance

    def faulty(tx, study, now, **knowledge):
        if study.id == study_id:
            raise ZeroDivisionError("made up")
        return advance(tx, study, now, **knowledge)

    monkeypatch.setattr(runtime_module, "advance", faulty)


def test_a_study_that_cannot_be_carried_on_keeps_its_results_and_stops_no_other(rig, monkeypatch, caplog):
    poison(monkeypatch, "größe/1")
    rig.create()
    rig.create(STUDY.replace("größe", "sound"))
    rig.register("w1")
    rig.register("w2")
    rig.measure_all("w1")
    assert [t.state for t in rig.all_trials()] == [TrialState.COMPLETED] * 5
    assert rig.state().value == "active"
    assert rig.state("sound/1").value == "completed"
    assert "study größe/1 cannot be carried on" in caplog.text

    # Leases run out for everyone all the same; and the study goes on once it can.
    rig.create(EXTERNAL)
    [held] = rig.suggest()
    rig.clock.advance(61.0)
    rig.tick()
    with rig.reading() as tx:
        assert tx.live_attempts() == []
        assert tx.trial("told/1", held.trial.number).state is TrialState.QUEUED
    monkeypatch.undo()
    rig.register("w1")
    rig.tick()
    rig.measure_all("w1", 500)
    assert rig.state().value == "completed"


def test_replicates_that_no_number_can_pool_stop_nothing(rig):
    rig.create()
    rig.register()
    values = iter([1e200, -1e200] * 50)
    rig.measure_all(value=lambda assignment: next(values) if not assignment.plan else 1.0)
    assert rig.state().value == "completed"
    view = rig.call(rig.studies.Get, studies_pb2.GetStudyRequest(study="größe"))
    assert view.checks or view.reason


def test_a_result_is_followed_up_even_if_its_sender_goes_away_meanwhile(rig):
    rig.create(STUDY.replace("trials: 4", "trials: 1").replace("blocks: 5, replicates: 1", "blocks: 0, replicates: 0"))
    rig.register()
    for sequence in (1, 2):
        assignment = rig.lease(sequence=sequence).assignment
        finish = workers_pb2.FinishRequest(worker_id="w1", token=assignment.token, result=completed(assignment))

        async def hung_up(finish=finish):
            call = asyncio.ensure_future(rig.workers.Finish(finish, rig.context))
            await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

        rig.run(hung_up())
    assert rig.state().value == "completed"


def test_an_engine_that_is_late_proposes_nothing_that_was_begun_meanwhile():
    class Late(NearHost):
        """Thinks until it is let, and then says what its stand-in has said meanwhile; hangs from then on."""

        def __init__(self) -> None:
            super().__init__()
            self.release, self.end = asyncio.Event(), asyncio.Event()

        async def suggest(self, engine, request):
            await (self.end if self.release.is_set() else self.release).wait()
            return [Suggestion(trial.configuration) for trial in explored(rig)]

    async def measure(sequence):
        request = workers_pb2.LeaseRequest(worker_id="w1", sequence=sequence, wait=30.0)
        assignment = (await rig.workers.Lease(request, rig.context)).assignment
        finish = workers_pb2.FinishRequest(worker_id="w1", token=assignment.token, result=completed(assignment))
        await rig.workers.Finish(finish, rig.context)

    async def scenario():
        for sequence in (1, 2, 3):
            await measure(sequence)
        rig.host.release.set()
        for sequence in (4, 5):
            await measure(sequence)
        rig.host.end.set()

    rig = Rig(MemoryStore(), host=Late(), patience=0.02)
    rig.create()
    rig.register()
    rig.run(scenario())
    configurations = [trial.configuration for trial in explored(rig)]
    assert len(configurations) == 4
    assert len(set(configurations)) == 4
    rig.close()


def explored(rig):
    return [trial for trial in rig.all_trials() if trial.purpose is Purpose.EXPLORE]


def test_what_was_prepared_for_a_study_goes_with_it(rig):
    rig.create()
    rig.register()
    rig.lease()
    rig.call(rig.studies.Get, studies_pb2.GetStudyRequest(study="größe"))
    assert rig.runtime.suggester.studies == {"größe/1"}
    rig.move("Cancel", "größe")
    rig.tick()
    assert rig.runtime.suggester.studies == set()
    rig.call(rig.studies.Get, studies_pb2.GetStudyRequest(study="größe"))
    rig.tick()
    assert rig.runtime._costs == {}


def test_what_a_trial_takes_is_told_from_the_latest_and_is_true_in_every_thread(rig):
    rig.create(EXTERNAL.replace("trials: 4", f"trials: {2 * RECENT}").replace("high: 4", "high: 4000"))
    for number in range(RECENT + 20):
        [suggested] = rig.suggest(request_id=str(number))
        observation = data_pb2.Observation(metric="ms", mean=1.0, n=1, unit="ms")
        cost = 100.0 if number < 20 else 1.0 + number % 3
        request = trials_pb2.CompleteRequest(token=suggested.token, observations=[observation], cost=cost)
        rig.call(rig.trials.Complete, request)
    with rig.reading() as tx:
        study = tx.study("told/1")
        assert typical_cost(tx, study) == 2.0
        assert rig.runtime.cost_of(tx, study) == 2.0


def test_a_worker_that_is_silent_for_a_term_is_away_even_while_a_study_is_faulty(rig, monkeypatch):
    poison(monkeypatch, "größe/1")
    rig.create()
    rig.register()
    rig.clock.advance(TERM + 1)
    rig.tick()
    with rig.reading() as tx:
        assert tx.worker("w1").state.value == "offline"


def test_a_worker_is_heard_while_a_long_history_is_gathered(tmp_path, monkeypatch):
    gathering, heard = threading.Event(), threading.Event()
    build_request = suggester_module.build_request

    def slow(*arguments):
        gathering.set()
        assert heard.wait(30.0), "the worker was not heard"
        return build_request(*arguments)

    async def scenario():
        await rig.workers.Lease(workers_pb2.LeaseRequest(worker_id="w1", sequence=1), rig.context)
        assert await asyncio.to_thread(gathering.wait, 30.0)
        await rig.workers.Heartbeat(workers_pb2.HeartbeatRequest(worker_id="w1"), rig.context)
        heard.set()

    monkeypatch.setattr(suggester_module, "build_request", slow)
    store = open_store(str(tmp_path / "store.sqlite"), ManualClock())
    rig = Rig(store)
    rig.create()
    rig.register()
    rig.run(scenario())
    rig.close()
    store.close()
