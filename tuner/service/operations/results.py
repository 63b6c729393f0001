"""Results come in: checked, stored once, and given their consequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tuner.core.event import Event, EventKind
from tuner.core.study import EXTERNAL, StudySpec
from tuner.core.trial import Attempt, AttemptState, Cause, CauseKind, Member, Result, Trial, TrialState
from tuner.core.worker import Inventory
from tuner.schedule.completion import check_result, complete
from tuner.service.operations.record import change_trial
from tuner.store.base import StoredResult, Transaction


@dataclass(frozen=True)
class Receipt:
    """What became of a reported result.

    Attributes:
        stored: False when this attempt's result was there already.
        accepted: it is its trial's result (False: it came after the trial's end and is kept as a replicate).
    """

    trial: Trial
    stored: bool
    accepted: bool
    note: str


def finish(tx: Transaction, attempt: Attempt, member: Member, result: Result, now: float) -> Receipt:
    """Store an attempt's result, exactly once however often it is sent, and end its trial if it is still open.

    Raises:
        InvalidInput: the result is not what the trial asked for; nothing is stored.
    """
    trial = tx.trial(attempt.study_id, attempt.trial)
    earlier = [s for s in tx.results(attempt.study_id, trials=[trial.number]) if s.attempt == attempt.number]
    if earlier:
        return Receipt(trial, False, not earlier[0].late, "this attempt's result was stored before")
    spec = tx.study(attempt.study_id).spec
    wanted = [metric for metric in spec.wanted if metric.key in trial.wanted]
    check_result(result, wanted, _declared(tx, spec, member.worker_id), trial.plan)
    completion = complete(trial, attempt, result, now)
    tx.add_result(
        StoredResult(
            attempt.study_id,
            trial.number,
            attempt.number,
            member.worker_id,
            trial.environment or "",
            now,
            completion.late,
            result,
        )
    )
    actor = f"worker:{member.worker_id}"
    data = {"attempt": attempt.number, "state": result.state.value, "late": completion.late}
    tx.append(Event(EventKind.RESULT_STORED, now, attempt.study_id, trial.number, actor, data))
    if completion.superseded:
        newer = tx.attempt(attempt.study_id, trial.number, trial.attempts)
        reason = Cause(CauseKind.CANCELLED, f"the result of attempt {attempt.number} arrived")
        tx.update_attempt(newer, AttemptState.RELEASED, ended_at=now, cause=reason)
    if attempt.state.live:
        tx.update_attempt(attempt, AttemptState.FINISHED, ended_at=now, cause=result.cause)
    if completion.late:
        return Receipt(trial, True, False, f"the trial was {trial.state.value} already; kept as a replicate")
    change_trial(tx, trial, completion.trial, now, actor=actor, attempt=attempt.number)
    return Receipt(completion.trial, True, True, "")


def failure(cause: Cause) -> Result:
    """The result of a trial that could not be measured: infeasible where the configuration itself was refused."""
    return Result(TrialState.INFEASIBLE if cause.kind is CauseKind.REFUSED else TrialState.FAILED, cause=cause)


def _declared(tx: Transaction, spec: StudySpec, worker_id: str) -> Mapping[str, str] | None:
    """Metrics that the worker declared for this workload, with their units; None where it declared none beforehand
    (a command's metrics stand in the study's settings, a program that asks and tells has no inventory)."""
    if spec.workload.kind == EXTERNAL:
        return None
    inventory: Inventory = tx.worker(worker_id).inventory
    workload = next((offer for offer in inventory.workloads if offer.name == spec.workload.kind), None)
    if workload is None or not workload.metrics:
        return None
    units = {name: unit for meter in inventory.meters for name, unit in meter.metrics.items()}
    return {**units, **workload.metrics}
