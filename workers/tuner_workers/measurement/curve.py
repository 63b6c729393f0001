"""The learning curve of an attempt: what the workload reports while it runs."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain

from tuner.core.clock import Clock
from tuner.core.observation import Intermediate

LIMIT = 4096
"""Points that a result carries at most."""

METRICS = 64
"""Metrics that have a curve."""

_log = logging.getLogger(__name__)


@dataclass
class _Line:
    """One metric: the last step it has reached, how many steps that makes, and those that are kept."""

    reached: int = -1
    steps: int = 0
    points: list[Intermediate] = field(default_factory=list)


class Curve:
    """Takes each (step, metric) once, in rising order of steps.

    An attempt runs its workload several times and each run reports its steps anew: the first to reach a step tells.
    A curve that becomes too long keeps every second step, and takes every second one from then on, again and again: so
    it stays a curve, and neither a result nor what the server is told grows with the steps of a training.
    """

    def __init__(self, clock: Clock, report: Callable[[Intermediate], None]) -> None:
        self._clock, self._report, self._begun = clock, report, clock.now()
        self._lines: dict[str, _Line] = {}
        self._stride = 1
        self._refused: set[str] = set()

    @property
    def points(self) -> tuple[Intermediate, ...]:
        """The curve so far, in the order of time."""
        return tuple(sorted(chain.from_iterable(line.points for line in self._lines.values()), key=_elapsed))

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """Take the values at one step. What has no place in a curve is left out, and logged once for each metric."""
        elapsed = self._clock.now() - self._begun
        for metric, value in metrics.items():
            if not math.isfinite(value):
                self._leave_out(metric, f"is {value} at step {step}")
            elif metric not in self._lines and len(self._lines) >= METRICS:
                self._leave_out(metric, f"is more than the {METRICS} metrics that have one")
            else:
                self._take(self._lines.setdefault(metric, _Line()), Intermediate(step, elapsed, metric, value))
        while sum(len(line.points) for line in self._lines.values()) > LIMIT:
            self._stride *= 2
            for line in self._lines.values():
                line.points = line.points[::2]

    def _take(self, line: _Line, point: Intermediate) -> None:
        if point.step <= line.reached:
            return
        if line.steps % self._stride == 0:
            line.points.append(point)
            self._report(point)
        line.reached = point.step
        line.steps += 1

    def _leave_out(self, metric: str, why: str) -> None:
        if metric not in self._refused and len(self._refused) < METRICS:
            self._refused.add(metric)
            _log.warning("%s %s; left out of the learning curve", metric, why)


def _elapsed(point: Intermediate) -> float:
    return point.elapsed
