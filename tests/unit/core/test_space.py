"""Configurations and the space they come from."""

from __future__ import annotations

import copy
import json
import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.core.errors import InvalidInput, SpaceExhausted
from tuner.core.expression import Value, parse
from tuner.core.param import BoolParam, CategoricalParam, FloatParam, IntParam, OrdinalParam
from tuner.core.space import Configuration, Space

SPACE = Space(
    (
        BoolParam(name="pinned", default=False),
        IntParam(name="core", low=0, high=3, when=parse("pinned")),
        OrdinalParam(name="batch", values=(1, 2, 4), default=1, special=("auto",)),
        CategoricalParam(name="mode", values=("a", "b"), knob="k.mode", when=parse("core >= 2")),
    ),
    (parse("core < 3 or batch == 4"), parse("not pinned or batch != 1")),
)
VALUES = st.dictionaries(st.text(min_size=1, max_size=5), st.booleans() | st.integers(-9, 9) | st.text(max_size=5))


@given(VALUES)
def test_a_configuration_is_its_content(values: dict[str, Value]) -> None:
    one = Configuration(values)
    other = Configuration(dict(reversed(values.items())))
    assert one == other
    assert hash(one) == hash(other)
    assert dict(one) == values
    assert list(one) == sorted(values)
    assert Configuration(json.loads(json.dumps(dict(one)))) == one


def test_equal_numbers_have_equal_digests_and_unlike_values_do_not() -> None:
    assert Configuration({"a": 1}).digest == Configuration({"a": 1.0}).digest
    assert Configuration({"a": 0}).digest == Configuration({"a": -0.0}).digest
    digests = {Configuration({"a": value}).digest for value in (1, True, "1", 1.5, "true", 0, False)}
    assert len(digests) == 7
    assert Configuration({"a": 1}) != {"a": 1}


def test_a_digest_is_the_same_on_every_machine() -> None:
    # The first 16 digits of: printf '{"a":"\\u00fc","b":true,"c":0.1}' | sha256sum
    assert Configuration({"b": True, "a": "ü", "c": 0.1}).digest == "640b1918fad8cf03"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_has_no_digest(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        Configuration({"a": value})


def test_a_space_and_a_configuration_survive_pickle_and_copy() -> None:
    configuration = SPACE.default()
    assert SPACE.by_name["core"].name == "core"
    assert pickle.loads(pickle.dumps((SPACE, configuration))) == (SPACE, configuration)
    assert copy.deepcopy((SPACE, configuration)) == (SPACE, configuration)


@pytest.mark.parametrize(
    ("values", "active"),
    [
        ({"pinned": False, "core": 3, "mode": "a"}, {"pinned"}),
        ({"pinned": True, "core": 1, "mode": "a"}, {"pinned", "core"}),
        ({"pinned": True, "core": 2, "mode": "a"}, {"pinned", "core", "mode"}),
        ({"core": 2, "mode": "a", "batch": 1}, {"batch"}),
        ({}, set()),
    ],
)
def test_a_parameter_exists_only_under_its_condition(values: dict[str, Value], active: set[str]) -> None:
    assert SPACE.activate(values).keys() == active


def test_a_configuration_of_the_space_drops_what_is_inactive_and_spells_the_rest() -> None:
    found = SPACE.configuration({"pinned": False, "core": 99, "mode": 7, "batch": 2.0})
    assert repr(found) == "Configuration({'batch': 2, 'pinned': False})"


def test_every_problem_of_a_configuration_is_reported() -> None:
    with pytest.raises(InvalidInput) as raised:
        SPACE.configuration({"pinned": True, "core": 9, "other": 1}, source="trial 3")
    assert [str(problem) for problem in raised.value.problems] == [
        "trial 3: other: is no parameter of this space, got 1; expected one of pinned, core, batch, mode",
        "trial 3: core: is outside its domain, got 9; expected a whole number from 0 to 3",
        "trial 3: batch: has no value; expected one of 1, 2, 4 or 'auto'",
    ]


def test_a_broken_constraint_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"'core < 3 or batch == 4' does not hold"):
        SPACE.configuration({"pinned": True, "core": 3, "batch": 2, "mode": "a"})


