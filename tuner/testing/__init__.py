"""Conformance suites that any store or engine can run, third parties' included. Names are exported lazily."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuner.testing.engine import EngineTestCase as EngineTestCase
    from tuner.testing.store import StoreTestCase as StoreTestCase

_EXPORTS = {"EngineTestCase": "tuner.testing.engine", "StoreTestCase": "tuner.testing.store"}

__all__ = ["EngineTestCase", "StoreTestCase"]


def __getattr__(name: str) -> object:
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
