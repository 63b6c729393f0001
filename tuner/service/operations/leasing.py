"""Leases: a worker claims a trial, keeps it alive, gives it back, or is lost with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tuner.core.environment import StudyEnvironment
from tuner.core.event import Event, EventKind
from tuner.core.observation import Intermediate
from tuner.core.study import Study, StudyState
from tuner.core.trial import (
    Attempt,
    AttemptState,
    Cause,
    CauseKind,
    Member,
    Origin,
    Purpose,
    Trial,
    TrialState,
)
from tuner.core.worker import Worker, WorkerState
from tuner.schedule import lease
from tuner.schedule.admission import local_default, refusals, refused_because_pinned, settle
from tuner.schedule.budget import may_explore
from tuner.service.operations.advance import tally
from tuner.service.operations.findings import joined
from tuner.service.operations.record import change_trial, create_trial, note
from tuner.store.base import Transaction

_ORDER = (Purpose.DEFAULT, Purpose.CONFIRM, Purpose.REFERENCE, Purpose.REPLICATE, Purpose.EXPLORE)


@dataclass(frozen=True)
class Proposal:
    """A suggestion ready to become a trial, and what its event should record so that it can be made again."""

    trial: Callable[[Study, str, float], Trial]
    record: dict[str, object]


class Suggestions(Protocol):
    """Where explore trials come from."""

    def take(self, study: Study, settled: StudyEnvironment) -> Proposal | None:
        """The next suggestion for a study's environment, if one is ready."""

    def prepare(self, study: Study, settled: StudyEnvironment) -> None:
        """One will be wanted soon."""


@dataclass(frozen=True)
class Claim:
    """What a worker got: an attempt at a trial, or the reasons why there is nothing."""

    attempt: Attempt | None = None
    trial: Trial | None = None
    reasons: tuple[str, ...] = ()


def claim(
    tx: Transaction,
    worker: Worker,
    token: str,
    now: float,
    term: float,
    cost_of: Callable[[Study], float],
    suggestions: Suggestions,
) -> Claim:
    """Lease the worker the next trial of the studies that it fits, the least served study first."""
    if worker.state is not WorkerState.ONLINE:
        return Claim(reasons=(f"this worker is {worker.state.value}: {worker.reason}".rstrip(": "),))
    reasons: list[str] = []
    studies = tx.studies(states=[StudyState.ACTIVE, StudyState.CONFIRMING])
    for study in sorted(studies, key=lambda study: len(tx.live_attempts(study_id=study.id)) if len(studies) > 1 else 0):
        why = _refusals(study, worker)
        if why:
            reasons += [f"study {study.id!r}: {reason}" for reason in why]
            continue
        got = claim_from(tx, study, worker, token, now, term, cost_of(study), suggestions)
        if got.attempt is not None:
            return got
    return Claim(reasons=tuple(reasons))


def claim_from(
    tx: Transaction,
    study: Study,
    worker: Worker,
    token: str,
    now: float,
    term: float,
    cost: float,
    suggestions: Suggestions,
) -> Claim:
    """Lease the worker the next trial of one study, which it fits."""
    study, mine = _admit(tx, study, worker, now)
    trial = _next_trial(tx, study, mine, now, cost, suggestions)
    return Claim() if trial is None else _lease(tx, trial, worker, token, now, term)


def _refusals(study: Study, worker: Worker) -> list[str]:
    pinned = refused_because_pinned(study, worker)
    return [pinned] if pinned else refusals(study.spec, worker.inventory)


def _admit(tx: Transaction, study: Study, worker: Worker, now: float) -> tuple[Study, list[StudyEnvironment]]:
    """The study's environments on this device; on the device type's first visit they join the study, and the default
    configuration is queued in each. Once a study explores no more, no device type joins it."""
    present = {settled.environment.id: settled for settled in joined(tx, study)}
    wanted = settle(study.spec, worker.inventory)
    mine = [present[s.environment.id] for s in wanted if s.environment.id in present]
    if mine or study.state is not StudyState.ACTIVE:
        return study, mine
    digest = worker.inventory.fingerprint.digest
    pinned = dataclasses.replace(
        study,
        pinned=study.pinned if study.spec.each_device else digest,
        active_since=study.active_since if study.active_since is not None else now,
    )
    tx.update_study(pinned, expected=study.state)
    facts = {"fingerprint": digest, "device": worker.inventory.fingerprint.describe(), "worker": worker.id}
    tx.append(Event(EventKind.STUDY_PINNED, now, study.id, actor=f"worker:{worker.id}", data=facts))
    for settled in wanted:
        tx.add_environment(study.id, settled)
        if settled.absent:
            names = ", ".join(settled.absent)
            note(tx, study.id, f"left out on {settled.environment.describe()}: {names} (not offered there)", now)
        _queue_default(tx, pinned, settled, now)
    return pinned, wanted


