"""Engines by name. Third parties register theirs under the entry-point group ``tuner.engines``."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from importlib.util import find_spec

from tuner.core.errors import NotFound, Unavailable
from tuner.engine.base import Engine

ENTRY_POINTS = "tuner.engines"
OPTUNA_PREFIX = "optuna:"

_BUILT_IN = {
    "auto": "tuner.engine.auto:AutoEngine",
    "random": "tuner.engine.random:RandomEngine",
    "sobol": "tuner.engine.sobol:SobolEngine",
    "grid": "tuner.engine.grid:GridEngine",
    "full-factorial": "tuner.engine.grid:GridEngine",
    "gp": "tuner.engine.gp:GpEngine",
}
_NEEDS = {"sobol": ("scipy",), "gp": ("botorch", "scipy")}
"""Packages of the extra ``server`` that an engine imports when it is first asked."""


def engine_names() -> list[str]:
    """Names that ``get_engine`` knows: built in, Optuna's samplers, and those that are installed."""
    from tuner.engine.optuna import sampler_names

    samplers = [OPTUNA_PREFIX + name for name in sampler_names()]
    return [*_BUILT_IN, *samplers, *(point.name for point in entry_points(group=ENTRY_POINTS))]


def get_engine(name: str) -> Engine:
    """The engine called ``name``.

    Raises:
        NotFound: no engine is registered under it.
        Unavailable: a package that it needs is not installed.
    """
    if name.startswith(OPTUNA_PREFIX):
        from tuner.engine.optuna import OptunaEngine

        return OptunaEngine(name[len(OPTUNA_PREFIX) :])
    if path := _BUILT_IN.get(name):
        for package in _NEEDS.get(name, ()):
            if find_spec(package) is None:
                raise Unavailable(
                    f"the engine {name!r} needs the package {package!r}: pip install 'mlsys-tuner[server]'"
                )
        module, _, attribute = path.partition(":")
        return _checked(name, getattr(importlib.import_module(module), attribute)())
    for point in entry_points(group=ENTRY_POINTS, name=name):
        return _checked(name, point.load()())
    raise NotFound(f"no engine is called {name!r}; there are {', '.join(engine_names())}")


def _checked(name: str, engine: object) -> Engine:
    if not isinstance(engine, Engine):
        raise NotFound(f"what is registered as the engine {name!r} is no Engine but a {type(engine).__name__}")
    return engine
