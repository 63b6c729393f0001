"""Configurations as points of a real vector space, in which a kernel can tell how alike they are.

A number becomes its position in [0, 1] (on the logarithm where the parameter says so, by rank for ordinals). A
category becomes a vertex of a regular simplex with unit edges: any two categories are at distance 1, which is the
Hamming distance. A parameter that can be inactive, or has special values, has one more such simplex for the state it
is in (ordinary, inactive, or one of its special values); its number then rests in the middle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from tuner.core.expression import Value
from tuner.core.param import BoolParam, CategoricalParam, FloatParam, IntParam, Param
from tuner.core.space import Configuration, Space

_SIDE = 1 / math.sqrt(2)  # of the cube whose unit vectors are 1 apart
_MIDDLE = 0.5


class Axis:
    """One parameter and its columns.

    Attributes:
        ordered: whether its ordinary values have an order.
        varies: whether they have an order and are more than one.
        sizes: number of columns of each of its groups: a number has one, a simplex one a vertex, a constant none.
    """

    def __init__(self, param: Param) -> None:
        self.param = param
        self.ordered = not isinstance(param, (CategoricalParam, BoolParam))
        self.varies = self.ordered and param.cardinality() != 1 + len(param.special)
        states: list[_Identity | None] = [_identity(value) for value in param.special]
        if not self.ordered:
            states += [_identity(value) for value in param.ordinary_levels()]
        if param.when is not None:
            states.append(None)
        self._states = {state: index for index, state in enumerate(states)}
        self._vertices = len(states) + self.ordered  # all ordinary values of an ordered parameter are one state
        self.sizes = (*([1] * self.varies), *([self._vertices] * (self._vertices > 1)))

    def encode(self, value: Value | None) -> list[float]:
        """The columns of ``value``: one of the domain, or None where the parameter is inactive."""
        state = self._states.get(None if value is None else _identity(value))
        row = []
        if self.varies:
            row = [self.position(value) if state is None and value is not None else _MIDDLE]
        if self._vertices > 1:
            vertex = self._vertices - 1 if state is None else state
            row += [_SIDE if index == vertex else 0.0 for index in range(self._vertices)]
        return row

    def ordinary(self, value: Value) -> bool:
        """Whether ``value`` (of the domain) is of its ordered part and has a position."""
        return self.ordered and _identity(value) not in self._states

    def position(self, value: Value) -> float:
        """The position in [0, 1] of an ordinary value of an ordered parameter that varies."""
        param = self.param
        if not isinstance(param, (FloatParam, IntParam)):
            return self._ranks[_identity(value)] / (len(self._ranks) - 1)
        assert isinstance(value, (int, float)), value
        low, high, at = float(param.low), float(param.high), float(value)
        if param.log:
            low, high, at = math.log(low), math.log(high), math.log(at)
        return (at / 2 - low / 2) / (high / 2 - low / 2)  # halves: the range of two huge numbers overflows

    def value_at(self, position: float) -> Value:
        """The ordinary value of an ordered parameter nearest to ``position``."""
        param, share = self.param, min(max(position, 0.0), 1.0)
        if not isinstance(param, (FloatParam, IntParam)):
            levels = param.ordinary_levels()
            return levels[round(share * (len(levels) - 1))]
        if param.log:
            value = math.exp(math.log(param.low) * (1 - share) + math.log(param.high) * share)
        else:
            value = param.low * (1 - share) + param.high * share
        return min(max(round(value) if isinstance(param, IntParam) else value, param.low), param.high)

    @cached_property
    def _ranks(self) -> dict[_Identity, int]:
        return {_identity(value): rank for rank, value in enumerate(self.param.ordinary_levels())}


class Encoder:
    """Configurations of a space as rows of a matrix.

    Attributes:
        axes: one per parameter of the space, by its name.
        groups: for each column, the number of its group; a group is what has one length-scale.
    """

    def __init__(self, space: Space) -> None:
        self.axes = {param.name: Axis(param) for param in space.params}
        sizes = [size for axis in self.axes.values() for size in axis.sizes]
        self._constant = not sizes
        self.groups = tuple(group for group, size in enumerate(sizes or [1]) for _ in range(size))

    def encode(self, configurations: Sequence[Configuration]) -> Tensor:
        """Rows for ``configurations`` (of the space's domain): n x columns, float64."""
        rows = [self._row(configuration) for configuration in configurations]
        return torch.tensor(rows, dtype=torch.float64).reshape(len(rows), len(self.groups))

    def _row(self, configuration: Configuration) -> list[float]:
        if self._constant:
            return [_MIDDLE]
        return [x for name, axis in self.axes.items() for x in axis.encode(configuration.get(name))]


_Identity = tuple[bool, Value]


def _identity(value: Value) -> _Identity:
    """What tells True from 1, and 1 from nothing."""
    return isinstance(value, bool), value
