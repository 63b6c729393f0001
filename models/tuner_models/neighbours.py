"""Configurations near a configuration: what a local search may step to."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tuner.core.expression import Value
from tuner.core.param import IntParam, same
from tuner.core.space import Configuration, Space
from tuner_models.encode import Axis, Encoder

_CATEGORIES = 6  # of one parameter, tried at once
_SINGLE = 16  # parameters moved alone: of many, some at a time
_JOINT = 12  # steps in several parameters at once ...
_MOST_JOINT = 4  # ... and how many these are


def neighbours(
    space: Space, encoder: Encoder, configuration: Configuration, radius: float, rng: random.Random
) -> Iterator[Configuration]:
    """Valid configurations that differ from ``configuration`` in one parameter, then some that differ in a few.

    Numbers move by normal steps of standard deviation ``radius`` (of their range in [0, 1]), whole numbers and ordinals
    to their neighbours too, categories to each other. Parameters that become active get a value at random.
    """
    moves = {name: list(_moves(encoder.axes[name], value, radius, rng)) for name, value in configuration.items()}
    movable = [name for name, values in moves.items() if values]
    for name in rng.sample(movable, min(_SINGLE, len(movable))):
        for value in moves[name]:
            yield from _completed(space, {**configuration, name: value}, rng)
    for _ in range(_JOINT if len(movable) > 1 else 0):
        moved = rng.sample(movable, rng.randint(2, min(len(movable), _MOST_JOINT)))
        yield from _completed(space, {**configuration, **{name: rng.choice(moves[name]) for name in moved}}, rng)


def _moves(axis: Axis, value: Value, radius: float, rng: random.Random) -> Iterator[Value]:
    param = axis.param
    if not axis.ordered:
        others = [level for level in param.levels() if not same(level, value)]
        yield from rng.sample(others, min(_CATEGORIES, len(others)))
        return
    yield from (special for special in param.special if not same(special, value))
    if not axis.ordinary(value):
        yield axis.value_at(rng.random())
    elif axis.varies:
        here = axis.position(value)
        steps = [here + rng.gauss(0, radius), here - abs(rng.gauss(0, radius)), here + abs(rng.gauss(0, radius))]
        reached = [axis.value_at(step) for step in steps]
        yield from (other for other in [*_adjacent(axis, value), *reached] if not same(other, value))


def _adjacent(axis: Axis, value: Value) -> list[Value]:
    param = axis.param
    if isinstance(param, IntParam):
        assert isinstance(value, int), value
        return [step for step in (value - 1, value + 1) if param.low <= step <= param.high]
    if param.cardinality() is None:
        return []
    levels = param.ordinary_levels()
    rank = next(index for index, level in enumerate(levels) if same(level, value))
    return [levels[step] for step in (rank - 1, rank + 1) if 0 <= step < len(levels)]


def _completed(space: Space, values: dict[str, Value], rng: random.Random) -> Iterator[Configuration]:
    chosen: dict[str, Value] = {}
    for param in space.params:
        if space.is_active(param, chosen):
            chosen[param.name] = values[param.name] if param.name in values else param.sample(rng)
    if not space.violated(chosen):
        yield Configuration(chosen)
