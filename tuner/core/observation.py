"""What was measured: runs, the observations that summarise them, and intermediate values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tuner.core.expression import Value

STATISTICS = ("mean", "median", "min", "max", "p50", "p90", "p95", "p99", "sum", "last")
"""Statistics *within a run* that an objective may ask for; across runs it is always their mean and variance."""


@dataclass(frozen=True)
class Metric:
    """A quantity as a study asks for it: ``p95(latency_ms)`` is the metric ``latency_ms`` by the statistic ``p95``.

    ``key`` names it within the study, in constraints, tables and ``tell``.
    """

    key: str
    name: str
    statistic: str = "mean"


@dataclass(frozen=True)
class Run:
    """One repeat inside an attempt.

    Attributes:
        index: position within the attempt, from 0.
        started_at: seconds since the epoch, by the worker's clock.
        duration: seconds.
        values: the wanted metrics (by key) and auxiliary ones (by name), as this run measured them.
        knobs: knob values read back from the device during the run, by knob name.
        flags: disturbances seen ("throttled", "busy", "swapped"); a flagged run counts, and says so.
        arm: in a final check, which configuration this run measured ("default" or "recommended"); else "".
        block: in a final check, the block it belongs to; else 0.
        histogram: optional, per metric name: upper bucket bounds and counts.
    """

    index: int
    started_at: float
    duration: float
    values: Mapping[str, float]
    knobs: Mapping[str, Value] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    arm: str = ""
    block: int = 0
    histogram: Mapping[str, tuple[tuple[float, ...], tuple[int, ...]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Observation:
    """The summary of one metric over the runs of one attempt.

    Attributes:
        metric: the key of a wanted metric, or the name of an auxiliary one.
        mean: mean over runs of the statistic within each run.
        variance: variance *between runs* (n - 1 in the denominator); None when n is 1.
        n: number of runs.
        unit: as the meter or workload declared it ("ms", "J", "1").
        method: how it was measured ("wall clock", "rapl", "modelled: cpu time x 12 W"); an estimate says so.
    """

    metric: str
    mean: float
    variance: float | None = None
    n: int = 1
    unit: str = ""
    method: str = ""

    def __post_init__(self) -> None:
        if not math.isfinite(self.mean):
            raise ValueError(f"{self.metric}: the mean must be a finite number, got {self.mean}")
        if self.n < 1:
            raise ValueError(f"{self.metric}: n must be at least 1, got {self.n}")
        if self.variance is not None and not (math.isfinite(self.variance) and self.variance >= 0):
            raise ValueError(f"{self.metric}: the variance must be finite and not negative, got {self.variance}")


def summarise(metric: str, values: Sequence[float], unit: str = "", method: str = "") -> Observation:
    """The observation of one metric from its value in each run.

    Raises:
        ValueError: there is no run, a value is not finite, or their variance is not.
    """
    if not values:
        raise ValueError(f"{metric}: no run measured it")
    n = len(values)
    mean = _sum(values) / n
    variance = _sum((v - mean) * (v - mean) for v in values) / (n - 1) if n > 1 else None
    return Observation(metric, mean, variance, n, unit, method)


def pool(observations: Sequence[Observation]) -> Observation:
    """Replicates of one metric at one configuration as one observation: means weighted by n, the variance between
    all the runs (within and between the replicates, by the law of total variance).

    Where they lie so far apart that their variance is no finite number, the one in the middle speaks for them all.

    Raises:
        ValueError: there is nothing to pool, or the observations are of different metrics.
    """
    if not observations:
        raise ValueError("nothing to pool")
    first = observations[0]
    if len(observations) == 1:
        return first
    if any(o.metric != first.metric for o in observations):
        raise ValueError("observations of different metrics cannot be pooled")
    n = sum(o.n for o in observations)
    mean = _sum(o.mean * o.n for o in observations) / n
    squares = _sum((o.variance or 0.0) * (o.n - 1) + o.n * (o.mean - mean) * (o.mean - mean) for o in observations)
    if not (math.isfinite(mean) and math.isfinite(squares)):
        return sorted(observations, key=lambda o: o.mean)[(len(observations) - 1) // 2]
    return Observation(first.metric, mean, squares / (n - 1), n, first.unit, first.method)


def _sum(terms: Iterable[float]) -> float:
    """The exact sum, rounded once; infinite where no float can hold it, or a term."""
    try:
        return math.fsum(terms)
    except (OverflowError, ValueError):
        return math.inf


@dataclass(frozen=True)
class Intermediate:
    """A value reported while a trial runs: a point of its learning curve. ``elapsed`` is seconds since its start."""

    step: int
    elapsed: float
    metric: str
    value: float
