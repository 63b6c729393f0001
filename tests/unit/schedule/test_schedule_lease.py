"""The life of a lease, and what a result does to its trial, in every pair of states."""

from __future__ import annotations

from dataclasses import replace

import pytest
from schedule_samples import ACCURACY, LATENCY, NOW, attempt, trial

from tuner.core.errors import InvalidInput, WrongState
from tuner.core.observation import Observation, Run
from tuner.core.trial import TRIAL_TRANSITIONS, AttemptState, Cause, CauseKind, Member, Result, TrialState
from tuner.schedule.completion import check_result, complete
from tuner.schedule.lease import begin, give_back, grant, lose

T = TrialState
HELD = [T.LEASED, T.RUNNING, T.STOPPING]
MEMBER = (Member("w", "main", 0, "token"),)
DONE = Result(
    T.COMPLETED,
    (
        Observation(LATENCY.key, 12.0, 0.5, 3, "ms", "wall clock"),
        Observation("accuracy", 0.97, None, 1, "1", "counted"),
    ),
    cost=2.0,
)
CRASHED = Result(T.FAILED, cause=Cause(CauseKind.CRASHED, "signal 11"))
REFUSED = Result(T.INFEASIBLE, cause=Cause(CauseKind.REFUSED, "no"))
STOPPED = Result(T.STOPPED, cause=Cause(CauseKind.STOPPED))


# --- leases ---


def test_a_lease_is_granted_on_a_queued_trial_for_one_term():
    leased, made = grant(trial(attempts=1), MEMBER, NOW, 15.0)
    assert (leased.state, leased.attempts) == (T.LEASED, 2)
    assert (made.number, made.state, made.members) == (2, AttemptState.LEASED, MEMBER)
    assert (made.leased_at, made.expires_at) == (NOW, NOW + 15)


@pytest.mark.parametrize("state", [s for s in T if s is not T.QUEUED])
def test_nothing_but_a_queued_trial_is_leased(state):
    with pytest.raises(WrongState, match=state.value):
        grant(trial(state), MEMBER, NOW, 15.0)


def test_a_trial_begins_once():
    running = begin(trial(T.LEASED), NOW)
    assert (running.state, running.started_at) == (T.RUNNING, NOW)
    assert begin(running, NOW + 5) is running
    stopping = trial(T.STOPPING)
    assert begin(stopping, NOW) is stopping


@pytest.mark.parametrize("state", [T.LEASED, T.RUNNING])
def test_a_lost_trial_is_queued_until_its_last_try(state):
    held = replace(trial(state, attempts=1), started_at=NOW)
    again = lose(held, NOW, 1, 3, "silent")
    assert (again.state, again.started_at, again.cause) == (T.QUEUED, None, None)
    assert lose(held, NOW, 2, 3, "silent").state is T.QUEUED
    failed = lose(held, NOW + 1, 3, 3, "silent")
    assert (failed.state, failed.ended_at, failed.cause.kind) == (T.FAILED, NOW + 1, CauseKind.LOST)
    assert "3 attempts lost" in failed.cause.message
    assert "silent" in failed.cause.message
    assert "1 attempt lost" in lose(held, NOW, 1, 1, "silent").cause.message


@pytest.mark.parametrize("lost", [1, 3, 9])
def test_a_trial_that_was_stopping_is_not_measured_again(lost):
    ended = lose(trial(T.STOPPING, attempts=1), NOW, lost, 3, "silent")
    assert (ended.state, ended.ended_at, ended.cause.kind) == (T.STOPPED, NOW, CauseKind.STOPPED)
    assert give_back(trial(T.STOPPING), NOW, "leaving").state is T.STOPPED


@pytest.mark.parametrize("state", [T.LEASED, T.RUNNING])
def test_a_lease_given_back_uses_up_no_try(state):
    back = give_back(replace(trial(state, attempts=9), started_at=NOW), NOW, "leaving")
    assert (back.state, back.attempts, back.started_at, back.cause) == (T.QUEUED, 9, None, None)


# --- completion: every state of the trial x live or lost attempt ---


@pytest.mark.parametrize("result", [DONE, CRASHED, REFUSED, STOPPED], ids=lambda result: result.state.value)
@pytest.mark.parametrize("state", HELD)
def test_the_holders_result_is_the_trials(state, result):
    completion = complete(trial(state, attempts=1), attempt(1, AttemptState.RUNNING), result, NOW)
    assert (completion.late, completion.superseded) == (False, False)
    assert (completion.trial.state, completion.trial.ended_at) == (result.state, NOW)
    assert completion.trial.cause == result.cause


@pytest.mark.parametrize("result", [DONE, CRASHED, REFUSED], ids=lambda result: result.state.value)
@pytest.mark.parametrize("state", HELD)
def test_a_lost_attempts_result_ends_the_trial_and_supersedes_the_newer_attempt(state, result):
    completion = complete(trial(state, attempts=2), attempt(1, AttemptState.LOST), result, NOW)
    assert (completion.late, completion.superseded) == (False, True)
    assert completion.trial.state is result.state


@pytest.mark.parametrize("result", [DONE, CRASHED, REFUSED], ids=lambda result: result.state.value)
@pytest.mark.parametrize("how", [AttemptState.LOST, AttemptState.RELEASED])
def test_a_lost_attempts_result_ends_a_trial_that_waits(how, result):
    completion = complete(trial(attempts=1), attempt(1, how), result, NOW)
    assert (completion.late, completion.superseded) == (False, False)
    assert completion.trial.state is result.state


