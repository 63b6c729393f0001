"""Feasibility, dominance, the front, and the one point of it that is recommended."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.core.expression import parse
from tuner.core.observation import Metric
from tuner.core.preference import dominates, feasible, front, recommend
from tuner.core.study import Goal, Objective, OutcomeConstraint

FAST = Objective(Metric("ms", "ms"))
GOOD = Objective(Metric("acc", "acc"), Goal.MAXIMIZE)
FRUGAL = Objective(Metric("j", "j"))
BOTH = (FAST, GOOD)

COORDINATE = st.integers(-3, 3).map(float)
POINTS = st.lists(st.fixed_dictionaries({"ms": COORDINATE, "acc": COORDINATE}), max_size=12).map(
    lambda rows: list(enumerate(rows))
)
POSITIVE = st.integers(1, 1000).map(lambda tenths: tenths / 10)


def bound(metric: str, operator: Literal["<=", ">="], text: str) -> OutcomeConstraint:
    return OutcomeConstraint(Metric(metric, metric), operator, parse(text))


@pytest.mark.parametrize(
    ("values", "default", "expected"),
    [
        ({"acc": 0.95, "ms": 10.0}, {"ms": 10.0}, True),
        ({"acc": 0.95, "ms": 11.0}, {"ms": 10.0}, True),
        ({"acc": 0.95, "ms": 11.1}, {"ms": 10.0}, False),
        ({"acc": 0.94, "ms": 1.0}, {"ms": 10.0}, False),
        ({"acc": 0.95, "ms": 10.0}, None, None),
        ({"acc": 0.95, "ms": 10.0}, {}, None),
        ({"acc": 0.94, "ms": 10.0}, None, False),
        ({"ms": 10.0}, {"ms": 10.0}, None),
        ({"ms": 99.0}, {"ms": 10.0}, False),
    ],
)
def test_feasible(values: dict[str, float], default: dict[str, float] | None, expected: bool | None) -> None:
    constraints = (bound("acc", ">=", "0.95"), bound("ms", "<=", "1.1 * default"))
    assert feasible(constraints, values, default) is expected


def test_without_constraints_everything_is_feasible() -> None:
    assert feasible((), {}) is True


def test_a_bound_that_has_no_value_is_undecided() -> None:
    assert feasible((bound("ms", "<=", "1 / default"),), {"ms": 1.0}, {"ms": 0.0}) is None


@given(POINTS)
def test_the_front_is_what_no_point_dominates(points: list[tuple[int, dict[str, float]]]) -> None:
    found = front(BOTH, points)
    undominated = [
        (i, v)
        for i, v in points
        if not any(
            w["ms"] <= v["ms"] and w["acc"] >= v["acc"] and (w["ms"] < v["ms"] or w["acc"] > v["acc"])
            for _, w in points
        )
    ]
    assert {(v["ms"], v["acc"]) for _, v in found} == {(v["ms"], v["acc"]) for _, v in undominated}
    assert len({(v["ms"], v["acc"]) for _, v in found}) == len(found)
    first_of_equals = {}
    for index, values in points:
        first_of_equals.setdefault((values["ms"], values["acc"]), index)
    assert all(index == first_of_equals[v["ms"], v["acc"]] for index, v in found)
    assert [v["ms"] for _, v in found] == sorted(v["ms"] for _, v in found)


@given(POINTS)
def test_dominance_is_a_strict_order(points: list[tuple[int, dict[str, float]]]) -> None:
    for _, a in points:
        assert not dominates(BOTH, a, a)
        for _, b in points:
            assert not (dominates(BOTH, a, b) and dominates(BOTH, b, a))


@given(POINTS.filter(bool))
def test_one_objective_recommends_its_best_value(points: list[tuple[int, dict[str, float]]]) -> None:
    best = recommend([GOOD], points, {"acc": 0.0})
    assert best is not None
    assert best[1]["acc"] == max(v["acc"] for _, v in points)


@given(st.lists(st.tuples(POSITIVE, POSITIVE), min_size=1, max_size=8), POSITIVE, POSITIVE)
def test_several_objectives_recommend_the_greatest_product_of_improvements(
    rows: list[tuple[float, float]], ms: float, joule: float
) -> None:
    points = [(index, {"ms": a, "j": b}) for index, (a, b) in enumerate(rows)]
    default = {"ms": ms, "j": joule}
    best = recommend((FAST, FRUGAL), points, default)
    assert best is not None
    unharmed = [v for _, v in front((FAST, FRUGAL), points) if v["ms"] <= ms and v["j"] <= joule]
    if unharmed:
        assert best[1] in unharmed
        product = max(ms / v["ms"] * joule / v["j"] for v in unharmed)
        assert ms / best[1]["ms"] * joule / best[1]["j"] == pytest.approx(product)
    else:
        assert best in front((FAST, FRUGAL), points)


@given(POINTS.filter(bool), st.none() | st.fixed_dictionaries({"ms": COORDINATE, "acc": COORDINATE}))
def test_a_recommendation_is_on_the_front_whatever_the_signs(
    points: list[tuple[int, dict[str, float]]], default: dict[str, float] | None
) -> None:
    assert recommend(BOTH, points, default) in front(BOTH, points)


def test_nothing_is_recommended_from_nothing() -> None:
    assert recommend(BOTH, []) is None


def test_a_knee_is_preferred_to_the_ends() -> None:
    points = [("fast", {"ms": 1.0, "j": 9.0}), ("knee", {"ms": 2.0, "j": 2.0}), ("frugal", {"ms": 9.0, "j": 1.0})]
    best = recommend((FAST, FRUGAL), points, {"ms": 10.0, "j": 10.0})
    assert best is not None
    assert best[0] == "knee"
