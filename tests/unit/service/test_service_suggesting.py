"""Suggestions ahead of need: what is at hand, what is dropped, and what happens when an engine fails, hangs or lies."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from service_rig import STUDY, ManualClock, NearHost, Rig, completed
from tuner_protos.v1 import workers_pb2

from tuner.core.errors import SpaceExhausted, Unavailable
from tuner.core.space import Configuration
from tuner.core.trial import Purpose, TrialState
from tuner.engine.base import Suggestion
from tuner.engine.registry import get_engine
from tuner.service.operations.findings import history
from tuner.service.suggesting.pool import FRESH_WITHIN, Pool, Prepared
from tuner.service.suggesting.request import build_request
from tuner.store.memory import MemoryStore


def prepared(number: int, seen: int = 0) -> Prepared:
    return Prepared(Suggestion(Configuration({"n": number})), "e", seen, 1, 1, 0, ())


def numbers(taken):
    return taken and taken.suggestion.configuration["n"]


# --- the pool ---


def test_what_is_at_hand_is_taken_in_order_and_once():
    pool = Pool()
    pool.fill([prepared(1), prepared(2)])
    assert [numbers(pool.take(0.0, 1.0)) for _ in range(3)] == [1, 2, None]


def test_what_was_made_later_replaces_what_is_at_hand():
    pool = Pool()
    pool.fill([prepared(1), prepared(2)])
    assert pool.fill([prepared(3)]) == 1
    assert (numbers(pool.take(0.0, 1.0)), len(pool)) == (3, 0)


def test_what_was_taken_while_the_engine_thought_is_not_offered_again():
    pool = Pool()
    pool.fill([prepared(1)])
    pool.take(0.0, 1.0)
    assert pool.fill([prepared(1)]) == 0
    assert pool.take(0.0, 1.0) is None
    pool.settled()
    assert pool.fill([prepared(1)]) == 1


@pytest.mark.parametrize(
    ("engine_seconds", "typical_cost", "waits"),
    [(0.9, 10.0, True), (1.1, 10.0, False), (0.0, 0.0, True), (0.01, 0.0, False)],
)
def test_a_stale_suggestion_is_dropped_only_where_a_fresh_one_is_worth_its_wait(engine_seconds, typical_cost, waits):
    pool = Pool(newest=5, engine_seconds=engine_seconds)
    pool.fill([prepared(1, seen=4)])
    assert (pool.take(0.0, typical_cost) is None) is waits
    fresh = Pool(newest=5, engine_seconds=engine_seconds)
    fresh.fill([prepared(1, seen=5)])
    assert fresh.take(0.0, typical_cost) is not None


def test_nobody_waits_longer_for_a_fresh_one_than_it_is_worth():
    pool = Pool(newest=5, engine_seconds=0.5)
    pool.fill([prepared(1, seen=4)])
    cost = 10.0
    assert pool.take(100.0, cost) is None
    assert pool.take(100.0 + FRESH_WITHIN * cost - 0.6, cost) is None
    assert numbers(pool.take(100.0 + FRESH_WITHIN * cost, cost)) == 1


# --- requests ---


def started(host=None, source=STUDY, workers=("w1",), **options) -> Rig:
    rig = Rig(MemoryStore(), host=host, **options)
    rig.create(source)
    for worker in workers:
        rig.register(worker)
    return rig


def test_an_engine_is_asked_for_one_suggestion_for_each_worker_with_all_that_is_known():
    rig = started(workers=("w1", "w2", "w3"))
    rig.measure_all("w1")
    assert {request.count for request in rig.host.asked} == {3}
    assert {request.seed for request in rig.host.asked} == {rig.host.asked[0].seed}
    assert rig.host.asked[0].completed == ()
    assert [e.is_default for e in rig.host.asked[-1].completed][:2] == [True, False]
    assert all(e.state is TrialState.COMPLETED for e in rig.host.asked[-1].completed)
    rig.close()


def test_the_engine_thinks_while_the_default_is_measured():
    rig = started()
    assert rig.lease().assignment.trial_id == "größe/1/1"
    assert len(rig.host.asked) == 1
    assert [c["threads"] for c in rig.host.asked[0].pending] == [1]
    rig.close()


def replayed(rig, event):
    """The suggestion that led to a trial, from what the store held when its engine was asked."""
    with rig.reading() as tx:
        study = tx.study(event.study_id)
        [settled] = tx.environments(study.id)
        events = [e for e in tx.events(study_id=study.id) if e.sequence <= event.data["seen"]]
        now = build_request(tx, study, settled, event.data["count"], None).request
        trials = {trial.number: trial for trial in tx.trials(study.id)}
        known = [e.trial for e in events if e.kind.value == "result.stored"]
        past = tuple(e for t, e in zip(trials.values(), history(tx, study), strict=False) if t.number in known)
    pending = tuple(trials[number].configuration for number in event.data["open"])
    request = replace(
        now, completed=past, pending=pending, seed=event.data["seed"], sequence=event.data["seen"], deadline=None
    )
    return get_engine(event.data["engine"]).suggest(request)[event.data["position"]].configuration


@pytest.mark.parametrize("engine", ["random", "sobol", "optuna:tpe", "gp"])
def test_replaying_the_events_gives_the_same_suggestions(engine):
    budget = 6
    rig = started(
        source=STUDY.replace("random", engine).replace("trials: 4", f"trials: {budget}"), workers=("w1", "w2", "w3")
    )
    sequence = 0
    while rig.state().value == "active":
        sequence += 1
        leases = {worker: rig.lease(worker, sequence).assignment for worker in ("w1", "w2", "w3")}
        for worker, assignment in leases.items():
            if assignment.token:
                value = 10.0 - assignment.configuration["threads"].int_value
                rig.finish(worker, assignment.token, completed(assignment, value))
    with rig.reading() as tx:
        created = [e for e in tx.events(study_id="größe/1") if e.kind.value == "trial.created"]
        trials = {t.number: t for t in tx.trials("größe/1")}
    explored = [e for e in created if e.data["purpose"] == Purpose.EXPLORE.value]
    assert len(explored) == budget
    assert any(e.data["position"] for e in explored)
    for event in explored:
        assert replayed(rig, event) == trials[event.trial].configuration
    rig.close()


# --- engines that fail ---


class FailingHost(NearHost):
    def __init__(self, error=None) -> None:
        super().__init__()
        self.error = error or Unavailable("engine 'random' failed: ValueError: boom")

    async def suggest(self, engine, request):
        await super().suggest(engine, request)
        raise self.error


def explored(rig):
    return [trial for trial in rig.all_trials() if trial.purpose is Purpose.EXPLORE]


def test_an_engine_that_fails_is_stood_in_for_and_the_trial_says_so():
    rig = started(FailingHost())
    rig.measure_all()
    assert len(explored(rig)) == 4
    assert {trial.origin.engine for trial in explored(rig)} == {"sobol"}
    assert all("fallback" in trial.origin.note and "boom" in trial.origin.note for trial in explored(rig))
    assert rig.state().value == "completed"
    rig.close()


def test_the_failed_engines_own_options_do_not_trouble_its_stand_in():
    source = STUDY.replace("engine: random", "engine: {name: 'optuna:tpe', n_startup_trials: 2}")
    rig = started(FailingHost(), source)
    rig.measure_all()
    assert {trial.origin.engine for trial in explored(rig)} == {"sobol"}
    rig.close()


def test_a_stand_in_that_has_nothing_left_ends_the_exploring():
    rig = started(FailingHost(), STUDY.replace("trials: 4", "trials: 40"))
    rig.measure_all()
    assert len(explored(rig)) == 4 * 3 - 1
    assert rig.state().value == "completed"
    rig.close()


class HangingHost(NearHost):
    """An engine that never answers, until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.release = asyncio.Event()

    async def suggest(self, engine, request):
        await self.release.wait()
        return await super().suggest(engine, request)


