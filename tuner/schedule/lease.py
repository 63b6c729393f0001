"""The life of a lease: granted, begun, lost, given back."""

from __future__ import annotations

from dataclasses import replace

from tuner.core.errors import WrongState
from tuner.core.trial import (
    Attempt,
    AttemptState,
    Cause,
    CauseKind,
    Member,
    Trial,
    TrialState,
)


def grant(trial: Trial, members: tuple[Member, ...], now: float, term: float) -> tuple[Trial, Attempt]:
    """Lease a queued trial: the trial as leased, and its new attempt.

    Raises:
        WrongState: the trial is not queued.
    """
    if trial.state is not TrialState.QUEUED:
        raise WrongState(f"trial {trial.id} is {trial.state.value}, not queued")
    number = trial.attempts + 1
    attempt = Attempt(trial.study_id, trial.number, number, AttemptState.LEASED, members, now, now + term)
    return replace(trial, state=TrialState.LEASED, attempts=number), attempt


def begin(trial: Trial, now: float) -> Trial:
    """The trial once its workload has been started; a trial that has begun already stays as it is."""
    if trial.state is not TrialState.LEASED:
        return trial
    return replace(trial, state=TrialState.RUNNING, started_at=now)


def lose(trial: Trial, now: float, lost: int, max_attempts: int, reason: str) -> Trial:
    """The trial after its live attempt was lost, the ``lost``-th so far: queued again, or FAILED when that was the
    last try.

    A trial that was stopping ends: what it was stopped for still holds, so it is never measured again.
    """
    if trial.state is not TrialState.STOPPING and lost >= max_attempts:
        tries = "1 attempt" if lost == 1 else f"{lost} attempts"
        return end(trial, TrialState.FAILED, now, Cause(CauseKind.LOST, f"{tries} lost, the last: {reason}"))
    return give_back(trial, now, reason)


def give_back(trial: Trial, now: float, reason: str) -> Trial:
    """The trial after its worker returned the lease in good order, which uses up none of the tries."""
    if trial.state is TrialState.STOPPING:
        return end(trial, TrialState.STOPPED, now, Cause(CauseKind.STOPPED, f"then lost: {reason}"))
    return replace(trial, state=TrialState.QUEUED, started_at=None)


def end(trial: Trial, state: TrialState, now: float, cause: Cause | None) -> Trial:
    """The trial in a terminal state."""
    return replace(trial, state=state, ended_at=now, cause=cause)
