"""Small plots out of characters: a line of blocks, and a scatter of two objectives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from tuner.report.numbers import number

_BLOCKS = "▁▂▃▄▅▆▇█"


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
class Scatter:
    """Points (with finite coordinates) on a grid that takes the width it is given, up to ``width`` columns."""

    points: Sequence[Point]
    x_label: str
    y_label: str
    width: int = 60
    height: int = 12

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self.points:
            return
        xs, ys = [point.x for point in self.points], [point.y for point in self.points]
        top, bottom = number(max(ys)), number(min(ys))
        margin = max(len(top), len(bottom))
        columns = min(self.width, options.max_width) - margin - 2
        if columns < 10:
            return
        grid = [[Text(" ") for _ in range(columns)] for _ in range(self.height)]
        for point in self.points:
            column = _cell(point.x, min(xs), max(xs), columns)
            row = self.height - 1 - _cell(point.y, min(ys), max(ys), self.height)
            grid[row][column] = Text(point.mark, style=point.style)
        yield Text(self.y_label, style="bold")
        for index, row_cells in enumerate(grid):
            label = top if index == 0 else bottom if index == self.height - 1 else ""
            yield Text(f"{label:>{margin}} │").append_text(Text().join(row_cells))
        yield Text(" " * margin + " └" + "─" * columns)
        left, right = number(min(xs)), number(max(xs))
        room = max(1, columns - len(left) - len(right))
        yield Text(" " * (margin + 2) + left).append(f"{self.x_label:^{room}.{room}}", style="bold").append(right)


def _cell(value: float, low: float, high: float, cells: int) -> int:
    return 0 if high <= low else min(cells - 1, int((value - low) / (high - low) * cells))
