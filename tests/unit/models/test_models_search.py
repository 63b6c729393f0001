"""Proposals: neighbours that are valid, a search that finds the top, an acquisition that weighs what it should."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import pytest

pytest.importorskip("botorch", reason="the models need the extra [server]")

import torch
from tuner_models.acquisition import acquisition, reference_point
from tuner_models.belief import Belief
from tuner_models.design import design_size, well_spread
from tuner_models.encode import Encoder
from tuner_models.neighbours import neighbours
from tuner_models.numerics import isolated
from tuner_models.propose import propose
from tuner_models.search import climb
from tuner_models.task import History, Task

from tuner.core.expression import parse
from tuner.core.observation import Metric, Observation
from tuner.core.param import BoolParam, CategoricalParam, FloatParam, IntParam, OrdinalParam
from tuner.core.space import Configuration, Space
from tuner.core.study import Goal, Objective, OutcomeConstraint
from tuner.core.trial import TrialState
from tuner.engine.base import Evaluated

MIXED = Space(
    (
        IntParam(name="threads", low=1, high=8, special=(0,)),
        CategoricalParam(name="kind", values=("a", "b", "c")),
        OrdinalParam(name="width", values=(0.5, 1, 2)),
        BoolParam(name="pinned"),
        FloatParam(name="share", low=0.1, high=1.0, when=parse("pinned")),
        FloatParam(name="fixed", low=1.0, high=1.0),
    ),
    (parse("threads <= 4 or width >= 1"),),
)
LINE = Space((FloatParam(name="x", low=0.0, high=1.0),))
LATENCY = Objective(Metric("ms", "ms"))
SCORE = Objective(Metric("score", "score"), Goal.MAXIMIZE)


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    with isolated(seed=0, threads=1):
        yield


def at(x: float) -> Configuration:
    return Configuration({"x": x})


def believe(task: Task, *points: tuple[float, dict[str, float]], failed: tuple[float, ...] = ()) -> Belief:
    trials = [
        Evaluated(at(x), TrialState.COMPLETED, {key: Observation(key, value) for key, value in values.items()})
        for x, values in points
    ]
    return Belief(task, History.of(task, [*trials, *(Evaluated(at(x), TrialState.FAILED) for x in failed)]))


def grid(n: int = 41) -> list[Configuration]:
    return [at(i / (n - 1)) for i in range(n)]


def test_neighbours_are_valid_and_reach_every_kind_of_step():
    start = MIXED.configuration(
        {"threads": 4, "kind": "a", "width": 0.5, "pinned": False, "fixed": 1.0},
    )
    found = set(neighbours(MIXED, Encoder(MIXED), start, 0.1, random.Random(0)))
    assert all(MIXED.configuration(configuration) == configuration for configuration in found)
    single = [c for c in found if sum(c.get(name) != start.get(name) for name in {*c, *start} - {"share"}) == 1]
    assert {c["kind"] for c in single} == {"a", "b", "c"}
    assert {c["threads"] for c in single} >= {0, 3}
    assert 5 not in {c["threads"] for c in single}, "five threads need a greater width"
    assert {c["width"] for c in single} >= {1}
    assert any("share" in c for c in single if c["pinned"])


def test_a_space_of_one_point_has_no_neighbours():
    space = Space((FloatParam(name="x", low=3.0, high=3.0), CategoricalParam(name="c", values=("only",))))
    start = space.configuration({"x": 3.0, "c": "only"})
    assert set(neighbours(space, Encoder(space), start, 0.1, random.Random(0))) <= {start}


def test_a_climb_finds_the_top_between_its_candidates():
    belief = believe(Task(LINE, (LATENCY,)), (0.0, {"ms": 1.0}), (1.0, {"ms": 2.0}))
    top = climb(lambda x: -((x[:, 0] - 0.637) ** 2), belief, grid(5), {at(0.0), at(1.0)}, random.Random(0))
    assert float(top["x"]) == pytest.approx(0.637, abs=0.005)


def test_a_climb_refuses_an_acquisition_that_is_not_a_number():
    belief = believe(Task(LINE, (LATENCY,)), (0.0, {"ms": 1.0}), (1.0, {"ms": 2.0}))
    with pytest.raises(ArithmeticError, match="not a number"):
        climb(lambda x: x[:, 0] * math.nan, belief, grid(5), set(), random.Random(0))


def test_improvement_is_hoped_for_near_the_best():
    task = Task(LINE, (LATENCY,))
    belief = believe(task, *((x, {"ms": 1 + (x - 0.6) ** 2 * 9}) for x in (0.0, 0.25, 0.5, 0.75, 1.0)))
    values = acquisition(belief, torch.empty(0, 1), seed=0)(belief.encoder.encode(grid()))
    assert 0.5 < torch.argmax(values).item() / 40 < 0.75


def test_a_maximised_objective_is_maximised():
    task = Task(LINE, (SCORE,))
    belief = believe(task, *((x, {"score": 1 + (x - 0.6) ** 2 * 9}) for x in (0.0, 0.25, 0.5, 0.75, 1.0)))
    values = acquisition(belief, torch.empty(0, 1), seed=0)(belief.encoder.encode(grid()))
    assert torch.argmax(values).item() / 40 < 0.2


def test_where_a_constraint_breaks_nothing_is_hoped_for():
    task = Task(LINE, (LATENCY,), (OutcomeConstraint(Metric("accuracy", "accuracy"), ">=", parse("0.9")),))
    points = [(x, {"ms": 2 - x, "accuracy": 0.99 - 0.2 * x}) for x in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)]
    belief = believe(task, *points)
    pick = propose(belief, [], grid(), set(), 1, 0, exhaustive=True)[0].configuration
    assert 0.3 < float(pick["x"]) < 0.6  # the bound is at 0.45
    assert [belief.entries[index].configuration for index in belief.front] == [at(0.4)]


def test_where_things_break_nothing_is_hoped_for():
    task = Task(LINE, (LATENCY,))
    belief = believe(task, *((x, {"ms": 2 - x}) for x in (0.0, 0.2, 0.4)), failed=(0.6, 0.7, 0.8, 0.9, 1.0))
    pick = propose(belief, [], grid(), set(), 1, 0, exhaustive=True)[0].configuration
    assert float(pick["x"]) < 0.6


def test_what_is_pending_is_not_hoped_for_twice():
    task = Task(LINE, (LATENCY,))
    belief = believe(task, *((x, {"ms": 1 + (x - 0.6) ** 2 * 9}) for x in (0.0, 0.4, 1.0)))
    first = propose(belief, [], grid(), set(), 1, 0, exhaustive=True)[0].configuration
    rest = [configuration for configuration in grid() if configuration != first]
    second = propose(belief, [first], rest, {first}, 1, 0, exhaustive=True)[0].configuration
    assert abs(float(first["x"]) - float(second["x"])) > 0.05
    both = propose(belief, [], grid(), set(), 2, 0, exhaustive=True)
    assert [proposal.configuration for proposal in both] == [first, second]


def test_fewer_are_proposed_where_no_more_are_left():
    belief = believe(Task(LINE, (LATENCY,)), (0.0, {"ms": 1.0}), (1.0, {"ms": 2.0}))
    assert len(propose(belief, [], grid(3), set(), 5, 0, exhaustive=True)) == 3


def test_the_reference_point_lies_behind_the_front():
    task = Task(LINE, (LATENCY, SCORE))
    belief = believe(
        task, (0.0, {"ms": 1.0, "score": 1.0}), (0.5, {"ms": 2.0, "score": 2.0}), (1.0, {"ms": 5.0, "score": 0.5})
    )
    assert sorted(belief.front) == [0, 1]
    targets = torch.stack([surrogate.targets for surrogate in belief.surrogates.values()], dim=-1)
    point = reference_point(belief)
    assert torch.all(point < targets[:2].amin(0))
    assert torch.all(point > targets[:2].amin(0) - 0.2 * (targets[:2].amax(0) - targets[:2].amin(0)))


def test_the_initial_design_grows_with_the_space_up_to_a_bound():
    assert design_size(Space((FloatParam(name="x", low=1.0, high=1.0),))) == 4
    assert design_size(LINE) == 5
    assert design_size(MIXED) == 7
    assert design_size(Space(tuple(BoolParam(name=f"b{i}") for i in range(40)))) == 8


def test_the_initial_design_keeps_away_from_what_is_taken():
    spread = well_spread(LINE, grid(), [at(0.0)], 3)
    assert [configuration["x"] for configuration in spread] == [1.0, 0.5, 0.25]
