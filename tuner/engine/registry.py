"""Engines by name. Third parties register theirs under the entry-point group ``tuner.engines``."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points

from tuner.core.errors import NotFound
from tuner.engine.base import Engine

_BUILT_IN = {
    "auto": "tuner.engine.auto:AutoEngine",
    "random": "tuner.engine.random:RandomEngine",
    "sobol": "tuner.engine.sobol:SobolEngine",
    "grid": "tuner.engine.grid:GridEngine",
    "gp": "tuner.engine.gp:GpEngine",
}

OPTUNA_PREFIX = "optuna:"


def engine_names() -> list[str]:
    """Names that ``get_engine`` knows; ``optuna:NAME`` stands for each of Optuna's samplers that fit."""
    return [*_BUILT_IN, *(point.name for point in entry_points(group="tuner.engines")), OPTUNA_PREFIX + "tpe"]


def get_engine(name: str) -> Engine:
    """The engine called ``name``.

    Raises:
        NotFound: no engine is registered under it.
    """
    if name.startswith(OPTUNA_PREFIX):
        from tuner.engine.optuna import OptunaEngine

        sampler: Engine = OptunaEngine(name[len(OPTUNA_PREFIX) :])
        return sampler
    path = _BUILT_IN.get(name)
    if path is None:
        for point in entry_points(group="tuner.engines", name=name):
            return _checked(name, point.load()())
        raise NotFound(f"no engine is called {name!r}; there are {', '.join(engine_names())}")
    module, _, attribute = path.partition(":")
    return _checked(name, getattr(importlib.import_module(module), attribute)())


def _checked(name: str, engine: object) -> Engine:
    if not isinstance(engine, Engine):
        raise NotFound(f"what is registered as the engine {name!r} is no Engine but a {type(engine).__name__}")
    return engine
