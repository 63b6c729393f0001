"""Studies from submission to answer: who may measure them, where, for how long, and what else is brought in."""

from __future__ import annotations

import pytest
from google.rpc import code_pb2
from service_rig import KNOBBED, STUDY, TERM, Refused, Rig, completed, failed, inventory, purposes, shown
from tuner_protos.v1 import data_pb2, trials_pb2

from tuner.core.study import StudyState
from tuner.core.trial import Purpose, TrialState
from tuner.core.worker import Offer
from tuner.store.memory import MemoryStore

TURBO = Offer("cpu.turbo", True, "off or on", current=True, values=(False, True))


@pytest.fixture
def rig():
    made = Rig(MemoryStore())
    yield made
    made.close()


# --- submission ---


def test_a_study_without_workers_waits_and_says_so(rig):
    answer = rig.create()
    assert answer.created
    assert answer.study.id == "größe/1"
    assert answer.notes == ["no worker is registered: the study waits for one"]
    rig.register()
    assert shown(rig).notes == []


def test_a_study_that_fits_no_worker_is_refused_with_each_ones_reason(rig):
    rig.register("w1", workloads=())
    rig.register("w2", workloads=(Offer("sim", False, reason="no licence"),))
    with pytest.raises(Refused) as caught:
        rig.create()
    assert caught.value.code == code_pb2.INVALID_ARGUMENT
    for word in ("'w1'", "not known there", "'w2'", "no licence"):
        assert word in str(caught.value)
    with rig.reading() as tx:
        assert tx.studies() == []
        assert [e for e in tx.events() if e.study_id] == []


def test_one_worker_that_fits_is_enough_and_one_that_left_is_not_asked(rig):
    rig.register("w1", workloads=())
    rig.register("w2")
    assert rig.create().created
    rig.clock.advance(TERM + 1)
    rig.tick()
    assert rig.create(STUDY.replace("größe", "other")).notes == ["no worker is registered: the study waits for one"]


def test_the_same_contents_resume_and_others_are_refused_with_the_difference(rig):
    rig.create()
    rig.move("Pause", "größe")
    again = rig.create(STUDY + "\n# a comment more\n")
    assert (again.created, again.study.id, again.study.state) == (False, "größe/1", data_pb2.STUDY_STATE_ACTIVE)
    with pytest.raises(Refused, match=r"budget\.trials: 4 -> 9") as caught:
        rig.create(STUDY.replace("trials: 4", "trials: 9"))
    assert caught.value.code == code_pb2.ALREADY_EXISTS


def test_a_study_goes_on_whoever_is_registered_by_now(rig):
    rig.create()
    rig.register("w1", workloads=())
    answer = rig.create()
    assert (answer.created, answer.study.id) == (False, "größe/1")
    assert "not known there" in answer.notes[0]


def test_a_finished_study_starts_its_next_run(rig):
    rig.create()
    rig.register()
    rig.measure_all()
    assert rig.state() is StudyState.COMPLETED
    answer = rig.create()
    assert (answer.created, answer.study.id) == (True, "größe/2")
    assert shown(rig).id == "größe/2"
    assert shown(rig, "größe/1").state == data_pb2.STUDY_STATE_COMPLETED


def test_a_repeated_submission_gets_the_same_answer(rig):
    first = rig.create(request_id="r1")
    rig.move("Cancel", "größe")
    assert rig.create(request_id="r1") == first
    assert rig.create(request_id="r2").study.id == "größe/2"
    assert rig.create(request_id="r2").created


# --- where ---


def test_another_device_type_is_refused_with_the_reason(rig):
    rig.create()
    rig.register("w1")
    assert rig.lease("w1").assignment.trial_id == "größe/1/1"
    rig.register("w2", board="Otherboard")
    answer = rig.lease("w2")
    assert not answer.HasField("assignment")
    assert "pinned" in answer.reasons[0]
    assert "Otherboard" in answer.reasons[0]
    assert "environments: each" in answer.reasons[0]
    rig.register("w3")
    assert rig.lease("w3").assignment.trial_id == "größe/1/2"


