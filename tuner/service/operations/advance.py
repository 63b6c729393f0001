"""Carry a study on: from the end of exploring to replicates, final check and close."""

from __future__ import annotations

from tuner.core.study import Study, StudyState
from tuner.core.trial import Origin, Purpose, Trial, TrialState
from tuner.schedule.budget import exploring_is_over
from tuner.schedule.conclusion import NewTrial, conclude
from tuner.schedule.tally import Tally
from tuner.service.operations.findings import findings
from tuner.service.operations.record import change_study, create_trial
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
    if counts.open() or not counts.number(purposes=[Purpose.DEFAULT]):
        return study
    if study.state is StudyState.ACTIVE and not exploring_is_over(study, counts, now, typical_cost, exhausted):
        return study
    step = conclude(study.spec, study.state, findings(tx, study))
    for new in step.trials:
        _queue(tx, study, new, now)
    if step.state is not None:
        study = change_study(tx, study, step.state, now, actor="tuner", reason=step.reason)
    return study


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
