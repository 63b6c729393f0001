"""What readers see of a study's answer."""

from __future__ import annotations

import pytest
from service_rig import STUDY, TERM, Rig, completed
from tuner_protos.v1 import data_pb2, trials_pb2

from tuner.store.memory import MemoryStore


@pytest.fixture
def rig():
    rig = Rig(MemoryStore())
    yield rig
    rig.close()


def optimal(rig, study="größe"):
    [found] = rig.call(rig.trials.ListOptimal, trials_pb2.ListOptimalRequest(study=study)).optimal
    return found


def finish(rig, assignment, value):
    rig.finish("w1", assignment.token, completed(assignment, value))


def test_a_configuration_that_only_a_late_result_measured_is_part_of_the_answer(rig):
    rig.create()
    rig.register()
    finish(rig, rig.lease(sequence=1).assignment, 5.0)
    tries = []
    for sequence in (2, 3):
        tries.append(rig.lease(sequence=sequence).assignment)
        rig.clock.advance(TERM + 1)
        rig.tick()
    assert {assignment.trial_id for assignment in tries} == {"größe/1/2"}
    finish(rig, tries[0], 1.0)
    found = optimal(rig)
    assert found.recommended.id == "größe/1/2"
    assert found.recommended.state == data_pb2.TRIAL_STATE_FAILED
    assert [(o.metric, o.mean) for o in found.recommended.observations] == [("ms", 1.0)]
    assert [trial.id for trial in found.front] == ["größe/1/2"]
    assert found.default.id == "größe/1/1"


def test_replicates_are_pooled_and_stand_under_the_first_trial(rig):
    rig.create(STUDY.replace("blocks: 5, replicates: 1", "blocks: 0, replicates: 1"))
    rig.register()
    seen = {}

    def value(assignment):
        number = int(assignment.trial_id.rpartition("/")[2])
        key = tuple(sorted((n, v.int_value) for n, v in assignment.configuration.items()))
        seen.setdefault(key, []).append((number, float(number)))
        return float(number) if number > 1 else 9.0

    rig.measure_all(value=value)
    assert rig.state().value == "completed"
    twice = {runs[0][0]: runs for runs in seen.values() if len(runs) == 2}
    assert len(twice) >= 3
    found = optimal(rig).recommended
    assert found.number in twice
    runs = twice[found.number]
    assert [(o.mean, o.n) for o in found.observations] == [(sum(v for _, v in runs) / 2, 2)]


def test_a_study_without_results_has_no_answer(rig):
    rig.create()
    rig.register()
    rig.lease()
    found = optimal(rig)
    assert not found.front
    assert not found.HasField("recommended")
    assert not found.HasField("default")


def test_a_relative_constraint_is_held_against_all_that_the_default_measured(rig):
    rig.create(STUDY + "outcome_constraints: ['ms <= 1.0 * default']\n")
    rig.register()
    default = rig.lease(sequence=1).assignment
    rig.clock.advance(TERM + 1)
    rig.tick()
    late = rig.lease(sequence=2).assignment
    assert late.trial_id == default.trial_id
    finish(rig, late, 4.0)
    explored = rig.lease(sequence=3).assignment
    finish(rig, explored, 5.0)

    def kept():
        request = trials_pb2.ListTrialsRequest(study="größe")
        return {trial.id: trial.feasible for trial in rig.call(rig.trials.List, request).trials}

    assert kept() == {default.trial_id: True, explored.trial_id: False}
    finish(rig, default, 8.0)
    assert kept() == {default.trial_id: True, explored.trial_id: True}
    assert {trial.id for trial in optimal(rig).front} == {explored.trial_id}