def test_each_device_type_has_its_own_default_and_answer(rig):
    rig.create(STUDY + "environments: each\n")
    rig.register("w1")
    rig.register("w2", board="Otherboard")
    one, other = rig.lease("w1").assignment, rig.lease("w2").assignment
    assert {one.purpose, other.purpose} == {data_pb2.PURPOSE_DEFAULT}
    rig.finish("w1", one.token, completed(one, 5.0))
    rig.finish("w2", other.token, completed(other, 7.0))
    for sequence in range(2, 30):
        for worker in ("w1", "w2"):
            assignment = rig.lease(worker, sequence).assignment
            if assignment.token:
                value = 1.0 if assignment.purpose == data_pb2.PURPOSE_EXPLORE else 2.0
                rig.finish(worker, assignment.token, completed(assignment, value))
        rig.tick()
    assert rig.state() is StudyState.COMPLETED
    by_place = {}
    for trial in rig.all_trials():
        by_place.setdefault(trial.environment, []).append(trial.purpose)
    assert set(by_place) == {inventory().fingerprint.digest, inventory("Otherboard").fingerprint.digest}
    for found in by_place.values():
        assert found.count(Purpose.DEFAULT) == found.count(Purpose.CONFIRM) == 1
        assert Purpose.EXPLORE in found
    optimal = rig.call(rig.trials.ListOptimal, trials_pb2.ListOptimalRequest(study="größe")).optimal
    assert {o.environment for o in optimal} == set(by_place)
    assert [check.environment for check in shown(rig).checks] == [o.environment for o in optimal]


def test_contexts_make_environments_and_the_default_is_measured_first_in_each(rig):
    rig.create(STUDY + "contexts: {load: [light, heavy]}\n")
    rig.register()
    seen = []
    for sequence in range(1, 7):
        assignment = rig.lease(sequence=sequence).assignment
        seen.append((assignment.purpose, assignment.contexts["load"]))
        rig.finish("w1", assignment.token, completed(assignment))
    assert seen[:2] == [(data_pb2.PURPOSE_DEFAULT, "light"), (data_pb2.PURPOSE_DEFAULT, "heavy")]
    assert sorted(load for purpose, load in seen[2:]) == ["heavy", "heavy", "light", "light"]
    assert len(shown(rig).environments) == 2


def test_no_device_type_joins_a_final_check(rig):
    rig.create(STUDY + "environments: each\n")
    rig.register("w1")
    sequence = 0
    while rig.state() is StudyState.ACTIVE:
        sequence += 1
        assignment = rig.lease("w1", sequence).assignment
        if assignment.token:
            value = 1.0 if assignment.purpose == data_pb2.PURPOSE_EXPLORE else 2.0
            rig.finish("w1", assignment.token, completed(assignment, value))
        rig.tick()
    assert rig.state() is StudyState.CONFIRMING
    rig.register("w2", board="Otherboard")
    assert not rig.lease("w2").HasField("assignment")
    assert len(shown(rig).environments) == 1
    rig.measure_all("w1", 500)
    assert rig.state() is StudyState.COMPLETED


def test_an_optional_knob_that_a_device_lacks_is_left_out_and_told(rig):
    rig.create(KNOBBED)
    rig.register()
    assignment = rig.lease().assignment
    assert set(assignment.configuration) == {"threads", "batch"}
    rig.finish("w1", assignment.token, completed(assignment))
    assert "turbo" not in rig.lease(sequence=2).assignment.configuration
    assert "turbo" in shown(rig).notes[0]


def test_the_default_of_a_knob_is_what_was_read_on_the_device(rig):
    rig.create(KNOBBED)
    rig.register(knobs=(TURBO,))
    assignment = rig.lease().assignment
    assert assignment.configuration["turbo"].bool_value is True
    assert dict(assignment.knobs) == {"turbo": "cpu.turbo"}


# --- to the end ---


def test_a_study_goes_from_its_default_to_a_checked_answer(rig):
    rig.create()
    rig.register()
    rig.measure_all(value=lambda a: 9.0 if a.purpose == data_pb2.PURPOSE_DEFAULT else 2.0)
    kinds = [purpose for purpose, _ in purposes(rig)]
    assert kinds[0] is Purpose.DEFAULT
    assert kinds.count(Purpose.EXPLORE) == 4
    assert kinds[-1] is Purpose.CONFIRM
    assert all(state is TrialState.COMPLETED for _, state in purposes(rig))
    study = shown(rig)
    [check] = study.checks
    [metric] = check.metrics
    assert (metric.metric, metric.n, metric.unit) == ("ms", 5, "ms")
    assert metric.ci_low <= metric.ratio <= metric.ci_high


