"""The ``gp`` engine keeps every promise of an engine."""

import pytest

pytest.importorskip("botorch", reason="the gp engine needs the extra [server]")

from tuner.core.observation import Metric
from tuner.core.study import Objective
from tuner.engine.base import Engine, SuggestRequest
from tuner.engine.gp import GpEngine
from tuner.testing.engine import EngineTestCase
from tuner.testing.histories import HERE, HISTORIES, configurations
from tuner.testing.spaces import MIXED


class TestGpEngine(EngineTestCase):
    past = 8  # the model proposes once the initial design is measured

    @pytest.fixture
    def engine(self) -> Engine:
        return GpEngine()

    @pytest.mark.parametrize("name", HISTORIES)
    def test_the_model_copes_with_every_history(self, engine: Engine, name: str) -> None:
        """The eight that are pending end the initial design; the model must not need its fallback."""
        objectives = (Objective(Metric("latency_ms", "latency_ms")),)
        pending = tuple(configurations(MIXED, 8, seed=5))
        request = SuggestRequest(MIXED, objectives, (), tuple(HISTORIES[name](MIXED, self.past)), pending, HERE)
        assert {suggestion.note for suggestion in engine.suggest(request)} <= {"", "initial design"}
