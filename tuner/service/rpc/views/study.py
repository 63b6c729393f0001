"""A study as a reader sees it: how far it is, what it waits for, how its answer was checked."""

from __future__ import annotations

from collections.abc import Sequence

from tuner_protos.convert import enum_to_proto, environment_to_proto, metric_to_proto
from tuner_protos.v1 import data_pb2 as pb

from tuner.core.study import EXTERNAL, Study, StudyState
from tuner.core.trial import Purpose, TrialState
from tuner.core.worker import Worker
from tuner.schedule.admission import refusals, refused_because_pinned
from tuner.schedule.budget import time_left
from tuner.service.operations.advance import tally
from tuner.service.operations.studies import PRESENT
from tuner.service.rpc.views.check import check_views
from tuner.store.base import Transaction


def study_view(tx: Transaction, study: Study, now: float, cost: float, *, checks: bool = True) -> pb.Study:
    """A study with its progress, environments and final checks."""
    message = pb.Study(
        id=study.id,
        name=study.spec.name,
        run=study.run,
        state=enum_to_proto(study.state),  # type: ignore[arg-type]
        reason=study.reason,
        source=study.source,
        owner=study.owner,
        labels=dict(study.spec.labels),
        created_at=study.created_at,
        ended_at=study.ended_at,
        objectives=[
            pb.Objective(metric=metric_to_proto(o.metric), maximize=o.goal.sign < 0) for o in study.spec.objectives
        ],
        outcome_constraints=[str(constraint) for constraint in study.spec.outcome_constraints],
        engine=study.spec.engine.name,
        progress=_progress(tx, study, now, cost),
        environments=[environment_to_proto(settled.environment) for settled in tx.environments(study.id)],
        notes=_notes(tx, study),
    )
    if checks and study.state.terminal:
        message.checks.extend(check_views(tx, study))
    return message


def _progress(tx: Transaction, study: Study, now: float, cost: float) -> pb.Progress:
    counts = tally(tx, study.id)
    explored = [Purpose.EXPLORE]
    held = [state for state in TrialState if state.held]
    return pb.Progress(
        counted=counts.counted,
        completed=counts.number(purposes=explored, states=[TrialState.COMPLETED]),
        infeasible=counts.number(purposes=explored, states=[TrialState.INFEASIBLE]),
        failed=counts.number(purposes=explored, states=[TrialState.FAILED]),
        stopped=counts.number(purposes=explored, states=[TrialState.STOPPED]),
        queued=counts.number(states=[TrialState.QUEUED]),
        running=counts.number(states=held),
        elapsed=study.elapsed(now),
        trials=study.spec.budget.trials,
        time=study.spec.budget.time,
        left=time_left(study, counts, now, cost, counts.number(states=held)),
    )


def _notes(tx: Transaction, study: Study) -> list[str]:
    notes = [
        f"left out on {settled.environment.describe()}: {', '.join(settled.absent)} (not offered there)"
        for settled in tx.environments(study.id)
        if settled.absent
    ]
    if study.state in (StudyState.ACTIVE, StudyState.CONFIRMING) and study.spec.workload.kind != EXTERNAL:
        notes += _waiting(study, tx.workers(states=PRESENT))
    return notes


def _waiting(study: Study, workers: Sequence[Worker]) -> list[str]:
    if not workers:
        return ["no worker is registered: the study waits for one"]
    reasons = {w.name: refused_because_pinned(study, w) or refusals(study.spec, w.inventory) for w in workers}
    if any(not why for why in reasons.values()):
        return []
    return [
        f"worker {name!r} is refused: {why if isinstance(why, str) else '; '.join(why)}"
        for name, why in reasons.items()
    ]
