"""Every engine that ships keeps every promise of the contract."""

from __future__ import annotations

import pytest

from tuner.engine.base import Engine
from tuner.engine.optuna import sampler_names
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


class TestOptuna(EngineTestCase):
    past = 12  # TPE and GP draw at random until there are ten

    @pytest.fixture(params=sampler_names())
    def engine(self, request: pytest.FixtureRequest) -> Engine:
        return get_engine(f"optuna:{request.param}")


class TestGp(EngineTestCase):
    past = 10  # the model starts when the initial design is measured

    @pytest.fixture
    def engine(self) -> Engine:
        return get_engine("gp")


class TestAuto(EngineTestCase):
    past = 4  # in the initial design: what the model does is tested above

    @pytest.fixture
    def engine(self) -> Engine:
        return get_engine("auto")
