"""Configurations as Optuna spells them: its distributions and parameters, drawn define-by-run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from tuner.core.expression import Value
from tuner.core.param import FloatParam, IntParam, OrdinalParam, Param, same
from tuner.core.space import Space

if TYPE_CHECKING:
    import optuna

Encoded = tuple[dict[str, Any], dict[str, BaseDistribution]]
"""Parameters and their distributions, as ``optuna.trial.create_trial`` takes them."""

_ORDINARY = 0


def draw(space: Space, trial: optuna.Trial) -> dict[str, Value]:
    """Values for the active parameters, in the order of the space; they may break its constraints."""
    values: dict[str, Value] = {}
    for param in space.params:
        if space.is_active(param, values):
            values[param.name] = _draw(param, trial)
    return values


def encode(space: Space, configuration: Mapping[str, Value]) -> Encoded:
    """``configuration`` as ``draw`` would have asked for it.

    Raises:
        ValueError: it holds an unknown parameter or a value outside its domain.
    """
    parameters: dict[str, Any] = {}
    distributions: dict[str, BaseDistribution] = {}
    for name, value in configuration.items():
        param = space.by_name.get(name)
        if param is None:
            raise ValueError(f"{name} is no parameter of this space")
        value = param.coerce(value)
        special = next((i for i, own in enumerate(param.special, _ORDINARY + 1) if same(own, value)), _ORDINARY)
        if _ordered(param):
            if param.special:
                parameters[_switch(param)] = special
                distributions[_switch(param)] = _switch_distribution(param)
            if special != _ORDINARY:
                continue
        parameters[name] = value if isinstance(param, (FloatParam, IntParam)) else _position(param, value)
        distributions[name] = _distribution(param)
    return parameters, distributions


def _draw(param: Param, trial: optuna.Trial) -> Value:
    if _ordered(param) and param.special:
        special: int = trial.suggest_categorical(_switch(param), range(len(param.special) + 1))
        if special != _ORDINARY:
            return param.special[special - 1]
    if isinstance(param, FloatParam):
        return trial.suggest_float(param.name, param.low, param.high, log=param.log)
    if isinstance(param, IntParam):
        return trial.suggest_int(param.name, param.low, param.high, log=param.log)
    if isinstance(param, OrdinalParam):
        return param.values[trial.suggest_int(param.name, 0, len(param.values) - 1)]
    position: int = trial.suggest_categorical(param.name, range(len(param.levels())))
    return param.levels()[position]


def _ordered(param: Param) -> bool:
    """Whether its ordinary values have an order, from which the special ones must be kept apart."""
    return isinstance(param, (FloatParam, IntParam, OrdinalParam))


def _switch(param: Param) -> str:
    return f"{param.name}:special"  # a colon is in no parameter's name


def _switch_distribution(param: Param) -> CategoricalDistribution:
    return CategoricalDistribution(range(len(param.special) + 1))


def _distribution(param: Param) -> BaseDistribution:
    if isinstance(param, FloatParam):
        return FloatDistribution(param.low, param.high, log=param.log)
    if isinstance(param, IntParam):
        return IntDistribution(param.low, param.high, log=param.log)
    if isinstance(param, OrdinalParam):
        return IntDistribution(0, len(param.values) - 1)
    return CategoricalDistribution(range(len(param.levels())))


def _position(param: Param, value: Value) -> int:
    """By position, because Optuna takes 1 and True for the same choice."""
    levels = param.values if isinstance(param, OrdinalParam) else param.levels()
    return next(i for i, own in enumerate(levels) if same(own, value))
