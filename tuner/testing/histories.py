"""Histories for engines: ordinary ones, and every hostile one that has been thought of."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tuner.core.observation import Observation
from tuner.core.space import Configuration, Space
from tuner.core.trial import Cause, CauseKind, TrialState
from tuner.engine.base import Evaluated
from tuner.engine.unseen import draw_unseen

Trials = Callable[[Space, int], list[Evaluated]]
"""Makes that many trials (or fewer, where the remark is about their number) in a space."""

HERE = "device-a"
ELSEWHERE = "device-b"


def configurations(space: Space, count: int, seed: int = 1) -> list[Configuration]:
    """Up to ``count`` different configurations."""
    return draw_unseen(space, (), count, random.Random(seed))


def score(configuration: Configuration, metric: str) -> float:
    """A made-up measurement in [1, 2): the same for a configuration and metric on every machine."""
    return 1 + random.Random(f"{configuration.digest}/{metric}").random()


def completed(configuration: Configuration, metrics: Sequence[str], environment: str = HERE) -> Evaluated:
    """A COMPLETED trial with a score for each metric."""
    observations = {
        metric: Observation(metric, score(configuration, metric), variance=1e-4, n=3, unit="ms") for metric in metrics
    }
    return Evaluated(configuration, TrialState.COMPLETED, observations, environment, cost=1.0)


def history(space: Space, count: int, metrics: Sequence[str]) -> tuple[Evaluated, ...]:
    """Up to ``count`` completed trials, the first of them the default."""
    trials = [completed(configuration, metrics) for configuration in configurations(space, count)]
    return tuple(replace(trial, is_default=index == 0) for index, trial in enumerate(trials))


def _with_values(value_of: Callable[[int], float], variance: float | None = 0.0) -> Trials:
    def trials(space: Space, count: int) -> list[Evaluated]:
        return [
            Evaluated(
                configuration,
                TrialState.COMPLETED,
                {"latency_ms": Observation("latency_ms", value_of(index), variance, 1 if variance is None else 2)},
                HERE,
            )
            for index, configuration in enumerate(configurations(space, count))
        ]

    return trials


def _ended(state: TrialState, kind: CauseKind, observed: bool = False) -> Trials:
    def trials(space: Space, count: int) -> list[Evaluated]:
        observations = {"latency_ms": Observation("latency_ms", 3.0)} if observed else {}
        return [
            Evaluated(configuration, state, observations, HERE, cause=Cause(kind, "as the test wants it"))
            for configuration in configurations(space, count)
        ]

    return trials


def _replicates(space: Space, count: int) -> list[Evaluated]:
    return [
        completed(configuration, ["latency_ms"]) for configuration in configurations(space, 2) for _ in range(count)
    ]


def _mostly_failed(space: Space, count: int) -> list[Evaluated]:
    failed = _ended(TrialState.FAILED, CauseKind.CRASHED)(space, count)
    return [*failed[:-1], completed(failed[-1].configuration, ["latency_ms"])]


def _elsewhere(space: Space, count: int) -> list[Evaluated]:
    return [completed(configuration, ["latency_ms"], ELSEWHERE) for configuration in configurations(space, count)]


HISTORIES: Mapping[str, Trials] = {
    "none": lambda _space, _count: [],
    "one": lambda space, _count: [
        completed(configuration, ["latency_ms"]) for configuration in configurations(space, 1)
    ],
    "all failed": _ended(TrialState.FAILED, CauseKind.CRASHED),
    "all infeasible": _ended(TrialState.INFEASIBLE, CauseKind.REFUSED),
    "all stopped": _ended(TrialState.STOPPED, CauseKind.STOPPED, observed=True),
    "all but one failed": _mostly_failed,
    "replicates": _replicates,
    "only elsewhere": _elsewhere,
    "constant": _with_values(lambda index: 1.0),
    "zero": _with_values(lambda index: 0.0),
    "negative": _with_values(lambda index: -1.0 - index),
    "huge": _with_values(lambda index: (-1.0) ** index * 1.7e308),
    "outlier": _with_values(lambda index: 1e300 if index == 2 else 1.0 + index),
    "outlier below": _with_values(lambda index: -1e300 if index == 2 else 1.0 + index),
    "tiny differences": _with_values(lambda index: 1.0 + index * 2.0**-52),
    "tiny values": _with_values(lambda index: index * 5e-324),
    "missing variance": _with_values(lambda index: 1.0 + index, variance=None),
    "huge variance": _with_values(lambda index: 1.0 + index, variance=1e300),
}
"""Trials of one objective, ``latency_ms``, by what is remarkable about them."""
