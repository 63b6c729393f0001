"""Bayesian-optimization autotuner for machine-learning systems.

Names are exported lazily, so that ``import tuner`` costs nothing until one of them is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuner.client.client import Client as Client
    from tuner.core.observation import Observation as Observation
    from tuner.optimizer import Optimizer as Optimizer
    from tuner.optimizer import Prior as Prior

__version__ = "0.1.0"

_EXPORTS = {
    "Client": "tuner.client.client",
    "Observation": "tuner.core.observation",
    "Optimizer": "tuner.optimizer",
    "Prior": "tuner.optimizer",
}

__all__ = ["Client", "Observation", "Optimizer", "Prior", "__version__"]


def __getattr__(name: str) -> object:
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
