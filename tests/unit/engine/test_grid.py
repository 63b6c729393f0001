from __future__ import annotations

import math
from collections import Counter

import pytest

from tuner.core.errors import InvalidInput, SpaceExhausted
from tuner.core.expression import parse
from tuner.core.observation import Metric
from tuner.core.param import BoolParam, FloatParam, IntParam
from tuner.core.space import Space
from tuner.core.study import Objective
from tuner.core.trial import TrialState
from tuner.engine.base import Evaluated, SuggestRequest
from tuner.engine.grid import GridEngine
from tuner.engine.registry import get_engine

OBJECTIVES = (Objective(Metric("latency_ms", "latency_ms")),)
SPACE = Space(
    (
        BoolParam(name="pinned"),
        FloatParam(name="share", low=0.25, high=1.0, when=parse("pinned")),
        FloatParam(name="rate", low=1e-4, high=1.0, log=True, special=(0.0,)),
        IntParam(name="threads", low=1, high=3),
    ),
    (parse("not pinned or threads <= 2"),),
)


def whole_grid(space: Space, **options: int) -> list[dict[str, object]]:
    suggestions = GridEngine().suggest(SuggestRequest(space, OBJECTIVES, count=10_000, options=options))
    return [dict(s.configuration) for s in suggestions]


def test_every_combination_comes_exactly_once():
    grid = whole_grid(SPACE)
    # unpinned: 6 rates x 3 threads; pinned: 5 shares x 6 rates x 2 threads
    assert len(grid) == 6 * 3 + 5 * 6 * 2
    assert max(Counter(map(str, grid)).values()) == 1


def test_levels_reach_both_ends_and_are_even_on_their_scale():
    grid = whole_grid(SPACE, levels=3)
    assert sorted({g["share"] for g in grid if "share" in g}) == [0.25, 0.625, 1.0]
    rates = sorted({g["rate"] for g in grid})
    assert rates == [0.0, 1e-4, pytest.approx(1e-2), 1.0]
    assert all(SPACE.configuration(g) for g in grid)


def test_levels_that_are_the_same_number_come_once():
    narrow = Space((FloatParam(name="x", low=1.0, high=math.nextafter(1.0, 2)),))
    assert sorted(g["x"] for g in whole_grid(narrow)) == [1.0, math.nextafter(1.0, 2)]


def test_it_goes_on_one_at_a_time_to_the_same_end():
    request = SuggestRequest(SPACE, OBJECTIVES, count=10_000, seed=3, options={"levels": 2})
    order = [s.configuration for s in GridEngine().suggest(request)]
    seen: list[Evaluated] = []
    while True:
        try:
            (next_one,) = GridEngine().suggest(
                SuggestRequest(SPACE, OBJECTIVES, completed=tuple(seen), seed=3, options={"levels": 2})
            )
        except SpaceExhausted:
            break
        seen.append(Evaluated(next_one.configuration, TrialState.COMPLETED))
    assert [trial.configuration for trial in seen] == order


def test_any_beginning_covers_the_space():
    """Of 30 combinations in the order of a nested loop, the first ten would all have the lowest of three levels."""
    space = Space((IntParam(name="slow", low=1, high=3), IntParam(name="fast", low=1, high=10)))
    for seed in range(5):
        suggestions = GridEngine().suggest(SuggestRequest(space, OBJECTIVES, count=10, seed=seed))
        assert {s.configuration["slow"] for s in suggestions} == {1, 2, 3}


@pytest.mark.parametrize("levels", [0, 1, -3, 2.5, "5", True, 1_001])
def test_wrong_levels_are_refused(levels):
    problems = GridEngine().validate(SPACE, OBJECTIVES, {"levels": levels})
    assert [problem.field for problem in problems] == ["engine.options.levels"]
    with pytest.raises(InvalidInput):
        GridEngine().suggest(SuggestRequest(SPACE, OBJECTIVES, options={"levels": levels}))


def test_too_large_a_grid_is_refused_before_it_is_walked():
    huge = Space(tuple(IntParam(name=f"p{i}", low=0, high=2**50) for i in range(5)))
    (problem,) = GridEngine().validate(huge, OBJECTIVES, {})
    assert "another engine" in str(problem)


def test_the_textbook_name_is_an_alias():
    assert isinstance(get_engine("full-factorial"), GridEngine)
