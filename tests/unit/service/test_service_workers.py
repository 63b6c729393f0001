"""Workers as the server sees them: signs of life, leases lost and repeated, quarantine, results that come late."""

from __future__ import annotations

import math

import pytest
from google.rpc import code_pb2
from service_rig import STUDY, TERM, ManualClock, Refused, Rig, completed, failed
from tuner_protos.v1 import data_pb2, workers_pb2

from tuner.core.trial import CauseKind, TrialState
from tuner.core.worker import WorkerState
from tuner.service.operations.findings import history, typical_cost
from tuner.store.memory import MemoryStore
from tuner.store.open import open_store

CONTINUE, CANCEL = workers_pb2.DIRECTIVE_CONTINUE, workers_pb2.DIRECTIVE_CANCEL


ON_BOTH = pytest.mark.parametrize("rig", ["memory", "sqlite"], indirect=True)


@pytest.fixture
def rig(request, tmp_path):
    sqlite = getattr(request, "param", "memory") == "sqlite"
    store = open_store(str(tmp_path / "store.db"), ManualClock()) if sqlite else MemoryStore()
    made = Rig(store)
    yield made
    made.close()
    store.close()


@pytest.fixture
def begun(rig):
    """A study whose default is leased to w1."""
    rig.create()
    rig.register()
    rig.assignment = rig.lease().assignment
    return rig


def worker(rig, name="w1"):
    with rig.reading() as tx:
        return tx.worker(name)


def attempts(rig, number=1):
    with rig.reading() as tx:
        trial = tx.trial("größe/1", number)
        return [tx.attempt("größe/1", number, n).state.value for n in range(1, trial.attempts + 1)]


def changes_of_workers(rig):
    with rig.reading() as tx:
        return [(e.data["worker"], e.data["to"]) for e in tx.events() if e.kind.value == "worker.state"]


def test_registering_tells_how_often_to_call_and_what_is_held(begun):
    answer = begun.register()
    assert (answer.lease_term, answer.heartbeat_interval) == (TERM, TERM / 4)
    assert list(answer.held) == [begun.assignment.token]
    assert list(begun.register("w2").held) == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"protocol": 0}, "protocol"),
        ({"protocol": 2}, "protocol"),
        ({"worker_id": ""}, "worker_id"),
        ({"worker_id": "w" * 101}, "worker_id"),
        ({"worker_id": "w\x00"}, "id"),
        ({"inventory": data_pb2.Inventory(knobs=[data_pb2.Offer(name="k", low=math.nan)])}, "k.low"),
    ],
)
def test_a_registration_that_cannot_be_is_refused(rig, changes, word):
    request = workers_pb2.RegisterRequest(**{"worker_id": "w", "protocol": 1, **changes})
    with pytest.raises(Refused, match=word) as caught:
        rig.call(rig.workers.Register, request)
    assert caught.value.code == code_pb2.INVALID_ARGUMENT
    with rig.reading() as tx:
        assert tx.workers() == []


def test_who_was_never_registered_is_told_so(rig):
    for call in (lambda: rig.lease("ghost"), lambda: rig.beat("ghost")):
        with pytest.raises(Refused) as caught:
            call()
        assert caught.value.code == code_pb2.NOT_FOUND


@pytest.mark.parametrize("wait", [math.nan, -1.0, -math.inf])
def test_a_wait_that_is_no_duration_is_refused(rig, wait):
    rig.register()
    with pytest.raises(Refused, match="wait") as caught:
        rig.call(rig.workers.Lease, workers_pb2.LeaseRequest(worker_id="w1", sequence=1, wait=wait))
    assert caught.value.code == code_pb2.INVALID_ARGUMENT


def test_a_silent_worker_is_away_and_back_with_its_next_call(rig):
    rig.register("w1")
    rig.register("w2")
    rig.clock.advance(TERM + 1)
    rig.tick()
    assert worker(rig).state is WorkerState.OFFLINE
    assert rig.beat("w1") == CONTINUE
    assert not rig.lease("w2").HasField("assignment")
    for name in ("w1", "w2"):
        assert (worker(rig, name).state, worker(rig, name).seen_at) == (WorkerState.ONLINE, rig.clock.now())
    before = changes_of_workers(rig)
    for _ in range(5):
        rig.tick()
        rig.lease("w2")
    assert changes_of_workers(rig) == before


