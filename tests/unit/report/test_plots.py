"""Plots out of characters."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.report.plot import Axis, Point, Scatter, sparkline

FINITE = st.floats(-1e6, 1e6)


def test_a_sparkline_spans_its_values():
    assert sparkline([3, 2, 1]) == "█▅▁"
    assert sparkline([5.0, 5.0]) == "▁▁"
    assert sparkline([]) == ""
    assert sparkline([1.0], width=0) == ""


@given(st.lists(FINITE, min_size=1, max_size=200), st.integers(1, 50))
def test_a_sparkline_fits_and_ends_with_the_last_value(values, width):
    line = sparkline(values, width)
    assert len(line) == min(width, len(values))
    assert line[-1] == sparkline([min(values), max(values), values[-1]])[-1]


@pytest.mark.parametrize("width", [20, 60, 200])
def test_a_scatter_shows_its_extremes_at_the_corners(render, width):
    lines = render(
        Scatter([Point(1, 10, "a"), Point(2, 20, "b")], Axis("x"), Axis("y"), width=width), width
    ).splitlines()
    assert lines[1].rstrip().endswith("b")
    assert lines[12].split("│")[1].startswith("a")
    assert all(len(line) <= width for line in lines)


@given(st.lists(st.tuples(FINITE, FINITE), max_size=30))
def test_any_finite_points_can_be_shown(points):
    import io

    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=60).print(Scatter([Point(x, y) for x, y in points], Axis("größe", "ms"), Axis("y")))
    assert out.getvalue().count("·") <= len(points)
    assert bool(points) == ("·" in out.getvalue())


def test_there_is_no_scatter_where_there_is_no_room(render):
    assert render(Scatter([Point(1, math.pi)], Axis("x"), Axis("y")), 12).strip() == ""


def test_an_axis_over_many_magnitudes_is_logarithmic_and_says_so():
    axis, values = Axis("energy_j", "J"), [1e-4, 1e-3, 1e-2, 1e-1, 1.0]
    assert axis.title(values) == "energy_j (log)"
    assert [axis.place(value, values, 5) for value in values] == [0, 1, 2, 3, 4]
    assert axis.title([-1.0, 0.5, 100.0]) == "energy_j"
    assert axis.place(0.5, [0.0, 0.5, 100.0], 10) == 0
