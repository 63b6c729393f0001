"""Stored things as messages: what readers see of a study, its trials and its answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tuner_protos.convert import (
    cause_to_proto,
    enum_to_proto,
    environment_to_proto,
    intermediate_to_proto,
    metric_to_proto,
    observation_to_proto,
    run_to_proto,
    values_to_proto,
    worker_to_proto,
)
from tuner_protos.v1 import data_pb2 as pb
from tuner_protos.v1 import trials_pb2

from tuner.analysis.check import check
from tuner.core.observation import Observation
from tuner.core.preference import feasible
from tuner.core.study import EXTERNAL, Study, StudyState
from tuner.core.trial import Purpose, Trial, TrialState
from tuner.core.worker import Worker, WorkerState
from tuner.schedule.admission import refusals, refused_because_pinned
from tuner.schedule.budget import time_left
from tuner.schedule.conclusion import Candidate, Findings
from tuner.service.operations.advance import tally
from tuner.service.operations.findings import findings
from tuner.service.operations.studies import PRESENT
from tuner.store.base import StoredResult, Transaction

RULE = (
    "the best value of the objective",
    "the point of the front with the greatest product of improvements over the default, none of them a loss",
)


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
        message.checks.extend(_checks(tx, study))
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


def _checks(tx: Transaction, study: Study) -> list[pb.Check]:
    messages = []
    for trial in tx.trials(study.id, purposes=[Purpose.CONFIRM], states=[TrialState.COMPLETED]):
        stored = tx.results(study.id, trials=[trial.number], late=False, runs=True)
        if not stored:
            continue
        observed = {o.metric: o for o in stored[0].result.observations}
        metrics = [
            pb.CheckedMetric(
                metric=checked.metric,
                default_mean=checked.default,
                recommended_mean=checked.recommended,
                ratio=checked.ratio,
                ci_low=checked.ci95[0] if checked.ci95 else None,
                ci_high=checked.ci95[1] if checked.ci95 else None,
                pi_low=checked.pi95[0] if checked.pi95 else None,
                pi_high=checked.pi95[1] if checked.pi95 else None,
                n=checked.n,
                unit=observed[checked.metric].unit if checked.metric in observed else "",
                method=observed[checked.metric].method if checked.metric in observed else "",
                verdict=checked.verdict,
            )
            for checked in check(study.spec.objectives, stored[0].result.runs)
        ]
        messages.append(
            pb.Check(
                environment=trial.environment or "",
                trial=trial.number,
                metrics=metrics,
                conclusion=_conclusion([metric.verdict for metric in metrics]),
            )
        )
    return messages


def _conclusion(verdicts: Sequence[str]) -> str:
    if all(verdict == "better" for verdict in verdicts):
        return "The recommended configuration is better than the default."
    if "better" not in verdicts:
        return "No improvement found."
    if "worse" in verdicts:
        return "Better in one objective, worse in another: a trade, not an improvement."
    return "Better in one objective; in another no difference was shown."


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
        view = _trial(trial, stored, holders.get(trial.number, ""))
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


def _trial(trial: Trial, stored: StoredResult | None, holder: str) -> pb.Trial:
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


def _default_values(tx: Transaction, study: Study) -> dict[str, dict[str, float]]:
    values: dict[str, dict[str, float]] = {}
    defaults = tx.trials(study.id, purposes=[Purpose.DEFAULT], states=[TrialState.COMPLETED])
    if not defaults:
        return values
    for stored in tx.results(study.id, trials=[trial.number for trial in defaults], late=False):
        values[stored.environment] = {o.metric: o.mean for o in stored.result.observations}
    return values


def optimal_views(tx: Transaction, study: Study) -> list[trials_pb2.Optimal]:
    """Front, recommendation and default of each environment; each configuration is shown as its first completed
    trial, with the values pooled over its replicates."""
    trials: dict[tuple[str, str], Trial] = {}
    for trial in tx.trials(study.id, states=[TrialState.COMPLETED]):
        if trial.purpose is not Purpose.CONFIRM:
            trials.setdefault((trial.environment or "", trial.configuration.digest), trial)
    results: dict[int, StoredResult] = {s.trial: s for s in tx.results(study.id, late=False)}
    return [_optimal(study, found, trials, results) for found in findings(tx, study)]


def _optimal(
    study: Study, found: Findings, trials: Mapping[tuple[str, str], Trial], results: Mapping[int, StoredResult]
) -> trials_pb2.Optimal:
    def view(candidate: Candidate | None) -> pb.Trial | None:
        trial = trials.get((found.environment, candidate.configuration.digest)) if candidate else None
        if candidate is None or trial is None:
            return None
        stored = results[trial.number]
        pooled = replace(
            stored, result=replace(stored.result, observations=tuple(_pooled(candidate, stored.result.observations)))
        )
        message = _trial(trial, pooled, "")
        default = found.default.values if found.default else None
        verdict = feasible(study.spec.outcome_constraints, candidate.values, default)
        if verdict is not None:
            message.feasible = verdict
        return message

    front = [message for candidate in found.front(study.spec) if (message := view(candidate)) is not None]
    return trials_pb2.Optimal(
        environment=found.environment,
        front=front,
        recommended=view(found.recommended(study.spec)),
        default=view(found.default),
        rule=RULE[len(study.spec.objectives) > 1],
    )


def _pooled(candidate: Candidate, observations: Iterable[Observation]) -> Iterable[Observation]:
    for observation in observations:
        yield candidate.observations.get(observation.metric, observation)


def worker_views(tx: Transaction, states: Sequence[WorkerState] = ()) -> list[pb.Worker]:
    """Workers with what they measure now."""
    busy: dict[str, str] = defaultdict(str)
    for attempt in tx.live_attempts():
        for member in attempt.members:
            busy[member.worker_id] = attempt.trial_id
    return [worker_to_proto(worker, busy[worker.id]) for worker in tx.workers(states=states)]
