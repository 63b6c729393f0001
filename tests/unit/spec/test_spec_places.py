"""Lines for problems that were seen after the file had been read."""

from __future__ import annotations

import pytest

from tuner.core.errors import Problem
from tuner.spec.place import place

TEXT = """\
name: x
space:
  a: {type: int, low: 1, high: 2}
  b:
    type: float
    knob: cpu.turbo
objectives:
  - {metric: m, goal: minimize}
  - {metric: n, goal: minimize}
engine:
  name: grid
  levels: 0
"""


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("space.b.knob", 6),
        ("objectives[1].metric", 9),
        ("engine.options.levels", 12),
        ("space.a.unknown", 3),
        ("workers", 1),
    ],
)
def test_a_problem_stands_at_its_field_or_at_the_nearest_thing_around_it(field, line):
    (placed,) = place([Problem(field, "is wrong")], TEXT, "my.yaml")
    assert (placed.source, placed.line, placed.field) == ("my.yaml", line, field)


def test_a_file_that_cannot_be_read_has_no_lines():
    (placed,) = place([Problem("name", "is wrong")], "a: [", "my.yaml")
    assert (placed.source, placed.line) == ("my.yaml", 0)
