"""A trial as a reader sees it: what was asked, how it ended, what was observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tuner_protos.convert import (
    cause_to_proto,
    enum_to_proto,
    intermediate_to_proto,
    observation_to_proto,
    run_to_proto,
    values_to_proto,
)
from tuner_protos.v1 import data_pb2 as pb

from tuner.core.preference import feasible
from tuner.core.study import Study
from tuner.core.trial import Trial, TrialState
from tuner.service.operations.findings import findings
from tuner.store.base import StoredResult, Transaction


def trial_views(
    tx: Transaction, study: Study, trials: Sequence[Trial], *, runs: bool = False, curves: bool = False
) -> list[pb.Trial]:
    """Trials with their observations and whether they keep the outcome constraints."""
    numbers = [trial.number for trial in trials]
    results = {s.trial: s for s in tx.results(study.id, trials=numbers, late=False, runs=runs)} if numbers else {}
    defaults = _default_values(tx, study)
    holders = {attempt.trial: attempt.members[0].worker_id for attempt in tx.live_attempts(study_id=study.id)}
    views = []
    for trial in trials:
        stored = results.get(trial.number)
        view = trial_view(trial, stored, holders.get(trial.number, ""))
        if stored is not None:
            values = {o.metric: o.mean for o in stored.result.observations}
            kept = feasible(study.spec.outcome_constraints, values, defaults.get(trial.environment or ""))
            if kept is not None and trial.state is TrialState.COMPLETED:
                view.feasible = kept
            if runs:
                view.runs.extend(map(run_to_proto, stored.result.runs))
        if curves:
            view.intermediates.extend(map(intermediate_to_proto, tx.intermediates(study.id, trial.number)))
        views.append(view)
    return views


def trial_view(trial: Trial, stored: StoredResult | None, holder: str = "") -> pb.Trial:
    """A trial with the result that stands for it; ``holder`` is the worker that measures it now."""
    return pb.Trial(
        id=trial.id,
        study_id=trial.study_id,
        number=trial.number,
        configuration=values_to_proto(trial.configuration),
        purpose=enum_to_proto(trial.purpose),  # type: ignore[arg-type]
        state=enum_to_proto(trial.state),  # type: ignore[arg-type]
        environment=trial.environment or "",
        engine=trial.origin.engine,
        seen=trial.origin.seen,
        note=trial.origin.note,
        attempts=trial.attempts,
        created_at=trial.created_at,
        started_at=trial.started_at,
        ended_at=trial.ended_at,
        cause=cause_to_proto(trial.cause),
        observations=map(observation_to_proto, stored.result.observations if stored else ()),
        fidelity=trial.fidelity,
        worker_id=stored.worker_id if stored else holder,
        wanted=trial.wanted,
    )


def _default_values(tx: Transaction, study: Study) -> Mapping[str, Mapping[str, float]]:
    """What the default configuration measured in each environment, where that decides on a constraint."""
    if not any(constraint.relative for constraint in study.spec.outcome_constraints):
        return {}
    return {found.environment: found.default.values for found in findings(tx, study) if found.default}
