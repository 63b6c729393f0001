"""From the end of exploring to the end of the study."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schedule_samples import ACCURACY, LATENCY, SPEC, trial

from tuner.core.expression import parse
from tuner.core.observation import Metric, Observation
from tuner.core.space import Configuration
from tuner.core.study import EXTERNAL, Measurement, Objective, OutcomeConstraint, StudyState, Workload
from tuner.core.trial import Cause, CauseKind, Purpose, TrialState
from tuner.schedule.conclusion import PROMISING, Candidate, Findings, check_plan, conclude

ENERGY = Metric("energy_j", "energy_j")
ACTIVE, CONFIRMING = StudyState.ACTIVE, StudyState.CONFIRMING
BOTH = replace(SPEC, objectives=(Objective(LATENCY), Objective(ENERGY)), outcome_constraints=())


def candidate(threads, latency, accuracy=0.95, trials=2, **others):
    values = {LATENCY.key: latency, ACCURACY.key: accuracy, **others}
    observations = {key: Observation(key, value) for key, value in values.items()}
    return Candidate(Configuration({"threads": threads}), observations, trials)


def found(*candidates, default=0, replicates=0, checks=(), environment="e"):
    """Findings whose default is the candidate at that position (None: not completed)."""
    return Findings(environment, None if default is None else candidates[default], candidates, replicates, checks)


def measurement(**changes):
    return replace(SPEC, measurement=Measurement(**changes))


CONFIRM = replace(trial(TrialState.COMPLETED), purpose=Purpose.CONFIRM)


# --- the plan ---


@given(st.integers(1, 50))
def test_a_plan_is_pairs_in_alternating_order(blocks):
    plan = check_plan(blocks)
    assert len(plan) == 2 * blocks
    pairs = [plan[i : i + 2] for i in range(0, len(plan), 2)]
    assert all(set(pair) == {"default", "recommended"} for pair in pairs)
    assert all(left != right for left, right in itertools.pairwise(pairs))


@given(st.integers(1, 25).map(lambda half: 2 * half))
def test_in_an_even_number_of_pairs_both_arms_stand_at_the_same_time_on_average(blocks):
    plan = check_plan(blocks)
    places = {arm: [i for i, other in enumerate(plan) if other == arm] for arm in set(plan)}
    assert sum(places["default"]) == sum(places["recommended"])


# --- replicates ---


def test_the_most_promising_are_measured_once_more():
    points = [candidate(1, 50.0, trials=1)] + [candidate(n, 30.0 - n, trials=1) for n in range(2, 8)]
    step = conclude(SPEC, ACTIVE, [found(*points)])
    assert step.state is None
    assert [(new.purpose, new.configuration["threads"]) for new in step.trials] == [
        (Purpose.REPLICATE, 7), (Purpose.REPLICATE, 6), (Purpose.REPLICATE, 5)
    ]  # fmt: skip


def test_the_default_and_what_breaks_a_constraint_are_not_replicated():
    points = [candidate(1, 10.0, trials=1), candidate(2, 5.0, accuracy=0.5, trials=1), candidate(3, 20.0, trials=1)]
    step = conclude(SPEC, ACTIVE, [found(*points)])
    assert [new.configuration["threads"] for new in step.trials] == [3]


def test_as_many_replicates_as_were_asked_for():
    points = [candidate(1, 50.0), candidate(2, 20.0, trials=1)]
    assert len(conclude(measurement(replicates=3), ACTIVE, [found(*points)]).trials) == 3
    step = conclude(measurement(replicates=0), ACTIVE, [found(*points)])
    assert [new.purpose for new in step.trials] == [Purpose.CONFIRM]


@given(st.lists(st.floats(0.1, 99.0), min_size=12, max_size=12), st.randoms(use_true_random=False))
def test_the_chase_of_the_best_looking_ends(latencies, chance):
    """Each replicate may make its configuration look so bad that others come to the top; still the study ends."""
    points = [candidate(n, latency, trials=1) for n, latency in enumerate(latencies)]
    made = 0
    while True:
        step = conclude(SPEC, ACTIVE, [found(*points, replicates=made)])
        if step.state is not None:
            break
        assert step.trials
        for new in step.trials:
            made += 1
            points = [
                candidate(p.configuration["threads"], chance.uniform(0.1, 99.0), trials=p.trials + 1)
                if p.configuration == new.configuration
                else p
                for p in points
            ]
        assert made <= 2 * PROMISING


def test_a_replicate_that_fails_is_not_asked_for_again():
    points = [candidate(1, 50.0), candidate(2, 20.0, trials=2)]
    assert conclude(SPEC, ACTIVE, [found(*points, replicates=1)]).state is CONFIRMING


# --- the final check ---


def test_the_recommended_is_checked_against_the_default():
    step = conclude(SPEC, ACTIVE, [found(candidate(1, 50.0), candidate(2, 20.0))])
    assert step.state is CONFIRMING
    [check] = step.trials
    assert (check.purpose, check.environment) == (Purpose.CONFIRM, "e")
    assert (check.configuration, check.baseline) == (Configuration({"threads": 2}), Configuration({"threads": 1}))
    assert check.plan == check_plan(6)


def test_each_environment_has_its_own_check():
    one = found(candidate(1, 50.0), candidate(2, 20.0), environment="a")
    other = found(candidate(1, 50.0), candidate(3, 20.0), environment="b")
    step = conclude(SPEC, ACTIVE, [one, other])
    assert [(new.environment, new.configuration["threads"]) for new in step.trials] == [("a", 2), ("b", 3)]


def test_an_environment_without_a_default_does_not_keep_another_from_its_check():
    one = found(candidate(2, 20.0), default=None, environment="a")
    other = found(candidate(1, 50.0), candidate(3, 20.0), environment="b")
    step = conclude(SPEC, ACTIVE, [one, other])
    assert Counter(new.environment for new in step.trials) == {"b": 1}


@pytest.mark.parametrize(
    ("spec", "findings", "words"),
    [
        (SPEC, found(candidate(1, 10.0), candidate(2, 20.0)), "no improvement found: the default configuration is"),
        (BOTH, found(candidate(1, 10.0, energy_j=5.0), candidate(2, 5.0, energy_j=9.0)), "worse in another"),
        (SPEC, found(candidate(2, 20.0), default=None), "the default configuration could not be measured"),
        (SPEC, found(candidate(1, 10.0, accuracy=0.1), candidate(2, 5.0, accuracy=0.2)), "keeps the outcome"),
        (measurement(blocks=0), found(candidate(1, 50.0), candidate(2, 20.0)), "without a final check"),
        (
            replace(SPEC, workload=Workload(EXTERNAL)),
            found(candidate(1, 50.0), candidate(2, 20.0)),
            "without a final check",
        ),
    ],
    ids=["default is best", "only trades", "no default", "nothing admissible", "no blocks", "external"],
)  # fmt: skip
def test_a_study_ends_without_a_check_and_says_why(spec, findings, words):
    step = conclude(spec, ACTIVE, [findings])
    assert (step.state, step.trials) == (StudyState.COMPLETED, ())
    assert words in step.reason


def test_a_bound_relative_to_a_default_that_failed_admits_nothing():
    relative = replace(SPEC, outcome_constraints=(OutcomeConstraint(ACCURACY, ">=", parse("0.99 * default")),))
    step = conclude(relative, ACTIVE, [found(candidate(2, 20.0), default=None)])
    assert step.state is StudyState.COMPLETED
    assert "could not be measured" in step.reason


def test_a_study_of_which_nothing_could_be_measured_fails():
    step = conclude(SPEC, ACTIVE, [Findings("e", None, [])])
    assert (step.state, step.trials) == (StudyState.FAILED, ())
    assert "no configuration could be measured" in step.reason


def test_a_checked_study_is_done():
    step = conclude(SPEC, CONFIRMING, [found(candidate(1, 50.0), candidate(2, 20.0), checks=[CONFIRM])])
    assert (step.state, step.trials) == (StudyState.COMPLETED, ())
    assert "checked" in step.reason


def test_a_check_that_failed_claims_nothing():
    lost = replace(CONFIRM, state=TrialState.FAILED, cause=Cause(CauseKind.LOST, "3 attempts lost"))
    step = conclude(SPEC, CONFIRMING, [found(candidate(1, 50.0), candidate(2, 20.0), checks=[CONFIRM, lost])])
    assert step.state is StudyState.COMPLETED
    assert "no improvement is claimed" in step.reason
    assert "3 attempts lost" in step.reason
