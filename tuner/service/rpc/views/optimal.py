"""A study's answer as a reader sees it: the front, the recommendation and the default of each environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tuner_protos.v1 import data_pb2, trials_pb2

from tuner.core.observation import Observation
from tuner.core.preference import feasible
from tuner.core.study import Study
from tuner.core.trial import Purpose, Trial, TrialState
from tuner.schedule.conclusion import Candidate, Findings
from tuner.service.operations.findings import findings
from tuner.service.rpc.views.trial import trial_view
from tuner.store.base import StoredResult, Transaction

RULE = (
    "the best value of the objective",
    "the point of the front with the greatest product of improvements over the default, none of them a loss",
)


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
    def view(candidate: Candidate | None) -> data_pb2.Trial | None:
        trial = trials.get((found.environment, candidate.configuration.digest)) if candidate else None
        if candidate is None or trial is None:
            return None
        stored = results[trial.number]
        pooled = replace(
            stored, result=replace(stored.result, observations=tuple(_pooled(candidate, stored.result.observations)))
        )
        message = trial_view(trial, pooled)
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
