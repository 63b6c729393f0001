from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.core.errors import SpaceExhausted
from tuner.core.expression import parse
from tuner.core.observation import Metric
from tuner.core.param import BoolParam, CategoricalParam, FloatParam, IntParam, OrdinalParam
from tuner.core.space import Space
from tuner.core.study import Objective
from tuner.core.trial import TrialState
from tuner.engine.base import Evaluated, SuggestRequest
from tuner.engine.random import RandomEngine
from tuner.engine.sobol import SobolEngine, quantile
from tuner.engine.unseen import draw_unseen

OBJECTIVES = (Objective(Metric("latency_ms", "latency_ms")),)
PARAMS = [
    FloatParam(name="float", low=-1.0, high=3.0),
    FloatParam(name="log", low=1e-5, high=10.0, log=True),
    FloatParam(name="wide", low=-1.7e308, high=1.7e308),
    IntParam(name="int", low=-2, high=2),
    IntParam(name="int log", low=1, high=1000, log=True),
    IntParam(name="special", low=1, high=4, special=(-1, 0)),
    OrdinalParam(name="ordinal", values=(1, 2, 8)),
    CategoricalParam(name="categorical", values=("a", "b")),
    BoolParam(name="bool"),
]


@given(st.sampled_from(PARAMS), st.floats(0, 1, exclude_max=True))
def test_a_quantile_is_in_the_domain(param, share):
    value = quantile(param, share)
    assert param.coerce(value) == value
    assert type(param.coerce(value)) is type(value)


@pytest.mark.parametrize("param", [p for p in PARAMS if p.cardinality()], ids=lambda p: p.name)
def test_quantiles_spread_as_samples_do(param):
    steps = 20_000
    by_quantile = [quantile(param, (step + 0.5) / steps) for step in range(steps)]
    rng = random.Random(1)
    by_sample = [param.sample(rng) for _ in range(steps)]
    for level in param.levels():
        assert by_quantile.count(level) / steps == pytest.approx(by_sample.count(level) / steps, abs=0.02)
    assert set(by_quantile) == set(param.levels())


def test_quantiles_of_a_continuum_are_even_on_its_scale():
    assert quantile(PARAMS[0], 0.25) == pytest.approx(0.0)
    assert quantile(PARAMS[1], 0.5) == pytest.approx(1e-2)
    assert quantile(PARAMS[1], 0.0) == 1e-5


def test_sobol_fills_every_cell_of_a_grid_before_any_twice():
    space = Space((FloatParam(name="x", low=0.0, high=1.0), FloatParam(name="y", low=0.0, high=1.0)))
    suggestions = SobolEngine().suggest(SuggestRequest(space, OBJECTIVES, count=16, seed=5))
    cells = {(int(s.configuration["x"] * 4), int(s.configuration["y"] * 4)) for s in suggestions}
    assert len(cells) == 16
    assert not any(s.note for s in suggestions)


def test_sobol_goes_on_where_the_trials_end_and_comes_back_to_a_cancelled_point():
    space = Space((FloatParam(name="x", low=0.0, high=1.0),))
    request = SuggestRequest(space, OBJECTIVES, count=6, seed=5)
    points = [s.configuration for s in SobolEngine().suggest(request)]
    done = tuple(Evaluated(point, TrialState.COMPLETED) for point in points[:2])
    rest = SobolEngine().suggest(replace(request, completed=done, pending=tuple(points[3:5]), count=2))
    assert [s.configuration for s in rest] == [points[2], points[5]]


def test_sobol_depends_on_the_seed():
    request = SuggestRequest(Space((FloatParam(name="x", low=0.0, high=1.0),)), OBJECTIVES)
    first, second = (SobolEngine().suggest(replace(request, seed=seed)) for seed in (1, 2))
    assert first != second


def test_sobol_says_what_it_drew_at_random():
    rare = Space((IntParam(name="n", low=0, high=2**15),), (parse("n in [7, 9]"),))
    suggestions = SobolEngine().suggest(SuggestRequest(rare, OBJECTIVES, count=3))
    assert {s.configuration["n"] for s in suggestions} == {7, 9}
    assert any("drawn at random" in s.note for s in suggestions)


def test_a_rare_configuration_is_found_at_random_by_walking_the_space():
    rare = Space((IntParam(name="n", low=1, high=50_000), BoolParam(name="b")), (parse("n == 41 and b"),))
    (only,) = draw_unseen(rare, (), 3, random.Random(0))
    assert dict(only) == {"n": 41, "b": True}
    with pytest.raises(SpaceExhausted, match="measured or is pending"):
        draw_unseen(rare, {only}, 1, random.Random(0))


def test_a_space_too_large_to_walk_says_what_was_tried():
    endless = Space((FloatParam(name="x", low=0.0, high=1.0),), (parse("x > 2"),))
    with pytest.raises(SpaceExhausted, match="none of 10001 random configurations is valid and new"):
        RandomEngine().suggest(SuggestRequest(endless, OBJECTIVES))


def test_random_is_uniform():
    space = Space((CategoricalParam(name="c", values=("a", "b", "c", "d")), FloatParam(name="x", low=0.0, high=1.0)))
    suggestions = RandomEngine().suggest(SuggestRequest(space, OBJECTIVES, count=4_000, seed=1))
    for value in ("a", "b", "c", "d"):
        share = sum(s.configuration["c"] == value for s in suggestions) / 4_000
        assert share == pytest.approx(0.25, abs=0.03)
