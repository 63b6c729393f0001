"""A study that rests, goes on, is deleted and comes again: where it is then, and under which name."""

from __future__ import annotations

import pytest
from service_rig import STUDY, Refused, Rig, completed
from tuner_protos.v1 import studies_pb2

from tuner.core.trial import Purpose
from tuner.store.memory import MemoryStore


@pytest.fixture
def rig():
    rig = Rig(MemoryStore())
    rig.create()
    yield rig
    rig.close()


def until_the_check(rig) -> object:
    """The assignment of the final check, all before it measured."""
    rig.register()
    for sequence in range(100):
        assignment = rig.lease(sequence=sequence).assignment
        if assignment.plan:
            return assignment
        rig.finish("w1", assignment.token, completed(assignment, 1.0 + sequence % 3 if sequence else 9.0))
    raise AssertionError("there was no check")


def checks(rig, study="größe/1"):
    return [trial for trial in rig.all_trials(study) if trial.purpose is Purpose.CONFIRM]


@pytest.mark.parametrize("again", ["Resume", "Create"])
def test_a_study_that_rests_in_its_final_check_goes_on_in_it(rig, again):
    check = until_the_check(rig)
    rig.release("w1", check.token)
    rig.move("Pause", "größe")
    rig.create() if again == "Create" else rig.move("Resume", "größe")
    assert rig.state().value == "confirming"
    rig.measure_all(sequence=200)
    assert rig.state().value == "completed"
    assert len(checks(rig)) == 1


@pytest.mark.parametrize("again", ["Resume", "Create"])
def test_a_check_that_ends_while_the_study_rests_is_not_made_twice(rig, again):
    check = until_the_check(rig)
    rig.move("Pause", "größe")
    rig.finish("w1", check.token, completed(check))
    rig.create() if again == "Create" else rig.move("Resume", "größe")
    rig.tick()
    assert rig.state().value == "completed"
    assert len(checks(rig)) == 1


def elapsed(rig):
    return rig.call(rig.studies.Get, studies_pb2.GetStudyRequest(study="größe")).progress.elapsed


def test_the_clock_runs_from_the_first_trial_and_not_while_the_study_rests(rig):
    rig.clock.advance(100.0)
    rig.move("Pause", "größe")
    rig.move("Resume", "größe")
    rig.clock.advance(100.0)
    assert elapsed(rig) == 0.0
    rig.register()
    rig.lease()
    rig.move("Pause", "größe")
    rig.move("Resume", "größe")
    rig.clock.advance(7.0)
    rig.move("Pause", "größe")
    rig.clock.advance(100.0)
    assert elapsed(rig) == 7.0
    rig.move("Resume", "größe")
    rig.clock.advance(3.0)
    assert elapsed(rig) == 10.0


def end(rig):
    rig.move("Cancel", "größe")
    return rig.call(rig.studies.Delete, studies_pb2.StudyRequest(study="größe"))


def test_the_number_of_a_deleted_run_is_not_given_again(rig):
    """Its events stay, and its suggestions may still be at hand."""
    end(rig)
    other = rig.create(STUDY.replace("high: 4", "high: 2"))
    assert (other.study.id, other.created) == ("größe/2", True)
    events = rig.call(rig.studies.Get, studies_pb2.GetStudyRequest(study="größe/2"))
    assert events.progress.counted == 0
    rig.move("Cancel", "größe/2")
    rig.create(STUDY.replace("high: 4", "high: 2"))
    rig.call(rig.studies.Delete, studies_pb2.StudyRequest(study="größe/2"))
    rig.move("Cancel", "größe/3")
    assert rig.create(STUDY.replace("high: 4", "high: 2")).study.id == "größe/4"


def test_a_study_that_goes_on_is_not_deleted(rig):
    with pytest.raises(Refused, match="cancel it before"):
        rig.call(rig.studies.Delete, studies_pb2.StudyRequest(study="größe"))