def test_a_check_without_its_runs_is_refused_and_the_study_stays_readable(rig):
    rig.create()
    rig.register()
    sequence = 0
    while True:
        sequence += 1
        assignment = rig.lease(sequence=sequence).assignment
        if not assignment.token:
            rig.tick()
        elif assignment.plan:
            break
        else:
            value = 9.0 if assignment.purpose == data_pb2.PURPOSE_DEFAULT else 2.0
            rig.finish("w1", assignment.token, completed(assignment, value))
    hollow = completed(assignment)
    del hollow.runs[:]
    with pytest.raises(Refused, match="final check"):
        rig.finish("w1", assignment.token, hollow)
    rig.finish("w1", assignment.token, completed(assignment))
    assert shown(rig).state == data_pb2.STUDY_STATE_COMPLETED
    assert len(shown(rig).checks) == 1


def test_a_default_that_failed_ends_in_no_claim(rig):
    rig.create()
    rig.register()
    first = rig.lease().assignment
    rig.finish("w1", first.token, failed())
    rig.measure_all()
    study = shown(rig)
    assert study.state == data_pb2.STUDY_STATE_COMPLETED
    assert "default configuration could not be measured" in study.reason
    assert not study.checks


def test_a_time_budget_ends_the_exploring_and_is_not_spent_while_no_server_ran(rig):
    rig.create(STUDY.replace("trials: 4", "time: 100s").replace("blocks: 5", "blocks: 0"))
    rig.register()
    assignment = rig.lease().assignment
    rig.clock.advance(10.0)
    rig.finish("w1", assignment.token, completed(assignment))
    rig.clock.advance(5000.0)
    rig.restart()
    assert shown(rig).progress.elapsed == pytest.approx(10.0)
    rig.register()
    assert rig.lease(sequence=2).assignment.purpose == data_pb2.PURPOSE_EXPLORE
    rig.clock.advance(89.0)
    rig.tick()
    rig.register()
    assignment = rig.lease(sequence=3).assignment
    assert assignment.purpose == data_pb2.PURPOSE_EXPLORE
    rig.finish("w1", assignment.token, completed(assignment))
    rig.clock.advance(2.0)
    assert not rig.lease(sequence=4).HasField("assignment")
    rig.tick()
    assert rig.lease(sequence=4).assignment.purpose == data_pb2.PURPOSE_REPLICATE


def test_a_pause_stops_the_clock_and_new_trials_but_not_those_that_run(rig):
    rig.create()
    rig.register()
    assignment = rig.lease().assignment
    rig.clock.advance(5.0)
    rig.move("Pause", "größe")
    rig.clock.advance(7.0)
    assert rig.beat(token=assignment.token, running=True) == 1
    assert rig.finish("w1", assignment.token, completed(assignment)).accepted
    assert not rig.lease(sequence=2).HasField("assignment")
    assert shown(rig).progress.elapsed == pytest.approx(5.0)
    rig.move("Resume", "größe")
    assert rig.lease(sequence=2).HasField("assignment")


def test_a_cancelled_studys_trials_are_cancelled_and_their_workers_told(rig):
    rig.create()
    rig.register()
    assignment = rig.lease().assignment
    rig.move("Cancel", "größe")
    rig.move("Cancel", "größe")
    assert rig.beat(token=assignment.token) == 3  # DIRECTIVE_CANCEL
    assert not rig.finish("w1", assignment.token, completed(assignment)).accepted
    assert purposes(rig) == [(Purpose.DEFAULT, TrialState.CANCELLED)]
    with pytest.raises(Refused, match="cancelled"):
        rig.move("Resume", "größe")


def test_only_a_study_that_has_ended_can_be_deleted(rig):
    rig.create()
    with pytest.raises(Refused, match="cancel it before") as caught:
        rig.move("Delete", "größe")
    assert caught.value.code == code_pb2.FAILED_PRECONDITION
    rig.move("Cancel", "größe")
    rig.move("Delete", "größe")
    with pytest.raises(Refused) as caught:
        shown(rig)
    assert caught.value.code == code_pb2.NOT_FOUND


# --- nothing can be measured ---


def test_a_study_whose_default_lacks_something_ends_at_once_and_says_why(rig):
    rig.register()
    rig.create()
    rig.finish("w1", rig.lease().assignment.token, failed(data_pb2.CAUSE_KIND_UNAVAILABLE))
    rig.tick()
    assert rig.state() is StudyState.FAILED
    assert shown(rig).reason.startswith("the default configuration cannot be measured: ")
    assert all(trial.state.terminal for trial in rig.all_trials())


def test_a_default_that_crashes_leaves_the_others_their_chance(rig):
    rig.register()
    rig.create()
    rig.finish("w1", rig.lease().assignment.token, failed(data_pb2.CAUSE_KIND_CRASHED))
    rig.tick()
    assert rig.state() is StudyState.ACTIVE