def _queue_default(tx: Transaction, study: Study, settled: StudyEnvironment, now: float) -> None:
    space = study.spec.space.without(settled.absent)
    create_trial(
        tx,
        Trial(
            study_id=study.id,
            number=0,
            configuration=space.configuration(local_default(study.spec, settled)),
            purpose=Purpose.DEFAULT,
            state=TrialState.QUEUED,
            origin=Origin("default"),
            created_at=now,
            environment=settled.environment.id,
            wanted=tuple(metric.key for metric in study.spec.wanted),
        ),
        now,
    )


def _next_trial(
    tx: Transaction,
    study: Study,
    mine: list[StudyEnvironment],
    now: float,
    cost: float,
    suggestions: Suggestions,
) -> Trial | None:
    places = {settled.environment.id for settled in mine}
    queued = [t for t in tx.trials(study.id, states=[TrialState.QUEUED]) if t.environment in places]
    counts = tally(tx, study.id)
    exploring = may_explore(study, counts, now, cost)
    if queued:
        for settled in mine if exploring else ():
            suggestions.prepare(study, settled)
        return min(queued, key=lambda t: (_ORDER.index(t.purpose), t.number))
    if not exploring:
        return None
    least_served = sorted(mine, key=lambda s: counts.number(environment=s.environment.id, purposes=[Purpose.EXPLORE]))
    for settled in least_served:
        proposal = suggestions.take(study, settled)
        if proposal is not None:
            trial = proposal.trial(study, settled.environment.id, now)
            actor = f"engine:{trial.origin.engine}"
            return create_trial(tx, trial, now, actor=actor, data=proposal.record)
    return None


def _lease(tx: Transaction, trial: Trial, worker: Worker, token: str, now: float, term: float) -> Claim:
    member = Member(worker.id, trial.members[0], 0, token)
    leased, attempt = lease.grant(trial, (member,), now, term)
    tx.add_attempt(attempt)
    change_trial(tx, trial, leased, now, actor=f"worker:{worker.id}", attempt=attempt.number)
    return Claim(attempt, leased)


def heartbeat(
    tx: Transaction,
    attempt: Attempt,
    member: Member,
    now: float,
    term: float,
    *,
    running: bool,
    intermediates: tuple[Intermediate, ...] = (),
) -> TrialState:
    """Renew a lease and record that the workload has been started; returns the trial's state.

    A lease that is no longer live is left as it is; the caller tells from ``attempt`` that the worker should cancel.
    """
    trial = tx.trial(attempt.study_id, attempt.trial)
    if not attempt.state.live:
        return trial.state
    begun = lease.begin(trial, now) if running else trial
    if begun is not trial:
        change_trial(tx, trial, begun, now, actor=f"worker:{member.worker_id}", attempt=attempt.number)
    to = AttemptState.RUNNING if running else attempt.state
    tx.update_attempt(attempt, to, expires_at=now + term)
    if intermediates:
        tx.add_intermediates(attempt.study_id, attempt.trial, attempt.number, intermediates)
    return begun.state


def release(tx: Transaction, attempt: Attempt, worker_id: str, now: float, reason: str) -> None:
    """Take a lease back that its worker returns unmeasured. One that is not live stays as it is."""
    if not attempt.state.live:
        return
    cause = Cause(CauseKind.LOST, reason)
    tx.update_attempt(attempt, AttemptState.RELEASED, ended_at=now, cause=cause)
    trial = tx.trial(attempt.study_id, attempt.trial)
    if not trial.state.terminal:
        after = lease.give_back(trial, now, reason)
        change_trial(tx, trial, after, now, actor=f"worker:{worker_id}", attempt=attempt.number)


def expire(tx: Transaction, attempt: Attempt, now: float, max_attempts: int, reason: str) -> None:
    """Declare a live attempt lost: its trial is measured again by another worker, or fails when no try is left."""
    cause = Cause(CauseKind.LOST, reason)
    tx.update_attempt(attempt, AttemptState.LOST, ended_at=now, cause=cause)
    data = {"attempt": attempt.number, "worker": attempt.members[0].worker_id, "reason": reason}
    tx.append(Event(EventKind.ATTEMPT_LOST, now, attempt.study_id, attempt.trial, "tuner", data))
    trial = tx.trial(attempt.study_id, attempt.trial)
    if trial.state.terminal or trial.attempts != attempt.number:
        return
    lost = 1 + sum(
        tx.attempt(attempt.study_id, attempt.trial, number).state is AttemptState.LOST
        for number in range(1, attempt.number)
    )
    change_trial(tx, trial, lease.lose(trial, now, lost, max_attempts, reason), now, attempt=attempt.number)
