"""What is asked of the models: a task, and the history that it has so far, one entry per configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from tuner.core.observation import Observation, pool
from tuner.core.space import Configuration, Space
from tuner.core.study import Objective, OutcomeConstraint
from tuner.core.trial import Cause, CauseKind, TrialState

_NOT_ITS_FAULT = frozenset({CauseKind.UNAVAILABLE, CauseKind.LOST, CauseKind.STOPPED, CauseKind.CANCELLED})


class Finished(Protocol):
    """A finished trial, as far as the models look at it."""

    @property
    def configuration(self) -> Configuration: ...
    @property
    def state(self) -> TrialState: ...
    @property
    def observations(self) -> Mapping[str, Observation]: ...
    @property
    def cause(self) -> Cause | None: ...
    @property
    def is_default(self) -> bool: ...


@dataclass(frozen=True)
class Task:
    """The question: a space, what to optimise in it, and what must hold of the outcome."""

    space: Space
    objectives: tuple[Objective, ...]
    constraints: tuple[OutcomeConstraint, ...] = ()

    @cached_property
    def signs(self) -> Mapping[str, float]:
        """Every modelled metric, objectives first, with +1 where greater is better and -1 where less is.

        A metric that is both objective and constrained keeps the objective's sign.
        """
        bounds = {c.metric.key: 1.0 if c.operator == ">=" else -1.0 for c in self.constraints}
        goals = {o.metric.key: -o.goal.sign for o in self.objectives}
        return {**goals, **{key: sign for key, sign in bounds.items() if key not in goals}}


@dataclass(frozen=True)
class Entry:
    """All that was measured of one configuration in one environment.

    Attributes:
        observations: by metric key, replicates pooled; every modelled metric, or empty.
        valid: attempts that ran to a result.
        invalid: attempts that the configuration itself made fail.
    """

    configuration: Configuration
    observations: Mapping[str, Observation]
    valid: int
    invalid: int
    is_default: bool


@dataclass(frozen=True)
class History:
    """Entries, in the order in which their configurations were first measured."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, task: Task, trials: Iterable[Finished]) -> History:
        """Group ``trials`` (of one environment) by configuration; those outside of the space's domain are left out."""
        groups: dict[Configuration, list[Finished]] = {}
        for trial in trials:
            if inside(task.space, trial.configuration):
                groups.setdefault(trial.configuration, []).append(trial)
        return cls(tuple(_entry(task, configuration, group) for configuration, group in groups.items()))

    @cached_property
    def measured(self) -> tuple[Entry, ...]:
        """The entries that have observations."""
        return tuple(entry for entry in self.entries if entry.observations)

    @cached_property
    def default(self) -> Mapping[str, float]:
        """What the default configuration measured, by metric key; empty until it has."""
        found = next((entry for entry in self.measured if entry.is_default), None)
        return {key: o.mean for key, o in found.observations.items()} if found else {}


def inside(space: Space, configuration: Configuration) -> bool:
    """Whether every active parameter has a value of its domain; constraints aside."""
    try:
        spelled = {name: space.by_name[name].coerce(value) for name, value in configuration.items()}
    except (KeyError, ValueError):
        return False
    return all(param.name in spelled for param in space.params if space.is_active(param, spelled))


def _entry(task: Task, configuration: Configuration, trials: Sequence[Finished]) -> Entry:
    complete = [
        trial
        for trial in trials
        if trial.state is TrialState.COMPLETED and all(key in trial.observations for key in task.signs)
    ]
    observations = {key: pool([t.observations[key] for t in complete]) for key in task.signs} if complete else {}
    ran = sum(trial.state in (TrialState.COMPLETED, TrialState.STOPPED) for trial in trials)
    broke = sum(_at_fault(trial) for trial in trials)
    return Entry(configuration, observations, ran, broke, any(trial.is_default for trial in trials))


def _at_fault(trial: Finished) -> bool:
    if trial.state not in (TrialState.INFEASIBLE, TrialState.FAILED):
        return False
    return trial.cause is None or trial.cause.kind not in _NOT_ITS_FAULT
