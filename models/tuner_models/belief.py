"""All that is believed of a task after its history: a surrogate per metric, and where configurations work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tuner.core.preference import feasible, front
from tuner.core.space import Configuration
from tuner_models.encode import Encoder
from tuner_models.feasibility import Feasibility
from tuner_models.surrogate import Surrogate
from tuner_models.task import Entry, History, Task

MIN_MEASURED = 2
"""Measured configurations without which nothing can be said."""

_MAX_MEASURED = 200  # a fit is cubic in their number
_INCUMBENTS = 4


@dataclass(frozen=True)
class Threshold:
    """``sign * (metric - limit) >= 0`` on the metric's scale."""

    metric: int
    limit: float
    sign: float


class Belief:
    """The models of one task.

    Attributes:
        encoder: turns configurations into the models' rows.
        surrogates: by metric key, in the order of ``Task.signs``: objectives first.
        thresholds: the outcome constraints that are decided.
        feasibility: None while nothing has failed.
        entries: the measured configurations that the surrogates are fitted to.
        x: their rows (n x columns).
        front, rest: indices into both, best first: the best that keep the constraints, and all others.
    """

    def __init__(self, task: Task, history: History) -> None:
        """Fit to a history with at least MIN_MEASURED measured entries.

        Raises:
            NUMERICAL_ERRORS: a fit failed.
        """
        self.task = task
        self.encoder = Encoder(task.space)
        self.entries = _chosen(task, history)
        self.x = self.encoder.encode([entry.configuration for entry in self.entries])
        groups = self.encoder.groups
        self.surrogates: Mapping[str, Surrogate] = {
            key: Surrogate(self.x, [entry.observations[key] for entry in self.entries], sign, groups)
            for key, sign in task.signs.items()
        }
        self.thresholds = self._thresholds(history)
        self.feasibility = self._feasibility(history)
        self.front, self.rest = _ranked(task, self.entries, history.default)

    @property
    def incumbents(self) -> list[Configuration]:
        """The best few that were measured."""
        return [self.entries[index].configuration for index in (self.front + self.rest)[:_INCUMBENTS]]

    def predict(self, configurations: Sequence[Configuration]) -> list[dict[str, tuple[float, float]]]:
        """For each configuration (mean, standard deviation of a new measurement's mean) by objective key, in the
        metric's unit."""
        x = self.encoder.encode(configurations)
        columns = {}
        for objective in self.task.objectives:
            mean, deviation = self.surrogates[objective.metric.key].predict(x)
            columns[objective.metric.key] = list(zip(mean.tolist(), deviation.tolist(), strict=True))
        return [{key: column[row] for key, column in columns.items()} for row in range(len(configurations))]

    def _thresholds(self, history: History) -> list[Threshold]:
        keys = list(self.task.signs)
        thresholds = []
        for constraint in self.task.constraints:
            key = constraint.metric.key
            limit = constraint.limit(history.default.get(key))
            if limit is None:
                continue
            scale = self.surrogates[key].scale
            towards = scale.sign if constraint.operator == ">=" else -scale.sign
            thresholds.append(Threshold(keys.index(key), float(scale.forward(np.array([limit]))[0]), towards))
        return thresholds

    def _feasibility(self, history: History) -> Feasibility | None:
        tried = [entry for entry in history.entries if entry.valid or entry.invalid][-_MAX_MEASURED:]
        if not any(entry.invalid for entry in tried):
            return None
        x = self.encoder.encode([entry.configuration for entry in tried])
        return Feasibility(x, [e.valid for e in tried], [e.invalid for e in tried], self.encoder.groups)

    def log_valid(self, x: Tensor) -> Tensor:
        """Logarithm of the probability that each row of ``x`` (n x columns) runs to a result: n."""
        return torch.zeros(len(x), dtype=x.dtype) if self.feasibility is None else self.feasibility.log_probability(x)


def _chosen(task: Task, history: History) -> tuple[Entry, ...]:
    """The measured entries, or, of too many, the best half and the latest half of what can be fitted."""
    measured = history.measured
    if len(measured) <= _MAX_MEASURED:
        return measured
    half = _MAX_MEASURED // 2
    latest = measured[-half:]
    front, rest = _ranked(task, measured[:-half], history.default)
    best = [measured[index] for index in (front + rest)[:half]]
    return (*best, *latest)


def _ranked(task: Task, entries: Sequence[Entry], default: Mapping[str, float]) -> tuple[list[int], list[int]]:
    """The indices of the front of those entries that keep the constraints, and of the others; each by mean rank in the
    objectives, the others with those that break a constraint last."""
    values = [{key: o.mean for key, o in entry.observations.items()} for entry in entries]
    ranks = np.zeros(len(entries))
    for objective in task.objectives:
        ranks += np.argsort(np.argsort([v[objective.metric.key] * objective.goal.sign for v in values], kind="stable"))
    kept = [feasible(task.constraints, v, default) is not False for v in values]
    best = {index for index, _ in front(task.objectives, [(i, v) for i, v in enumerate(values) if kept[i]])}
    order = sorted(range(len(entries)), key=lambda index: (not kept[index], ranks[index]))
    return [i for i in order if i in best], [i for i in order if i not in best]
