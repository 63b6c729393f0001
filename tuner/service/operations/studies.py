"""Submitting, finding, pausing and ending studies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tuner.core.errors import AlreadyExists, InvalidInput, NotFound, Problem, WrongState
from tuner.core.event import Event, EventKind
from tuner.core.study import EXTERNAL, Study, StudySpec, StudyState
from tuner.core.trial import AttemptState, Cause, CauseKind, Purpose, TrialState
from tuner.core.worker import Worker, WorkerState
from tuner.schedule.admission import refusals
from tuner.service.operations.record import cancel_trial, change_study
from tuner.spec.diff import differences
from tuner.store.base import Transaction

PRESENT = (WorkerState.ONLINE, WorkerState.DRAINING)


@dataclass(frozen=True)
class Submission:
    """What became of a submitted study file. ``created`` is False when an unfinished run is resumed."""

    study: Study
    created: bool


def submit(tx: Transaction, spec: StudySpec, source: str, owner: str, now: float) -> Submission:
    """Start the study, resume its unfinished run, or start a new run of it.

    Raises:
        AlreadyExists: a study of this name has other contents; the message lists the differences.
        InvalidInput: it would start, workers are registered, and none of them can measure it; each one's reason.
    """
    runs = tx.study_runs(spec.name)
    if runs:
        last = runs[-1]
        changed = differences(last.spec, spec)
        if changed:
            raise AlreadyExists(
                f"study {last.id!r} exists with other contents; choose another name, or delete it. Differences:\n"
                + "\n".join(f"  {line}" for line in changed)
            )
        if last.state is StudyState.PAUSED:
            last = resume(tx, last, now, owner, "submitted again")
        if not last.state.terminal:
            return Submission(last, False)
    fit(spec, tx.workers(states=PRESENT))
    run = runs[-1].run + 1 if runs else 1
    while tx.last_event(f"{spec.name}/{run}"):
        # A run that was deleted: its events are still told under that name.
        run += 1
    study = Study(f"{spec.name}/{run}", spec, run, StudyState.ACTIVE, now, source, owner)
    tx.add_study(study)
    tx.append(Event(EventKind.STUDY_CREATED, now, study.id, actor=owner, data={"name": spec.name, "run": run}))
    return Submission(study, True)


def fit(spec: StudySpec, workers: Sequence[Worker]) -> tuple[str, ...]:
    """Hold a study against the workers that are there; returns what a person should know.

    Raises:
        InvalidInput: there are some, and none can measure it.
    """
    if spec.workload.kind == EXTERNAL:
        return ()
    if not workers:
        return ("no worker is registered: the study waits for one",)
    reasons = [(worker.name, refusals(spec, worker.inventory)) for worker in workers]
    if any(not why for _, why in reasons):
        return ()
    raise InvalidInput(
        [
            Problem("workers", f"worker {name!r} cannot measure this study: {reason}")
            for name, why in reasons
            for reason in why
        ]
    )


def find(tx: Transaction, name: str) -> Study:
    """A study by "NAME" (its latest run) or "NAME/RUN".

    Raises:
        NotFound: there is none.
    """
    if "/" in name:
        return tx.study(name)
    runs = tx.study_runs(name)
    if not runs:
        raise NotFound(f"no study is called {name!r}; `tuner list` shows those there are")
    return runs[-1]


def pause(tx: Transaction, study: Study, now: float, actor: str, reason: str) -> Study:
    """Begin no more trials; those that run go on to their end. A study that is paused already stays so."""
    if study.state is StudyState.PAUSED:
        return study
    return change_study(tx, study, StudyState.PAUSED, now, actor=actor, reason=reason)


def resume(tx: Transaction, study: Study, now: float, actor: str, reason: str) -> Study:
    """Go on where ``pause`` left off.

    Raises:
        WrongState: it is not paused.
    """
    if study.state is not StudyState.PAUSED:
        raise WrongState(f"study {study.id!r} is {study.state.value}, not paused")
    checked = tx.trials(study.id, purposes=[Purpose.CONFIRM], limit=1)
    to = StudyState.CONFIRMING if checked else StudyState.ACTIVE
    return change_study(tx, study, to, now, actor=actor, reason=reason)


def cancel(tx: Transaction, study: Study, now: float, actor: str, reason: str) -> Study:
    """End a study and every trial of it; workers that measure one learn so at their next heartbeat. A study that was
    cancelled before stays so."""
    if study.state is StudyState.CANCELLED:
        return study
    cause = Cause(CauseKind.CANCELLED, reason or "the study was cancelled")
    for attempt in tx.live_attempts(study_id=study.id):
        tx.update_attempt(attempt, AttemptState.RELEASED, ended_at=now, cause=cause)
    for trial in tx.trials(study.id, states=[state for state in TrialState if not state.terminal]):
        cancel_trial(tx, trial, cause, now, actor=actor)
    return change_study(tx, study, StudyState.CANCELLED, now, actor=actor, reason=reason)


def delete(tx: Transaction, study: Study) -> None:
    """Remove a study that has ended.

    Raises:
        WrongState: it has not ended.
    """
    if not study.state.terminal:
        raise WrongState(f"study {study.id!r} is {study.state.value}; cancel it before you delete it")
    tx.delete_study(study.id)
