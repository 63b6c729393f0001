from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint

import pytest

from tuner.core.errors import NotFound, Unavailable, WrongState
from tuner.core.observation import Metric
from tuner.core.param import FloatParam, IntParam
from tuner.core.space import Configuration, Space
from tuner.core.study import Objective
from tuner.engine import registry
from tuner.engine.auto import COUNTED, AutoEngine, pick
from tuner.engine.base import Engine, Prediction, Predictor, Suggestion, SuggestRequest
from tuner.engine.random import RandomEngine
from tuner.engine.registry import engine_names, get_engine

OBJECTIVES = (Objective(Metric("latency_ms", "latency_ms")),)
HANDFUL = Space((IntParam(name="n", low=1, high=8),))
MORE = Space((IntParam(name="n", low=1, high=9),))


class Modelled(RandomEngine, Predictor):
    """Stands in for the Gaussian process: what it says is not what is tested."""

    name = "modelled"

    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        return [Suggestion(s.configuration, "initial design") for s in super().suggest(request)]

    def predict(
        self, request: SuggestRequest, configurations: Sequence[Configuration]
    ) -> list[Mapping[str, Prediction]]:
        return [{"latency_ms": Prediction(1.0, 0.5)} for _ in configurations]


def test_auto_measures_a_handful_one_by_one_and_models_more():
    assert pick(HANDFUL).name == "grid"
    assert pick(MORE).name == "gp"
    assert pick(Space((FloatParam(name="x", low=0.0, high=1.0),))).name == "gp"


def test_auto_does_not_walk_a_large_space_to_count_it(monkeypatch):
    large = Space((IntParam(name="n", low=1, high=COUNTED + 1),))
    monkeypatch.setattr(Space, "enumerate", lambda space: pytest.fail("it was walked"))
    assert pick(large).name == "gp"


def test_auto_says_what_it_picked(monkeypatch):
    monkeypatch.setitem(registry._BUILT_IN, "gp", f"{__name__}:Modelled")
    assert {s.note for s in AutoEngine().suggest(SuggestRequest(HANDFUL, OBJECTIVES, count=8))} == {"grid"}
    assert {s.note for s in AutoEngine().suggest(SuggestRequest(MORE, OBJECTIVES))} == {"modelled: initial design"}


def test_auto_hands_predictions_on(monkeypatch):
    monkeypatch.setitem(registry._BUILT_IN, "gp", f"{__name__}:Modelled")
    asked = [Configuration({"n": 1})]
    assert AutoEngine().predict(SuggestRequest(MORE, OBJECTIVES), asked) == [{"latency_ms": Prediction(1.0, 0.5)}]
    with pytest.raises(WrongState, match="'grid'"):
        AutoEngine().predict(SuggestRequest(HANDFUL, OBJECTIVES), asked)


def test_autos_options_are_those_of_what_it_picks():
    assert not AutoEngine().validate(HANDFUL, OBJECTIVES, {"levels": 3})
    assert AutoEngine().validate(MORE, OBJECTIVES, {"levels": 3})


def test_every_name_is_an_engine():
    for name in engine_names():
        assert isinstance(get_engine(name), Engine), name


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(NotFound, match=r"no engine is called 'tpe'; there are auto, .*optuna:tpe"):
        get_engine("tpe")


def installed(monkeypatch, value: str) -> None:
    point = EntryPoint("mine", value, registry.ENTRY_POINTS)

    def entry_points(*, group: str, name: str | None = None) -> list[EntryPoint]:
        return [point] if group == registry.ENTRY_POINTS and name in (None, "mine") else []

    monkeypatch.setattr(registry, "entry_points", entry_points)


def test_a_third_party_engine(monkeypatch):
    installed(monkeypatch, "tuner.engine.random:RandomEngine")
    assert "mine" in engine_names()
    assert isinstance(get_engine("mine"), RandomEngine)


def test_what_is_no_engine_is_refused(monkeypatch):
    installed(monkeypatch, "builtins:dict")
    with pytest.raises(NotFound, match="is no Engine but a dict"):
        get_engine("mine")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(registry._NEEDS, "gp", ("no_such_package",))
    with pytest.raises(Unavailable, match=r"'no_such_package'.*mlsys-tuner\[server\]"):
        get_engine("gp")
