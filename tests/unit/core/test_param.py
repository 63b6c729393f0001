"""Parameters: what is in a domain, how a value is spelled, what a sample looks like."""

from __future__ import annotations

import math
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.core.expression import Value
from tuner.core.param import BoolParam, CategoricalParam, FloatParam, IntParam, OrdinalParam, Param, same

PARAMS: list[Param] = [
    FloatParam(name="x", low=-1.5, high=2.5),
    FloatParam(name="x", low=1e-6, high=1e3, log=True),
    FloatParam(name="x", low=3.0, high=3.0),
    FloatParam(name="x", low=1.0, high=2.0, special=(0, "auto")),
    IntParam(name="x", low=-3, high=3),
    IntParam(name="x", low=1, high=1024, log=True),
    IntParam(name="x", low=7, high=7, special=(-1,)),
    OrdinalParam(name="x", values=(0.25, 1, 4), special=("off",)),
    CategoricalParam(name="x", values=("a", 1, True, "名")),
    BoolParam(name="x"),
]


@pytest.mark.parametrize("param", PARAMS, ids=lambda param: param.domain())
def test_samples_are_in_the_domain_and_spelled_as_it_spells_them(param: Param) -> None:
    rng = random.Random(1)
    for _ in range(300):
        value = param.sample(rng)
        assert same(param.coerce(value), value)
        assert type(param.coerce(value)) is type(value)


@pytest.mark.parametrize("param", PARAMS, ids=lambda param: param.domain())
def test_samples_are_the_same_for_a_seed(param: Param) -> None:
    first, second = random.Random(5), random.Random(5)
    assert [param.sample(first) for _ in range(20)] == [param.sample(second) for _ in range(20)]


@pytest.mark.parametrize("param", PARAMS, ids=lambda param: param.domain())
def test_levels_are_counted_and_each_is_sampled(param: Param) -> None:
    if param.cardinality() is None:
        with pytest.raises(ValueError, match="x is continuous"):
            param.levels()
        return
    levels = param.levels()
    assert len(levels) == param.cardinality()
    if len(levels) < 20:
        rng = random.Random(2)
        seen = [param.sample(rng) for _ in range(500)]
        assert all(any(same(level, value) for value in seen) for level in levels)


@pytest.mark.parametrize(
    ("param", "given_value", "value"),
    [
        (IntParam(name="x", low=0, high=9), 3.0, 3),
        (FloatParam(name="x", low=0, high=9), 3, 3.0),
        (FloatParam(name="x", low=-1, high=1), -0.0, 0.0),
        (OrdinalParam(name="x", values=(1, 2.0)), 1.0, 1),
        (OrdinalParam(name="x", values=(1, 2.0)), 2, 2.0),
        (CategoricalParam(name="x", values=(1, True)), True, True),
        (CategoricalParam(name="x", values=(True, 1)), 1.0, 1),
        (IntParam(name="x", low=1, high=9, special=(0,)), 0.0, 0),
        (BoolParam(name="x"), False, False),
    ],
)
def test_coerce_spells_a_value_as_the_domain_does(param: Param, given_value: Value, value: Value) -> None:
    found = param.coerce(given_value)
    assert repr(found) == repr(value)


@pytest.mark.parametrize(
    ("param", "value", "domain"),
    [
        (IntParam(name="x", low=0, high=9), 10, "a whole number from 0 to 9"),
        (IntParam(name="x", low=0, high=9), 1.5, "a whole number from 0 to 9"),
        (IntParam(name="x", low=0, high=9), True, "a whole number from 0 to 9"),
        (IntParam(name="x", low=0, high=9), "1", "a whole number from 0 to 9"),
        (IntParam(name="x", low=0, high=9), math.nan, "a whole number from 0 to 9"),
        (IntParam(name="x", low=0, high=9), math.inf, "a whole number from 0 to 9"),
        (FloatParam(name="x", low=0, high=1), math.nan, "a number from 0 to 1"),
        (FloatParam(name="x", low=0, high=1), math.inf, "a number from 0 to 1"),
        (FloatParam(name="x", low=0, high=1), False, "a number from 0 to 1"),
        (FloatParam(name="x", low=0, high=1), None, "a number from 0 to 1"),
        (FloatParam(name="x", low=0, high=1, special=(-1, "auto")), -2, "a number from 0 to 1 or -1, 'auto'"),
        (CategoricalParam(name="x", values=("a", 1)), True, "one of 'a', 1"),
        (CategoricalParam(name="x", values=("a",)), [], "one of 'a'"),
        (BoolParam(name="x"), 1, "true or false"),
        (BoolParam(name="x"), "true", "true or false"),
    ],
)
def test_coerce_refuses_what_is_outside_and_says_what_is_inside(param: Param, value: object, domain: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(domain)}$"):
        param.coerce(value)


@pytest.mark.parametrize(
    ("param", "kind"),
    [
        (FloatParam(name="x", low=0, high=1), "number"),
        (IntParam(name="x", low=0, high=1, special=(-1,)), "number"),
        (IntParam(name="x", low=0, high=1, special=("auto",)), "any"),
        (BoolParam(name="x"), "bool"),
        (CategoricalParam(name="x", values=("a", "b")), "string"),
        (CategoricalParam(name="x", values=(1, 2.5)), "number"),
        (CategoricalParam(name="x", values=(1, True)), "any"),
    ],
)
def test_kind_is_what_expressions_may_do_with_it(param: Param, kind: str) -> None:
    assert param.kind == kind


def test_a_logarithmic_sample_is_uniform_on_the_logarithm() -> None:
    rng = random.Random(3)
    param = FloatParam(name="x", low=1e-4, high=1e4, log=True)
    below_one = sum(float(param.sample(rng)) < 1 for _ in range(2000))
    assert 900 < below_one < 1100


def test_both_ends_of_a_logarithmic_int_are_reached_as_often_as_their_share() -> None:
    rng = random.Random(4)
    param = IntParam(name="x", low=1, high=4, log=True)
    draws = [param.sample(rng) for _ in range(4000)]
    width = math.log(4.5) - math.log(0.5)
    for value in (1, 2, 3, 4):
        share = (math.log(value + 0.5) - math.log(value - 0.5)) / width
        assert draws.count(value) == pytest.approx(4000 * share, rel=0.15)


def test_special_values_are_not_drowned_by_a_wide_range() -> None:
    rng = random.Random(5)
    param = IntParam(name="x", low=1, high=10**6, special=(0,))
    assert 300 < sum(param.sample(rng) == 0 for _ in range(2000)) < 500  # a fifth


@given(st.sampled_from([0, 1, 0.0, 1.0, -0.0, True, False, "1", ""]), st.sampled_from([0, 1, 0.0, 1.0, True, "1", ""]))
def test_same_is_equality_with_bool_a_kind_of_its_own(left: Value, right: Value) -> None:
    assert same(left, right) == (left == right and isinstance(left, bool) == isinstance(right, bool))
    assert same(left, right) == same(right, left)
