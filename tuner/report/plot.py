"""Small plots out of characters: a line of blocks, and a scatter of two objectives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from tuner.report.numbers import quantity

_BLOCKS = "▁▂▃▄▅▆▇█"

WIDE = 30.0
"""Ratio of largest to smallest value above which an axis is logarithmic."""


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """The course of ``values`` (finite) in at most ``width`` characters; of many values each character shows the last
    of its share."""
    if not values or width < 1:
        return ""
    count = min(width, len(values))
    shown = [values[(index + 1) * len(values) // count - 1] for index in range(count)]
    low, span = min(values), max(values) - min(values)
    if span <= 0:
        return _BLOCKS[0] * count
    return "".join(_BLOCKS[round((value - low) / span * (len(_BLOCKS) - 1))] for value in shown)


@dataclass(frozen=True)
class Point:
    """A point of a scatter. Of two in one cell, the one that stands later in the list is seen."""

    x: float
    y: float
    mark: str = "·"
    style: str = "dim"


@dataclass(frozen=True)
class Axis:
    """What a side of a scatter shows: its label, and the unit of its values."""

    label: str
    unit: str = ""

    def place(self, value: float, values: Sequence[float], cells: int) -> int:
        """The cell of ``value``, on the logarithm where the values are positive and more than ``WIDE`` times apart:
        one slow configuration would press all the others into a corner."""
        low, high = min(values), max(values)
        if high <= low:
            return 0
        if low > 0 and high / low > WIDE:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return min(cells - 1, int((value - low) / (high - low) * cells))

    def title(self, values: Sequence[float]) -> str:
        """The label, and whether the axis is logarithmic."""
        return f"{self.label} (log)" if min(values) > 0 and max(values) / min(values) > WIDE else self.label


@dataclass(frozen=True)
class Scatter:
    """Points (with finite coordinates) on a grid that takes the width it is given, up to ``width`` columns."""

    points: Sequence[Point]
    x: Axis
    y: Axis
    width: int = 60
    height: int = 12

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self.points:
            return
        xs, ys = [point.x for point in self.points], [point.y for point in self.points]
        top, bottom = quantity(max(ys), self.y.unit), quantity(min(ys), self.y.unit)
        margin = max(len(top), len(bottom))
        columns = min(self.width, options.max_width) - margin - 2
        if columns < 10:
            return
        grid = [[Text(" ") for _ in range(columns)] for _ in range(self.height)]
        for point in self.points:
            column = self.x.place(point.x, xs, columns)
            row = self.height - 1 - self.y.place(point.y, ys, self.height)
            grid[row][column] = Text(point.mark, style=point.style)
        yield Text(self.y.title(ys), style="bold")
        for index, row_cells in enumerate(grid):
            label = top if index == 0 else bottom if index == self.height - 1 else ""
            yield Text(f"{label:>{margin}} │").append_text(Text().join(row_cells))
        yield Text(" " * margin + " └" + "─" * columns)
        left, right = quantity(min(xs), self.x.unit), quantity(max(xs), self.x.unit)
        room = max(1, columns - len(left) - len(right))
        yield Text(" " * (margin + 2) + left).append(f"{self.x.title(xs):^{room}.{room}}", style="bold").append(right)
