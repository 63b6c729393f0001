"""Configurations as points: distances that mean something, for every kind of parameter and state."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the models need the extra [server]")

import torch
from hypothesis import given
from hypothesis import strategies as st
from tuner_models.encode import Axis, Encoder

from tuner.core.expression import parse
from tuner.core.param import BoolParam, CategoricalParam, FloatParam, IntParam, OrdinalParam, Param
from tuner.core.space import Configuration, Space

WIDEST = 1.7e308


def distances(space: Space, *values: dict) -> torch.Tensor:
    rows = Encoder(space).encode([Configuration(v) for v in values])
    return torch.cdist(rows, rows)


def test_any_two_categories_are_one_apart():
    space = Space((CategoricalParam(name="flag", values=(1, True, "1")),))
    expected = 1 - torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(distances(space, {"flag": 1}, {"flag": True}, {"flag": "1"}), expected)


def test_numbers_lie_at_their_share_of_the_range_and_of_its_logarithm():
    space = Space(
        (
            FloatParam(name="x", low=-1.0, high=3.0),
            IntParam(name="n", low=1, high=100, log=True),
            OrdinalParam(name="size", values=(1, 2, 1000)),
        )
    )
    row = Encoder(space).encode([Configuration({"x": 0.0, "n": 10, "size": 2})])
    torch.testing.assert_close(row, torch.tensor([[0.25, 0.5, 0.5]], dtype=torch.float64))


def test_inactive_and_special_are_states_of_their_own():
    param = IntParam(name="n", low=0, high=10, special=(-1,), when=parse("on"))
    space = Space((BoolParam(name="on"), param))
    apart = distances(space, {"on": True, "n": 5}, {"on": True, "n": -1}, {"on": False}, {"on": True, "n": 10})
    assert apart[0, 1] == pytest.approx(1.0)  # the number rests in the middle: the state alone differs
    assert apart[0, 2] == pytest.approx(2**0.5)  # the state and ``on``
    assert apart[0, 3] == pytest.approx(0.5)


def test_what_cannot_vary_has_no_column():
    space = Space((FloatParam(name="x", low=3.0, high=3.0), CategoricalParam(name="only", values=("this",))))
    encoder = Encoder(space)
    assert encoder.groups == (0,)
    assert encoder.encode([Configuration({"x": 3.0, "only": "this"})]).tolist() == [[0.5]]
    assert encoder.encode([]).shape == (0, 1)


def test_a_simplex_is_one_group():
    space = Space((CategoricalParam(name="c", values=("a", "b", "c")), FloatParam(name="x", low=0.0, high=1.0)))
    assert Encoder(space).groups == (0, 0, 0, 1)


PARAMS: list[Param] = [
    FloatParam(name="x", low=-WIDEST, high=WIDEST),
    FloatParam(name="x", low=1e-300, high=1e300, log=True),
    IntParam(name="x", low=-(2**53), high=2**53),
    IntParam(name="x", low=1, high=2**53, log=True),
    OrdinalParam(name="x", values=(True, 1, "1", 0.5)),
]


@pytest.mark.parametrize("param", PARAMS)
@given(share=st.floats(-1, 2))
def test_value_at_is_in_the_domain_and_undone_by_position(param: Param, share: float):
    axis = Axis(param)
    value = axis.value_at(share)
    assert param.coerce(value) == value
    step = 1 / 3 if isinstance(param, OrdinalParam) else 1 / 4 if param == PARAMS[3] else 1e-9  # 1, 2 are far apart
    assert abs(axis.position(value) - min(max(share, 0), 1)) <= step
