"""Changes of state together with the event that tells of them."""

from __future__ import annotations

from dataclasses import replace

from tuner.core.event import Event, EventKind
from tuner.core.study import Study, StudyState
from tuner.core.trial import Cause, Trial, TrialState
from tuner.core.worker import Worker
from tuner.store.base import Transaction


def change_study(tx: Transaction, study: Study, to: StudyState, now: float, *, actor: str, reason: str = "") -> Study:
    """Move a study on: its clock runs while it is ACTIVE or CONFIRMING, from its first trial on.

    Raises:
        WrongState: the life of a study has no such transition.
    """
    running = to in (StudyState.ACTIVE, StudyState.CONFIRMING) and bool(tx.counts(study.id))
    moved = replace(
        study,
        state=to,
        reason=reason,
        active_seconds=study.elapsed(now),
        active_since=now if running else None,
        ended_at=now if to.terminal else None,
    )
    tx.update_study(moved, expected=study.state)
    data = {"from": study.state.value, "to": to.value, "reason": reason}
    tx.append(Event(EventKind.STUDY_STATE, now, study.id, actor=actor, data=data))
    return moved


def change_trial(
    tx: Transaction, before: Trial, after: Trial, now: float, *, actor: str = "tuner", attempt: int = 0
) -> Trial:
    """Store a trial's next state.

    Raises:
        WrongState: the trial has moved on meanwhile, or its life has no such transition.
    """
    tx.update_trial(after, expected=before.state)
    data: dict[str, object] = {"from": before.state.value, "to": after.state.value}
    if attempt:
        data["attempt"] = attempt
    if after.cause is not None:
        data["cause"] = str(after.cause)
    tx.append(Event(EventKind.TRIAL_STATE, now, after.study_id, after.number, actor, data))
    return after


def create_trial(
    tx: Transaction, trial: Trial, now: float, *, actor: str = "tuner", data: dict[str, object] | None = None
) -> Trial:
    """Queue a new trial. ``data`` is added to its event."""
    stored = tx.add_trial(trial)
    facts: dict[str, object] = {
        "purpose": stored.purpose.value,
        "environment": stored.environment or "",
        "engine": stored.origin.engine,
        "seen": stored.origin.seen,
        "note": stored.origin.note,
        "configuration": dict(stored.configuration),
        **(data or {}),
    }
    tx.append(Event(EventKind.TRIAL_CREATED, now, stored.study_id, stored.number, actor, facts))
    return stored


def cancel_trial(tx: Transaction, trial: Trial, cause: Cause, now: float, *, actor: str) -> Trial:
    """Cancel a trial that has not ended; a worker that holds it learns so at its next heartbeat."""
    cancelled = replace(trial, state=TrialState.CANCELLED, ended_at=now, cause=cause)
    return change_trial(tx, trial, cancelled, now, actor=actor)


def change_worker(tx: Transaction, before: Worker, after: Worker, now: float) -> Worker:
    """Store a worker; a change of its state is an event."""
    tx.put_worker(after)
    if before.state is not after.state:
        data = {"worker": after.id, "from": before.state.value, "to": after.state.value, "reason": after.reason}
        tx.append(Event(EventKind.WORKER_STATE, now, actor=f"worker:{after.id}", data=data))
    return after


def note(tx: Transaction, study_id: str, text: str, now: float, *, trial: int = 0, actor: str = "tuner") -> None:
    """Tell people something about a study."""
    tx.append(Event(EventKind.STUDY_NOTE, now, study_id, trial, actor, {"text": text}))
