"""Carry a study on: from the end of exploring to replicates, final check and close."""

from __future__ import annotations

from tuner.core.study import Study, StudyState
from tuner.core.trial import Cause, CauseKind, Origin, Purpose, Trial, TrialState
from tuner.schedule.budget import exploring_is_over
from tuner.schedule.conclusion import NewTrial, conclude
from tuner.schedule.tally import Tally
from tuner.service.operations.findings import findings, joined
from tuner.service.operations.record import cancel_trial, change_study, create_trial
from tuner.store.base import Transaction


def tally(tx: Transaction, study_id: str) -> Tally:
    """The study's counts."""
    return Tally.of((c.environment, c.purpose, c.state, c.number) for c in tx.counts(study_id))


def advance(tx: Transaction, study: Study, now: float, *, typical_cost: float, exhausted: bool) -> Study:
    """Do what is due. A study that is still exploring, paused or ended stays as it is.

    Args:
        tx: the transaction.
        study: as stored.
        now: the time.
        typical_cost: median seconds of a trial.
        exhausted: every environment's space holds no more configurations to propose.
    """
    if study.state not in (StudyState.ACTIVE, StudyState.CONFIRMING):
        return study
    counts = tally(tx, study.id)
    if reason := _hopeless(tx, study, counts):
        for trial in tx.trials(study.id, states=[TrialState.QUEUED]):
            cancel_trial(tx, trial, Cause(CauseKind.CANCELLED, reason), now, actor="tuner")
        return change_study(tx, study, StudyState.FAILED, now, actor="tuner", reason=reason)
    if counts.open() or not counts.number(purposes=[Purpose.DEFAULT]):
        return study
    if study.state is StudyState.ACTIVE and not exploring_is_over(study, counts, now, typical_cost, exhausted):
        return study
    places = {settled.environment.id for settled in joined(tx, study)}
    step = conclude(study.spec, study.state, [found for found in findings(tx, study) if found.environment in places])
    for new in step.trials:
        _queue(tx, study, new, now)
    if step.state is not None:
        study = change_study(tx, study, step.state, now, actor="tuner", reason=step.reason)
    return study


def _hopeless(tx: Transaction, study: Study, counts: Tally) -> str:
    """Why nothing can be measured at all; "" where something may: the default could not be measured for want of
    something that is no property of its configuration, nor has any other, and nothing is being measured."""
    held = [state for state in TrialState if state.held]
    if counts.number(states=[TrialState.COMPLETED, *held]) or not counts.number(states=[TrialState.FAILED]):
        return ""
    if counts.open([Purpose.DEFAULT]):
        return ""
    causes = [trial.cause for trial in tx.trials(study.id, purposes=[Purpose.DEFAULT])]
    if not causes or not all(cause and cause.kind is CauseKind.UNAVAILABLE for cause in causes):
        return ""
    return "the default configuration cannot be measured: " + "; ".join(sorted({c.message for c in causes if c}))


def _queue(tx: Transaction, study: Study, new: NewTrial, now: float) -> None:
    create_trial(
        tx,
        Trial(
            study_id=study.id,
            number=0,
            configuration=new.configuration,
            purpose=new.purpose,
            state=TrialState.QUEUED,
            origin=Origin("plan", tx.last_event(study.id)),
            created_at=now,
            environment=new.environment,
            wanted=tuple(metric.key for metric in study.spec.wanted),
            plan=new.plan,
            baseline=new.baseline,
        ),
        now,
    )
