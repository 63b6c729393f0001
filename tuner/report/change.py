"""An improvement in words: "2.3x faster", "12% lower"; never a ratio where there is none."""

from __future__ import annotations

import math

from tuner_protos.v1 import data_pb2

from tuner.report.numbers import quantity

TIMES = frozenset({"ns", "us", "µs", "ms", "s", "min", "h"})
SPOKEN_AS_FACTOR = 1.5
"""From this factor on, "1.5x lower" is easier to grasp than "33% lower"."""


def change(default: float, recommended: float, *, maximize: bool, unit: str = "", ratio: float | None = None) -> str:
    """How ``recommended`` differs from ``default``.

    Args:
        ratio: recommended / default where it was estimated better than by the two means; None to divide them. A ratio
            needs two positive numbers, and where there is none the difference is given.
    """
    if ratio is None and default > 0 and recommended > 0:
        ratio = recommended / default
    if ratio is None or not math.isfinite(ratio) or ratio <= 0:
        difference = recommended - default
        if difference == 0:
            return "the same"
        return f"{quantity(abs(difference), unit)} {'higher' if difference > 0 else 'lower'}"
    factor = max(ratio, 1 / ratio)
    if factor >= SPOKEN_AS_FACTOR:
        return f"{_factor(factor)} {_direction(ratio, maximize, unit)}"
    percent = abs(ratio - 1) * 100
    return "the same" if percent < 0.05 else f"{percent:.2g}% {'higher' if ratio > 1 else 'lower'}"


def checked_change(metric: data_pb2.CheckedMetric, *, maximize: bool) -> str:
    """The change that a final check found."""
    return change(metric.default_mean, metric.recommended_mean, maximize=maximize, unit=metric.unit, ratio=metric.ratio)


def interval(low: float, high: float, ratio: float) -> str:
    """An interval of ratios on the scale of ``change``: "2.1x to 2.5x" or "-14% to -8%"; "" where there is none."""
    if not (0 < low <= high and math.isfinite(high) and math.isfinite(ratio) and ratio > 0):
        return ""
    factors = sorted((1 / low, 1 / high) if ratio < 1 else (low, high))
    if max(ratio, 1 / ratio) >= SPOKEN_AS_FACTOR and factors[0] >= 1:
        return f"{_factor(factors[0])} to {_factor(factors[1])}"
    return f"{(low - 1) * 100:+.2g}% to {(high - 1) * 100:+.2g}%"


def _direction(ratio: float, maximize: bool, unit: str) -> str:
    if unit in TIMES and not maximize:
        return "slower" if ratio > 1 else "faster"
    return "higher" if ratio > 1 else "lower"


def _factor(factor: float) -> str:
    return f"{factor:.1f}x" if factor < 100 else f"{factor:.0f}x"
