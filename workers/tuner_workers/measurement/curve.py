"""The learning curve of an attempt: what the workload reports while it runs."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping

from tuner.core.clock import Clock
from tuner.core.observation import Intermediate

LIMIT = 4096
"""Points that a result carries at most; a longer curve keeps every second one, again and again."""

_log = logging.getLogger(__name__)


class Curve:
    """Takes each (step, metric) once, in rising order of steps.

    An attempt runs its workload several times and each run reports its steps anew: the first to reach a step tells.
    """

    def __init__(self, clock: Clock, report: Callable[[Intermediate], None]) -> None:
        self._clock, self._report, self._begun = clock, report, clock.now()
        self._reached: dict[str, int] = {}
        self._points: list[Intermediate] = []
        self._refused: set[str] = set()

    @property
    def points(self) -> tuple[Intermediate, ...]:
        """The curve so far."""
        return tuple(self._points)

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """Take the values at one step. One that is not finite has no place in a curve: it is left out, and logged."""
        elapsed = self._clock.now() - self._begun
        for metric, value in metrics.items():
            if not math.isfinite(value):
                if metric not in self._refused:
                    self._refused.add(metric)
                    _log.warning("%s is %s at step %d; left out of the learning curve", metric, value, step)
            elif step > self._reached.get(metric, -1):
                self._reached[metric] = step
                point = Intermediate(step, elapsed, metric, value)
                self._points.append(point)
                self._report(point)
        if len(self._points) > LIMIT:
            self._points = self._points[::2]
