"""Study files that are valid, and too much to think about."""

from __future__ import annotations

import pytest

from tuner.core.errors import InvalidInput
from tuner.core.space import Space
from tuner.spec.space import MAX_ENUMERATED, MAX_SEARCHED, MAX_TEXT
from tuner.spec.yaml import parse_study

STUDY = """
name: deadly
workload: {{kind: external}}
space:
{space}
constraints: [{constraints}]
objectives: [{{metric: ms, goal: minimize}}]
budget: {{trials: 3}}
"""


def study(sizes, constraints, conditions=()):
    lines = [f"  p{i}: {{type: int, low: 1, high: {size}, knob: k.p{i}}}" for i, size in enumerate(sizes)]
    lines += [f"  q{i}: {{type: bool, default: true, when: '{when}'}}" for i, when in enumerate(conditions)]
    return STUDY.format(space="\n".join(lines), constraints=", ".join(f"'{text}'" for text in constraints))


def chain(length):
    """A condition of about so many characters that is never true."""
    return "+".join(["p0"] * (length // 3)) + " < 0"


@pytest.mark.parametrize(
    ("constraints", "conditions"),
    [([chain(990)] * 11, []), (["p0 < 9"], [chain(990)] * 11), ([chain(990)] * 6, [chain(990)] * 6)],
)
def test_long_conditions_and_constraints_are_refused_together(constraints, conditions):
    with pytest.raises(InvalidInput, match=rf"space: has too long .* at most {MAX_TEXT} in all") as raised:
        parse_study(study([4], constraints, conditions))
    assert len(raised.value.problems) == 1


@pytest.fixture
def looked_at(monkeypatch):
    """Counts the configurations that are looked at."""
    walked = []
    enumerate_all = Space.enumerate

    def counting(space):
        for values in space._extend(0, {}):
            walked.append(values)
        yield from enumerate_all(space)

    monkeypatch.setattr(Space, "enumerate", counting)
    return walked


def test_a_small_space_is_searched_for_a_configuration_that_keeps_the_constraints(looked_at):
    with pytest.raises(InvalidInput, match="no configuration satisfies them all"):
        parse_study(study([10, 10], ["p0 + p1 < 0"]))
    assert len(looked_at) == 100


def test_the_search_is_bounded_by_what_the_constraints_cost(looked_at):
    size = MAX_ENUMERATED
    assert size * 9 * 990 > MAX_SEARCHED
    parse_study(study([size], [chain(990)] * 9))
    assert looked_at == []