def test_a_worker_that_only_asks_for_leases_stays_online(rig):
    rig.register()
    for _ in range(40):
        rig.clock.advance(TERM / 4)
        rig.tick()
        rig.lease()
    assert changes_of_workers(rig) == [("w1", "online")]


def test_a_device_that_could_not_be_restored_gets_no_work_until_it_is(begun):
    assert begun.beat(token=begun.assignment.token) == CONTINUE
    request = workers_pb2.HeartbeatRequest(worker_id="w1", broken="governor: kept 'performance'")
    begun.call(begun.workers.Heartbeat, request)
    assert worker(begun).state is WorkerState.QUARANTINED
    begun.finish("w1", begun.assignment.token, completed(begun.assignment))
    answer = begun.lease(sequence=2)
    assert not answer.HasField("assignment")
    assert "kept 'performance'" in answer.reasons[0]
    begun.clock.advance(100 * TERM)
    begun.tick()
    assert worker(begun).state is WorkerState.QUARANTINED
    begun.register(broken="still")
    assert not begun.lease(sequence=2).HasField("assignment")
    begun.register()
    assert begun.lease(sequence=2).HasField("assignment")


# --- leases ---


@ON_BOTH
def test_a_lost_workers_trial_is_measured_by_another(begun):
    begun.register("w2")
    begun.clock.advance(TERM + 0.1)
    begun.tick()
    again = begun.lease("w2").assignment
    assert (again.trial_id, again.attempt) == (begun.assignment.trial_id, 2)
    assert begun.finish("w2", again.token, completed(again)).accepted
    assert attempts(begun) == ["lost", "finished"]


def test_heartbeats_keep_a_lease_for_ever(begun):
    for _ in range(50):
        begun.clock.advance(TERM - 0.1)
        assert begun.beat(token=begun.assignment.token, running=True) == CONTINUE
        begun.tick()
    assert attempts(begun) == ["running"]


@ON_BOTH
def test_a_repeated_request_gets_the_same_lease_for_another_full_term(begun):
    begun.clock.advance(TERM - 1)
    assert begun.lease().assignment == begun.assignment
    begun.clock.advance(TERM - 1)
    begun.tick()
    assert begun.lease().assignment == begun.assignment
    begun.restart()
    assert begun.lease().assignment == begun.assignment


def test_a_worker_that_has_forgotten_its_lease_uses_up_one_try(begun):
    again = begun.lease(sequence=2).assignment
    assert (again.trial_id, again.attempt) == (begun.assignment.trial_id, 2)
    begun.lease(sequence=3)
    [trial, *_] = begun.all_trials()
    assert (trial.state, trial.cause.kind) == (TrialState.FAILED, CauseKind.LOST)
    assert "2 attempts lost" in trial.cause.message


def test_a_request_from_a_dead_connection_takes_nothing_from_the_worker(begun):
    begun.finish("w1", begun.assignment.token, completed(begun.assignment))
    second = begun.lease(sequence=2).assignment
    assert second.token
    assert not begun.lease(sequence=1).HasField("assignment")
    assert begun.lease(sequence=2).assignment == second


def test_a_worker_whose_counter_was_lost_is_heard_after_it_registers(begun):
    begun.lease(sequence=9)
    begun.register()
    assert begun.lease(sequence=1).assignment.token


def test_a_lease_given_back_is_no_try(begun):
    token = begun.assignment.token
    for sequence in range(2, 8):
        begun.release("w1", token)
        token = begun.lease(sequence=sequence).assignment.token
    assert attempts(begun) == ["released"] * 6 + ["leased"]