def test_a_constraint_that_reads_an_inactive_parameter_does_not_bind() -> None:
    space = Space((BoolParam(name="a"), IntParam(name="b", low=0, high=9, when=parse("a"))), (parse("b > 5"),))
    assert space.violated({"a": False}) == ()
    assert space.violated({"a": True, "b": 3}) == (parse("b > 5"),)


def test_the_default_takes_what_was_read_where_nothing_is_declared() -> None:
    space = Space((IntParam(name="a", low=0, high=9, default=1), IntParam(name="b", low=0, high=9, knob="k")))
    assert dict(space.default({"a": 5, "b": 7})) == {"a": 1, "b": 7}
    with pytest.raises(InvalidInput, match="default: b: has no value"):
        space.default()
    with pytest.raises(InvalidInput, match="default: b: is outside its domain, got 10"):
        space.default({"b": 10})


def test_a_default_of_false_or_zero_is_a_default() -> None:
    space = Space((BoolParam(name="a", default=False), IntParam(name="b", low=0, high=1, default=0)))
    assert dict(space.default({"a": True, "b": 1})) == {"a": False, "b": 0}


def test_without_makes_parameters_inactive_for_those_who_read_them() -> None:
    smaller = SPACE.without({"core"})
    assert [param.name for param in smaller.params] == ["pinned", "batch", "mode"]
    assert dict(smaller.configuration({"pinned": True, "batch": 2, "mode": "a"})) == {"pinned": True, "batch": 2}
    assert SPACE.without(()) is SPACE


def test_knobs_are_the_parameters_bound_to_one() -> None:
    assert {knob: param.name for knob, param in SPACE.knobs.items()} == {"k.mode": "mode"}


def brute_force(space: Space) -> set[Configuration]:
    """Every combination of levels, active or not, made a configuration of the space where it is valid."""
    found = set()
    combinations: list[dict[str, object]] = [{}]
    for param in space.params:
        combinations = [{**values, param.name: level} for values in combinations for level in param.levels()]
    for values in combinations:
        try:
            found.add(space.configuration(values))
        except InvalidInput:
            continue
    return found


LEVELS = st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def small_spaces(draw: st.DrawFn) -> Space:
    conditions = st.none() | st.sampled_from(["a == 1", "a > 0", "not a in [0, 2]"]).map(parse)
    later = st.none() | st.sampled_from(["b == a", "b > 0 and a > 0", "b >= 1"]).map(parse)
    return Space(
        (
            OrdinalParam(name="a", values=draw(LEVELS)),
            CategoricalParam(
                name="b", values=draw(LEVELS), when=draw(conditions), special=draw(st.just(()) | st.just(("x",)))
            ),
            IntParam(name="c", low=0, high=draw(st.integers(0, 2)), when=draw(later)),
        ),
        tuple(map(parse, draw(st.lists(st.sampled_from(["a + c < 4", "b != 1", "c == 0 or b > a"]), max_size=2)))),
    )


@given(small_spaces())
def test_enumerate_gives_every_valid_configuration_once(space: Space) -> None:
    listed = list(space.enumerate())
    assert len(set(listed)) == len(listed)
    assert set(listed) == brute_force(space)
    size = space.size()
    assert size is not None
    assert len(listed) <= size


@given(small_spaces(), st.integers(0, 99))
def test_a_sample_is_a_valid_configuration(space: Space, seed: int) -> None:
    valid = brute_force(space)
    try:
        drawn = space.sample(random.Random(seed), tries=50)
    except SpaceExhausted:
        return
    assert drawn in valid
    assert space.sample(random.Random(seed), tries=50) == drawn


def test_size_is_the_product_of_the_domains() -> None:
    assert SPACE.size() == 2 * 4 * 4 * 2
    assert Space(()).size() == 1
    assert list(Space(()).enumerate()) == [Configuration({})]
    assert Space((FloatParam(name="x", low=0, high=1), BoolParam(name="y"))).size() is None
    assert Space((FloatParam(name="x", low=2, high=2, special=(0,)),)).size() == 2


def test_what_nothing_satisfies_is_exhausted() -> None:
    space = Space((IntParam(name="a", low=0, high=9),), (parse("a > 9"),))
    assert list(space.enumerate()) == []
    with pytest.raises(SpaceExhausted, match="none of 20 random configurations"):
        space.sample(random.Random(0), tries=20)
