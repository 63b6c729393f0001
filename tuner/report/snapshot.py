"""A study at one moment, as far as a reader has followed it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tuner_protos.v1 import data_pb2, trials_pb2

_FAILURES = frozenset({data_pb2.TRIAL_STATE_FAILED, data_pb2.TRIAL_STATE_INFEASIBLE, data_pb2.TRIAL_STATE_STOPPED})
_COUNTED = _FAILURES | {data_pb2.TRIAL_STATE_COMPLETED}
_COMPARED = frozenset({data_pb2.PURPOSE_DEFAULT, data_pb2.PURPOSE_EXPLORE})


@dataclass(frozen=True)
class Snapshot:
    """What the live view shows.

    Attributes:
        trials: by number.
    """

    study: data_pb2.Study
    workers: Sequence[data_pb2.Worker] = ()
    optimal: Sequence[trials_pb2.Optimal] = ()
    trials: Mapping[int, data_pb2.Trial] = field(default_factory=dict)

    def later(self, seconds: float) -> Snapshot:
        """As it will be that much later if nothing else happens: the clock of an active study goes on."""
        if self.study.state not in (data_pb2.STUDY_STATE_ACTIVE, data_pb2.STUDY_STATE_CONFIRMING):
            return self
        study = data_pb2.Study()
        study.CopyFrom(self.study)
        study.progress.elapsed += seconds
        if study.progress.HasField("left"):
            study.progress.left = max(0.0, study.progress.left - seconds)
        return replace(self, study=study)

    def counted_until(self, trial: data_pb2.Trial) -> int:
        """How many trials had used up the budget when this one ended."""
        return sum(
            each.purpose == data_pb2.PURPOSE_EXPLORE and each.state in _COUNTED and each.ended_at <= trial.ended_at
            for each in self.trials.values()
        )

    def failures(self) -> list[data_pb2.Trial]:
        """Trials that did not complete, the latest first."""
        failed = [trial for trial in self.trials.values() if trial.state in _FAILURES]
        return sorted(failed, key=lambda trial: (trial.ended_at, trial.number), reverse=True)

    def best_so_far(self, objective: data_pb2.Objective, environment: str) -> list[float]:
        """After each completed trial of an environment that keeps the constraints, the best value up to then."""
        key = objective.metric.key
        completed = [
            trial
            for trial in self.trials.values()
            if trial.state == data_pb2.TRIAL_STATE_COMPLETED
            and trial.purpose in _COMPARED
            and trial.environment == environment
            and (trial.feasible or not trial.HasField("feasible"))
        ]
        course: list[float] = []
        for trial in sorted(completed, key=lambda trial: (trial.ended_at, trial.number)):
            observed = observation(trial, key)
            if observed is not None:
                better = max if objective.maximize else min
                course.append(better([*course[-1:], observed.mean]))
        return course


def observation(trial: data_pb2.Trial, key: str) -> data_pb2.Observation | None:
    """What a trial observed of the metric ``key``."""
    return next((each for each in trial.observations if each.metric == key), None)


def label(metric: data_pb2.Metric) -> str:
    """A metric as people read it: "latency_ms p95"."""
    if metric.key != metric.name or metric.statistic in ("", "mean"):
        return metric.key
    return f"{metric.key} {metric.statistic}"