def test_an_engine_that_hangs_is_stood_in_for_again_and_again():
    async def scenario():
        for sequence in range(1, 6):
            request = workers_pb2.LeaseRequest(worker_id="w1", sequence=sequence, wait=30.0)
            assignment = (await rig.workers.Lease(request, rig.context)).assignment
            finish = workers_pb2.FinishRequest(worker_id="w1", token=assignment.token, result=completed(assignment))
            await rig.workers.Finish(finish, rig.context)
        rig.host.release.set()

    rig = started(HangingHost(), patience=0.02)
    rig.run(scenario())
    assert len(explored(rig)) == 4
    assert all("took more than" in trial.origin.note for trial in explored(rig))
    rig.close()


def test_an_exhausted_space_ends_the_exploring_before_the_budget():
    class Exhausted(NearHost):
        async def suggest(self, engine, request):
            if len(request.completed) + len(request.pending) >= 3:
                raise SpaceExhausted("nothing left")
            return await super().suggest(engine, request)

    rig = started(Exhausted())
    rig.measure_all()
    assert len(explored(rig)) == 2
    assert rig.state().value == "completed"
    rig.close()


def test_a_clock_that_stands_still_is_no_reason_to_wait():
    rig = Rig(MemoryStore(), ManualClock(0.0))
    rig.create()
    rig.register()
    assert rig.measure_all() > 4
    rig.close()