def test_a_trial_that_is_to_be_measured_again_is_not_ended_by_an_old_attempts_stop():
    completion = complete(trial(attempts=1), attempt(1, AttemptState.LOST), STOPPED, NOW)
    assert (completion.late, completion.superseded) == (True, False)
    assert completion.trial == trial(attempts=1)


@pytest.mark.parametrize("how", [AttemptState.LOST, AttemptState.RELEASED, AttemptState.RUNNING])
@pytest.mark.parametrize("state", [s for s in T if s.terminal])
def test_after_the_end_a_result_is_a_replicate(state, how):
    ended = replace(trial(state, attempts=2), ended_at=NOW - 5)
    completion = complete(ended, attempt(1, how), DONE, NOW)
    assert (completion.trial, completion.late, completion.superseded) == (ended, True, False)


@pytest.mark.parametrize("result", [DONE, CRASHED, REFUSED, STOPPED], ids=lambda result: result.state.value)
@pytest.mark.parametrize("state", list(T))
@pytest.mark.parametrize("newest", [True, False])
def test_no_completion_leaves_the_table_of_transitions(state, result, newest):
    before = trial(state, attempts=2)
    after = complete(before, attempt(2 if newest else 1), result, NOW).trial
    assert after == before or after.state in TRIAL_TRANSITIONS[before.state]


# --- what a result must hold ---

WANTED = (LATENCY, ACCURACY)
DECLARED = {"latency_ms": "ms", "accuracy": "1", "memory_mib": "MiB"}


def fields(result, wanted=WANTED, auxiliary=DECLARED, plan=()):
    with pytest.raises(InvalidInput) as refused:
        check_result(result, wanted, auxiliary, plan)
    return {problem.field for problem in refused.value.problems}


def observed(*observations, **changes):
    return replace(DONE, observations=observations, **changes)


def test_what_was_asked_for_is_taken():
    check_result(DONE, WANTED, DECLARED)
    check_result(DONE, WANTED, None)
    check_result(
        replace(DONE, observations=(*DONE.observations, Observation("memory_mib", 5.0, unit="MiB"))), WANTED, DECLARED
    )
    check_result(replace(DONE, observations=(*DONE.observations, Observation("own", 5.0, unit="s"))), WANTED, None)
    for result in (CRASHED, REFUSED, STOPPED):
        check_result(result, WANTED, DECLARED)
    check_result(replace(STOPPED, observations=DONE.observations[:1]), WANTED, DECLARED)


@pytest.mark.parametrize("state", [T.QUEUED, T.LEASED, T.RUNNING, T.STOPPING, T.CANCELLED])
def test_no_worker_reports_such_a_state(state):
    assert fields(Result(state)) == {"state"}


@pytest.mark.parametrize("state", [T.FAILED, T.INFEASIBLE, T.STOPPED])
def test_what_did_not_complete_has_a_cause(state):
    assert fields(Result(state)) == {"cause"}


def test_what_completed_has_no_cause():
    assert fields(replace(DONE, cause=Cause(CauseKind.CRASHED))) == {"cause"}


def test_a_refusal_is_infeasible_and_nothing_else_is():
    assert fields(Result(T.INFEASIBLE, cause=Cause(CauseKind.CRASHED))) == {"cause.kind"}
    assert fields(Result(T.FAILED, cause=Cause(CauseKind.REFUSED))) == {"cause.kind"}


def test_each_wanted_metric_is_there_once():
    latency, accuracy = DONE.observations
    assert fields(observed(latency)) == {"observations.accuracy"}
    assert fields(observed()) == {"observations.accuracy", f"observations.{LATENCY.key}"}
    assert fields(observed(latency, accuracy, accuracy)) == {"observations.accuracy"}


def test_nothing_is_there_that_was_neither_wanted_nor_declared():
    assert fields(observed(*DONE.observations, Observation("typo", 1.0, unit="s"))) == {"observations.typo"}
    assert fields(observed(*DONE.observations, Observation("latency", 1.0, unit="s"))) == {"observations.latency"}


def test_units_are_those_declared():
    latency, accuracy = DONE.observations
    assert fields(observed(latency, accuracy, Observation("memory_mib", 5.0, unit="GiB"))) == {
        "observations.memory_mib.unit"
    }
    assert fields(observed(replace(latency, unit="s"), accuracy)) == {f"observations.{LATENCY.key}.unit"}
    assert fields(observed(latency, accuracy, Observation("own", 5.0)), auxiliary=None) == {"observations.own"}


def test_everything_wrong_is_said_at_once():
    bad = Result(T.INFEASIBLE, (Observation("typo", 1.0),), cause=Cause(CauseKind.CRASHED), cost=-1.0)
    assert fields(bad) == {"cause.kind", "cost", "observations.typo"}


# --- a final check's result ---

PLAN = ("default", "recommended", "recommended", "default")
BOTH = {LATENCY.key: 12.0, "accuracy": 0.97}


def checked(*arms, values=BOTH):
    return replace(
        DONE, runs=tuple(Run(i, NOW, 0.1, values, arm=arm, block=block) for i, (block, arm) in enumerate(arms))
    )


def test_a_final_checks_result_holds_every_arm_of_its_plan():
    whole = [(0, "default"), (0, "recommended"), (1, "recommended"), (1, "default")]
    check_result(checked(*whole, (1, "default")), WANTED, DECLARED, PLAN)
    assert fields(DONE, plan=PLAN) == {"runs"}
    assert fields(checked(*whole[:3]), plan=PLAN) == {"runs"}
    assert fields(checked(*whole, (2, "default")), plan=PLAN) == {"runs"}
    assert fields(checked(*whole, values={LATENCY.key: 12.0}), plan=PLAN) == {"runs"}
    check_result(CRASHED, WANTED, DECLARED, PLAN)
