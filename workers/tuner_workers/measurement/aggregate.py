"""Statistics within a run: from all the samples that a run took of a metric to the one value a study asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence


def quantile(samples: Sequence[float], share: float) -> float:
    """The sample quantile, linear between order statistics: definition 7 of Hyndman and Fan, "Sample quantiles in
    statistical packages", The American Statistician 50(4), 1996 (the default of R and NumPy).

    Args:
        samples: at least one, in any order.
        share: between 0 and 1.
    """
    ordered = sorted(samples)
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    low, high = ordered[below], ordered[above]
    return low if low == high else low + (position - below) * (high - low)


def _mean(samples: Sequence[float]) -> float:
    return math.fsum(samples) / len(samples)


_STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "mean": _mean,
    "median": lambda samples: quantile(samples, 0.5),
    "p50": lambda samples: quantile(samples, 0.5),
    "p90": lambda samples: quantile(samples, 0.9),
    "p95": lambda samples: quantile(samples, 0.95),
    "p99": lambda samples: quantile(samples, 0.99),
    "min": min,
    "max": max,
    "sum": math.fsum,
    "last": lambda samples: samples[-1],
}


def aggregate(statistic: str, samples: Sequence[float]) -> float:
    """One of ``tuner.core.observation.STATISTICS`` over the samples of a run, in the order in which they were taken.

    Raises:
        ValueError: there is no sample, one is not finite, or the statistic is unknown or leaves the finite numbers.
    """
    if statistic not in _STATISTICS:
        raise ValueError(f"{statistic!r} is no statistic; one of {', '.join(_STATISTICS)} is")
    if not samples:
        raise ValueError("there are no samples")
    for sample in samples:
        if not math.isfinite(sample):
            raise ValueError(f"a sample is {sample}, not a finite number")
    try:
        value = float(_STATISTICS[statistic](samples))
    except OverflowError as error:
        raise ValueError(f"the {statistic} is too large for a float") from error
    if not math.isfinite(value):
        raise ValueError(f"the {statistic} is {value}, not a finite number")
    return value
