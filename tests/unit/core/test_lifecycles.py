"""The lives of trials, attempts and studies, as tables."""

from __future__ import annotations

import pytest

from tuner.core.expression import parse
from tuner.core.observation import Metric
from tuner.core.space import Configuration, Space
from tuner.core.study import (
    STUDY_TRANSITIONS,
    Goal,
    Objective,
    OutcomeConstraint,
    Study,
    StudySpec,
    StudyState,
    Workload,
)
from tuner.core.trial import (
    COUNTED,
    TRIAL_TRANSITIONS,
    Attempt,
    AttemptState,
    Cause,
    CauseKind,
    Origin,
    Purpose,
    Trial,
    TrialState,
)

T, S = TrialState, StudyState
ENDED = {T.COMPLETED, T.INFEASIBLE, T.FAILED, T.STOPPED, T.CANCELLED}


def test_every_state_of_a_trial_is_in_the_table_and_leads_to_states_of_a_trial() -> None:
    assert set(TRIAL_TRANSITIONS) == set(TrialState)
    assert all(isinstance(to, TrialState) for targets in TRIAL_TRANSITIONS.values() for to in targets)


def test_terminal_states_of_a_trial_never_change() -> None:
    assert {state for state in TrialState if state.terminal} == ENDED
    assert all(TRIAL_TRANSITIONS[state] == frozenset() for state in ENDED)


@pytest.mark.parametrize(
    ("state", "beyond_the_ends"),
    [(T.QUEUED, {T.LEASED}), (T.LEASED, {T.RUNNING, T.STOPPING, T.QUEUED}), (T.RUNNING, {T.STOPPING, T.QUEUED}),
     (T.STOPPING, set())],
)  # fmt: skip
def test_where_a_living_trial_can_go(state: TrialState, beyond_the_ends: set[TrialState]) -> None:
    ends = ENDED - {T.STOPPED} if state is T.QUEUED else ENDED
    assert TRIAL_TRANSITIONS[state] == beyond_the_ends | ends


def test_a_worker_holds_a_trial_from_lease_to_end() -> None:
    assert {state for state in TrialState if state.held} == {T.LEASED, T.RUNNING, T.STOPPING}


def test_cancelled_trials_use_up_no_budget() -> None:
    assert ENDED - {T.CANCELLED} == COUNTED


def test_every_living_state_of_a_trial_can_be_reached_from_the_queue() -> None:
    reached, front = {T.QUEUED}, {T.QUEUED}
    while front:
        front = {to for state in front for to in TRIAL_TRANSITIONS[state]} - reached
        reached |= front
    assert reached == set(TrialState)


def test_the_life_of_a_study() -> None:
    assert set(STUDY_TRANSITIONS) == set(StudyState)
    ended = {S.COMPLETED, S.CANCELLED, S.FAILED}
    assert {state for state in StudyState if state.terminal} == ended
    assert S.PAUSED in STUDY_TRANSITIONS[S.ACTIVE]
    assert S.ACTIVE in STUDY_TRANSITIONS[S.PAUSED]
    # A study whose final check has begun takes no new trials, so it cannot be active again.
    assert S.ACTIVE not in STUDY_TRANSITIONS[S.CONFIRMING]
    assert all(S.CANCELLED in STUDY_TRANSITIONS[state] for state in StudyState if state not in ended)
    assert all(state not in STUDY_TRANSITIONS[state] for state in StudyState)


def test_an_attempt_holds_its_trial_until_it_is_over() -> None:
    live = {state for state in AttemptState if state.live}
    assert live == {AttemptState.OFFERED, AttemptState.LEASED, AttemptState.RUNNING}


def test_ids_name_study_run_and_trial() -> None:
    trial = Trial("digits/2", 7, Configuration({}), Purpose.EXPLORE, T.QUEUED, Origin("gp"), 0.0)
    attempt = Attempt("digits/2", 7, 1, AttemptState.LEASED, (), 0.0, 1.0)
    assert trial.id == attempt.trial_id == "digits/2/7"


def test_a_cause_reads_as_a_sentence() -> None:
    assert str(Cause(CauseKind.TIMED_OUT)) == "timed out"
    assert str(Cause(CauseKind.CRASHED, "signal 11")) == "crashed: signal 11"


def spec() -> StudySpec:
    p95 = Metric("latency_ms", "latency_ms", "p95")
    constraints = (
        OutcomeConstraint(p95, "<=", parse("2 * default")),
        OutcomeConstraint(Metric("accuracy", "accuracy"), ">=", parse("0.9")),
    )
    return StudySpec("x", Workload("replay"), Space(()), (Objective(p95),), constraints)


def test_every_wanted_metric_is_wanted_once_objectives_first() -> None:
    assert [metric.key for metric in spec().wanted] == ["latency_ms", "accuracy"]


def test_active_time_counts_while_active_and_never_runs_backwards() -> None:
    running = Study("x/1", spec(), 1, S.ACTIVE, 0.0, active_seconds=5.0, active_since=100.0)
    assert running.elapsed(103.0) == 8.0
    assert running.elapsed(50.0) == 5.0
    assert Study("x/1", spec(), 1, S.PAUSED, 0.0, active_seconds=5.0).elapsed(1e9) == 5.0


@pytest.mark.parametrize(
    ("text", "operator", "default", "limit", "margin"),
    [
        ("0.9", ">=", None, 0.9, 0.1),
        ("0.9", "<=", None, 0.9, -0.1),
        ("2 * default", "<=", 3.0, 6.0, 5.0),
        ("2 * default", "<=", None, None, None),
        ("1 / default", "<=", 0.0, None, None),
    ],
)
def test_outcome_constraints(
    text: str, operator: str, default: float | None, limit: float | None, margin: float | None
) -> None:
    constraint = OutcomeConstraint(Metric("m", "m"), operator, parse(text))  # type: ignore[arg-type]
    assert constraint.limit(default) == limit
    assert constraint.margin(1.0, default) == (None if margin is None else pytest.approx(margin))
    assert constraint.relative == ("default" in text)
    assert str(constraint) == f"m {operator} {text}"


def test_goals_turn_into_minimization() -> None:
    assert (Goal.MINIMIZE.sign, Goal.MAXIMIZE.sign) == (1.0, -1.0)