def test_the_next_lease_can_come_with_the_answer_to_a_result(rig):
    rig.create(STUDY + "contexts: {load: [light, heavy]}\n")
    rig.register()
    first = rig.lease().assignment
    request = workers_pb2.FinishRequest(worker_id="w1", token=first.token, result=completed(first), next_sequence=2)
    answer = rig.call(rig.workers.Finish, request)
    assert answer.accepted
    assert (answer.next.trial_id, answer.next.contexts["load"]) == ("größe/1/2", "heavy")
    assert rig.lease(sequence=2).assignment == answer.next
    again = rig.call(rig.workers.Finish, request)
    assert again.next == answer.next


@ON_BOTH
def test_after_a_restart_every_live_lease_has_a_full_term(begun):
    begun.clock.advance(TERM * 10)
    begun.restart()
    begun.clock.advance(TERM - 0.1)
    begun.tick()
    assert attempts(begun) == ["leased"]
    begun.clock.advance(0.2)
    begun.tick()
    assert attempts(begun) == ["lost"]


# --- results ---


@ON_BOTH
def test_a_result_is_stored_once_and_stays(begun):
    assert begun.finish("w1", begun.assignment.token, completed(begun.assignment, 5.0)).accepted
    again = begun.finish("w1", begun.assignment.token, completed(begun.assignment, 1.0))
    assert (again.accepted, again.note) == (True, "this attempt's result was stored before")
    assert begun.finish("w1", begun.assignment.token, failed()).accepted
    with begun.reading() as tx:
        [stored] = tx.results("größe/1")
    assert stored.result.observations[0].mean == 5.0


def test_a_late_result_completes_a_trial_that_waits(begun):
    begun.clock.advance(TERM + 1)
    begun.tick()
    assert begun.beat(token=begun.assignment.token) == CONTINUE
    assert begun.finish("w1", begun.assignment.token, completed(begun.assignment)).accepted
    assert begun.all_trials()[0].state is TrialState.COMPLETED


@ON_BOTH
def test_a_late_result_completes_a_trial_that_another_measures_and_cancels_that(begun):
    begun.clock.advance(TERM + 1)
    begun.tick()
    begun.register("w2")
    newer = begun.lease("w2").assignment
    begun.beat("w2", newer.token, running=True)
    assert begun.finish("w1", begun.assignment.token, completed(begun.assignment, 3.0)).accepted
    assert begun.beat("w2", newer.token, running=True) == CANCEL
    late = begun.finish("w2", newer.token, completed(newer, 9.0))
    assert (late.accepted, "replicate" in late.note) == (False, True)
    with begun.reading() as tx:
        study = tx.study("größe/1")
        assert [(s.late, s.result.observations[0].mean) for s in tx.results("größe/1")] == [(False, 3.0), (True, 9.0)]
        past = history(tx, study)
    assert [e.observations["ms"].mean for e in past] == [3.0, 9.0]
    assert len({e.configuration for e in past}) == 1


