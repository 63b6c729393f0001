"""Every engine that ships keeps every promise of the contract."""

from __future__ import annotations

import pytest

from tuner.engine.base import Engine
from tuner.engine.registry import get_engine
from tuner.testing.engine import EngineTestCase


class TestRandom(EngineTestCase):
    @pytest.fixture
    def engine(self) -> Engine:
        return get_engine("random")


class TestSobol(EngineTestCase):
    @pytest.fixture
    def engine(self) -> Engine:
        return get_engine("sobol")


class TestGrid(EngineTestCase):
    @pytest.fixture
    def engine(self) -> Engine:
        return get_engine("grid")
