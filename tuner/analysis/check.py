"""Is the recommended configuration really better? Intervals from the final check's blocks.

Each block measured both configurations one right after the other, so drift that is slower than a block cancels in
the block's ratio. The logarithms of the ratios are averaged over blocks (differences, where a value is not positive),
and Student's t over blocks gives the interval: the blocks are the independent repeats, not the runs within them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.core.observation import Run
from tuner.core.study import Objective

CONFIDENCE = 0.95


@dataclass(frozen=True)
class CheckedMetric:
    """One objective of a final check. ``ratio`` is recommended / default; below 1 is better when minimizing.

    Attributes:
        ci95: confidence interval of the ratio, corrected for the number of objectives (Bonferroni), so that all
            of them together hold with 95 %.
        pi95: prediction interval for the ratio that a repeat of the same check would find.
        n: blocks.
        verdict: "better", "worse" or "no difference shown".
    """

    metric: str
    default: float
    recommended: float
    ratio: float | None
    ci95: tuple[float, float] | None
    pi95: tuple[float, float] | None
    n: int
    verdict: str


def check(objectives: Sequence[Objective], runs: Sequence[Run]) -> list[CheckedMetric]:
    """The final check of each objective from the runs of a confirm trial.

    A metric that is zero or negative somewhere has no ratio; its verdict then rests on the differences alone.

    Raises:
        ValueError: no block measured an objective in both arms.
    """
    alpha = (1 - CONFIDENCE) / max(1, len(objectives))
    return [_checked(objective, runs, alpha) for objective in objectives]


def _checked(objective: Objective, runs: Sequence[Run], alpha: float) -> CheckedMetric:
    key = objective.metric.key
    arms: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        if key in run.values and run.arm:
            arms[run.block][run.arm].append(run.values[key])
    pairs = [
        (_mean(block["default"]), _mean(block["recommended"]))
        for block in arms.values()
        if block["default"] and block["recommended"]
    ]
    if not pairs:
        raise ValueError(f"the check measured no complete block of {key}")
    before, after = _mean([b for b, _ in pairs]), _mean([a for _, a in pairs])
    positive = all(b > 0 and a > 0 for b, a in pairs)
    # Of differences only the sign matters; in units of the largest value they cannot overflow.
    scale = max(abs(value) for pair in pairs for value in pair) or 1.0
    effects = [math.log(a) - math.log(b) if positive else a / scale - b / scale for b, a in pairs]
    centre, ci, pi = _intervals(effects, alpha)
    verdict = _verdict(objective, ci)
    if not positive:
        return CheckedMetric(key, before, after, None, None, None, len(pairs), verdict)
    return CheckedMetric(
        key,
        before,
        after,
        _exp(centre),
        (_exp(ci[0]), _exp(ci[1])),
        (_exp(pi[0]), _exp(pi[1])),
        len(pairs),
        verdict,
    )


def _intervals(effects: Sequence[float], alpha: float) -> tuple[float, tuple[float, float], tuple[float, float]]:
    """Mean, confidence interval of the mean, prediction interval of the mean of as many new blocks."""
    from scipy.stats import t

    n = len(effects)
    centre = _mean(effects)
    if n < 2:
        return centre, (-math.inf, math.inf), (-math.inf, math.inf)
    variance = math.fsum((e - centre) ** 2 for e in effects) / (n - 1)
    reach = float(t.ppf(1 - alpha / 2, n - 1)) * math.sqrt(variance / n)
    again = float(t.ppf(1 - (1 - CONFIDENCE) / 2, n - 1)) * math.sqrt(2 * variance / n)
    return centre, (centre - reach, centre + reach), (centre - again, centre + again)


def _verdict(objective: Objective, interval: tuple[float, float]) -> str:
    low, high = sorted((interval[0] * objective.goal.sign, interval[1] * objective.goal.sign))
    if high < 0:
        return "better"
    return "worse" if low > 0 else "no difference shown"


def _mean(values: Sequence[float]) -> float:
    # Divided first: the sum of finite values need not be finite.
    return math.fsum(value / len(values) for value in values)


def _exp(value: float) -> float:
    """The exponential; infinite where no float can hold it."""
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf
