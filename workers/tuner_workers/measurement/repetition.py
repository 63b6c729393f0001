"""How often to run: when a configuration is warm, and when enough runs have been counted.

The rules look at what was measured and at the time left, never at a clock, so they are plain functions. Repeating
until the mean is known well enough, within a budget of runs, follows Georges, Buytaert and Eeckhout, "Statistically
rigorous Java performance evaluation", OOPSLA 2007, section 3.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_WARMUP = 5
"""Warm-up runs after which a configuration counts as warm even if its run times still move."""

LEVEL = 0.05
"""Relative change between two warm-up runs below which the times are level."""

TICK = 1e-3
"""Seconds of change that are noise of starting and ending a run, however short the run is."""

WARMUP_SHARE = 0.1
"""Share of the attempt's time that automatic warm-up may use: a training run of minutes is not run five times."""

MIN_RUNS, MAX_RUNS = 3, 8
"""Runs that are counted at least and at most."""

PRECISE = 0.03
"""Relative standard error of every wanted metric at which no further run is needed."""


@dataclass(frozen=True)
class Repetition:
    """The measurement plan of an attempt.

    Attributes:
        warmup: runs thrown away first; None for automatic.
        least, most: runs counted; between the two it is decided by the spread of what they measured.
    """

    warmup: int | None = None
    least: int = MIN_RUNS
    most: int = MAX_RUNS

    @classmethod
    def of(cls, warmup: int | None, runs: int | None) -> Repetition:
        """The plan that a study asks for; None is automatic."""
        return cls(warmup) if runs is None else cls(warmup, runs, runs)

    def is_warm(self, durations: Sequence[float], timeout: float) -> bool:
        """Whether what follows may be counted.

        Args:
            durations: seconds of each warm-up run so far.
            timeout: seconds that the whole attempt may take.
        """
        if self.warmup is not None:
            return len(durations) >= self.warmup
        if not durations:
            return False
        if len(durations) >= MAX_WARMUP or sum(durations) >= WARMUP_SHARE * timeout:
            return True
        return len(durations) > 1 and abs(durations[-1] - durations[-2]) <= max(LEVEL * durations[-2], TICK)

    def is_enough(self, values: Iterable[Sequence[float]], durations: Sequence[float], left: float) -> bool:
        """Whether no further run is needed, or none can be had.

        Args:
            values: of each wanted metric, its value in each counted run.
            durations: seconds of each counted run.
            left: seconds until the attempt's timeout. A number of runs that was asked for is tried nevertheless.
        """
        n = len(durations)
        if n >= self.most:
            return True
        if self.least < self.most and n and max(durations) > left:
            return True
        return n >= self.least and all(relative_error(metric) <= PRECISE for metric in values)


def relative_error(values: Sequence[float]) -> float:
    """Standard error of the mean over its magnitude; infinite where the mean is 0 but the values are not, or n < 2."""
    if len(values) < 2:
        return math.inf
    error = statistics.stdev(values) / math.sqrt(len(values))
    if error == 0:
        return 0.0
    mean = abs(statistics.fmean(values))
    return error / mean if mean > 0 else math.inf