def test_a_result_after_the_last_try_is_a_replicate_of_a_trial_that_stays_failed(begun):
    for sequence in (2, 3):
        begun.clock.advance(TERM + 1)
        begun.tick()
        begun.register()
        last = begun.lease(sequence=sequence).assignment
    assert begun.all_trials()[0].state is TrialState.FAILED
    answer = begun.finish("w1", begun.assignment.token, completed(begun.assignment))
    assert not answer.accepted
    assert begun.all_trials()[0].state is TrialState.FAILED
    assert last.trial_id != begun.assignment.trial_id


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda r: r.observations[0].ClearField("metric"), "metric"),
        (lambda r: setattr(r.observations[0], "metric", "typo"), "observations.typo"),
        (lambda r: setattr(r.observations[0], "mean", math.nan), "finite"),
        (lambda r: setattr(r.observations[0], "mean", -math.inf), "finite"),
        (lambda r: setattr(r.observations[0], "variance", math.nan), "variance"),
        (lambda r: setattr(r.observations[0], "unit", "s"), "unit"),
        (lambda r: r.observations.add(metric="ms", mean=1.0, n=1, unit="ms"), "twice"),
        (lambda r: r.observations.add(metric="own", mean=1.0, n=1, unit="s"), "declared"),
        (lambda r: r.observations.add(metric="temperature", mean=1.0, n=1, unit="K"), "'C'"),
        (lambda r: r.ClearField("observations"), "missing"),
        (lambda r: setattr(r, "state", data_pb2.TRIAL_STATE_CANCELLED), "state"),
        (lambda r: setattr(r, "state", data_pb2.TRIAL_STATE_FAILED), "cause"),
        (lambda r: r.cause.CopyFrom(data_pb2.Cause(kind=data_pb2.CAUSE_KIND_CRASHED)), "cause"),
        (lambda r: setattr(r, "cost", math.inf), "cost"),
        (lambda r: setattr(r, "cost", -1.0), "cost"),
        (lambda r: r.runs.add(values={"ms": math.nan}), "runs"),
        (lambda r: r.intermediates.add(metric="loss", value=math.inf), "intermediates"),
    ],
)
def test_a_result_that_is_not_what_was_asked_for_is_refused_and_nothing_of_it_is_stored(begun, spoil, word):
    result = completed(begun.assignment)
    spoil(result)
    before = begun.all_trials()
    with pytest.raises(Refused, match=word) as caught:
        begun.finish("w1", begun.assignment.token, result)
    assert caught.value.code == code_pb2.INVALID_ARGUMENT
    with begun.reading() as tx:
        assert tx.results("größe/1") == []
        assert tx.intermediates("größe/1", 1) == []
    assert begun.all_trials() == before
    assert begun.finish("w1", begun.assignment.token, completed(begun.assignment)).accepted


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_learning_curve_holds_finite_numbers(begun, number):
    point = data_pb2.Intermediate(step=1, elapsed=1.0, metric="loss", value=number)
    request = workers_pb2.HeartbeatRequest(worker_id="w1", token=begun.assignment.token, intermediates=[point])
    with pytest.raises(Refused, match="finite"):
        begun.call(begun.workers.Heartbeat, request)


@ON_BOTH
def test_a_learning_curve_is_kept_once_by_heartbeat_and_result(begun):
    points = [data_pb2.Intermediate(step=n, elapsed=n, metric="loss", value=1.0 / (n + 1)) for n in range(3)]
    request = workers_pb2.HeartbeatRequest(
        worker_id="w1", token=begun.assignment.token, intermediates=points[:2], running=True
    )
    begun.call(begun.workers.Heartbeat, request)
    result = completed(begun.assignment)
    result.intermediates.extend(points)
    begun.finish("w1", begun.assignment.token, result)
    with begun.reading() as tx:
        assert [point.step for point in tx.intermediates("größe/1", 1)] == [0, 1, 2]


def test_what_a_trial_costs_is_told_from_those_that_were_completed(rig):
    rig.create(STUDY.replace("trials: 4", "trials: 9"))
    rig.register()
    for sequence, (result, cost) in enumerate(
        [("ok", 2.0), ("ok", 4.0), ("failed", 600.0), ("ok", 6.0), ("failed", 600.0)], start=1
    ):
        assignment = rig.lease(sequence=sequence).assignment
        told = completed(assignment) if result == "ok" else failed()
        told.cost = cost
        rig.finish("w1", assignment.token, told)
    with rig.reading() as tx:
        assert typical_cost(tx, tx.study("größe/1")) == 4.0


@ON_BOTH
def test_the_measurements_keep_their_provenance(begun):
    result = completed(begun.assignment)
    result.observations[0].CopyFrom(
        data_pb2.Observation(metric="ms", mean=5.0, variance=0.25, n=3, unit="ms", method="wall clock")
    )
    result.runs.add(index=0, duration=0.5, values={"ms": 5.0}, knobs={"k": data_pb2.Value(string_value="on")})
    begun.finish("w1", begun.assignment.token, result)
    with begun.reading() as tx:
        [stored] = tx.results("größe/1", runs=True)
    observation = stored.result.observations[0]
    assert (observation.variance, observation.n, observation.unit, observation.method) == (0.25, 3, "ms", "wall clock")
    assert (stored.worker_id, stored.attempt, stored.environment) == ("w1", 1, begun.all_trials()[0].environment)
    assert stored.result.runs[0].knobs == {"k": "on"}
