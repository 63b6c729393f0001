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
    """Front, recommendation and default of each environment; each configuration is shown as the first trial that
    measured it, with the values pooled over its replicates."""
    trials = {trial.number: trial for trial in tx.trials(study.id) if trial.purpose is not Purpose.CONFIRM}
    first: dict[tuple[str, str], tuple[Trial, StoredResult]] = {}
    for stored in tx.results(study.id):
        trial = trials.get(stored.trial)
        if trial is not None and stored.result.state is TrialState.COMPLETED:
            first.setdefault((stored.environment, trial.configuration.digest), (trial, stored))
    return [_optimal(study, found, first) for found in findings(tx, study)]


def _optimal(
    study: Study, found: Findings, first: Mapping[tuple[str, str], tuple[Trial, StoredResult]]
) -> trials_pb2.Optimal:
    default = found.default.values if found.default else None

    def view(candidate: Candidate) -> data_pb2.Trial:
        trial, stored = first[found.environment, candidate.configuration.digest]
        observations = tuple(_pooled(candidate, stored.result.observations))
        message = trial_view(trial, replace(stored, result=replace(stored.result, observations=observations)))
        verdict = feasible(study.spec.outcome_constraints, candidate.values, default)
        if verdict is not None:
            message.feasible = verdict
        return message

    recommended = found.recommended(study.spec)
    return trials_pb2.Optimal(
        environment=found.environment,
        front=[view(candidate) for candidate in found.front(study.spec)],
        recommended=view(recommended) if recommended else None,
        default=view(found.default) if found.default else None,
        rule=RULE[len(study.spec.objectives) > 1],
    )


def _pooled(candidate: Candidate, observations: Iterable[Observation]) -> Iterable[Observation]:
    for observation in observations:
        yield candidate.observations.get(observation.metric, observation)
