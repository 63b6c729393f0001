"""The adapter between a request and the models: fallbacks, notes, predictions, and that it leaves no trace."""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import replace

import pytest

pytest.importorskip("botorch", reason="the gp engine needs the extra [server]")

import torch
from linear_operator.utils.errors import NotPSDError
from tuner_models.belief import Belief

from tuner.core.errors import InvalidInput, WrongState
from tuner.core.observation import Metric, Observation
from tuner.core.param import FloatParam
from tuner.core.space import Configuration, Space
from tuner.core.study import Goal, Objective
from tuner.core.trial import TrialState
from tuner.engine.base import Evaluated, SuggestRequest
from tuner.engine.gp import GpEngine

SPACE = Space((FloatParam(name="x", low=0.0, high=1.0), FloatParam(name="y", low=0.0, high=1.0)))
POINTS = [(0.1, 0.2), (0.9, 0.4), (0.5, 0.5), (0.3, 0.9), (0.7, 0.1), (0.6, 0.8)]


def request(points: int = 6, **fields: object) -> SuggestRequest:
    completed = tuple(
        Evaluated(
            Configuration({"x": x, "y": y}), TrialState.COMPLETED, {"rate": Observation("rate", 100 * (1 + x - y * y))}
        )
        for x, y in POINTS[:points]
    )
    made = SuggestRequest(SPACE, (Objective(Metric("rate", "rate"), Goal.MAXIMIZE),), completed=completed)
    return replace(made, **fields)  # type: ignore[arg-type]


def test_the_model_proposes_once_the_design_is_measured_and_says_what_it_expects():
    assert [s.note for s in GpEngine().suggest(request(4))] == ["initial design"]
    (suggestion,) = GpEngine().suggest(request())
    mean, deviation = suggestion.predicted["rate"]
    assert suggestion.note == ""
    assert 150 < mean < 250  # the best there is: 200
    assert 0 < deviation < 50


def test_a_batch_completes_the_design_and_goes_on_with_the_model():
    notes = [s.note for s in GpEngine().suggest(request(4, count=3))]
    assert notes == ["initial design", "", ""]


def test_pending_configurations_count_for_the_design():
    pending = tuple(Configuration({"x": 0.01 * i, "y": 0.5}) for i in range(3))
    assert GpEngine().suggest(request(2, pending=pending))[0].note == ""
    assert GpEngine().suggest(request(1, pending=pending * 5))[0].note == "initial design"


def test_predictions_are_in_the_objectives_unit():
    asked = [Configuration({"x": 0.5, "y": 0.5}), Configuration({"x": 0.9, "y": 0.4})]
    middle, measured = GpEngine().predict(request(), asked)
    assert middle["rate"].mean == pytest.approx(125, rel=0.05)
    assert measured["rate"].mean == pytest.approx(174, rel=0.05)


def test_where_the_numerics_fail_it_falls_back_and_says_so(monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise NotPSDError("not positive definite")

    monkeypatch.setattr(Belief, "__init__", fail)
    (suggestion,) = GpEngine().suggest(request())
    assert suggestion.note == "fallback: NotPSDError: not positive definite"
    assert SPACE.configuration(suggestion.configuration) == suggestion.configuration
    with pytest.raises(WrongState, match="not positive definite"):
        GpEngine().predict(request(), [suggestion.configuration])


def test_an_error_in_the_code_is_no_reason_to_fall_back(monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise TypeError("a mistake")

    monkeypatch.setattr(Belief, "__init__", fail)
    with pytest.raises(TypeError):
        GpEngine().suggest(request())


def test_it_leaves_the_process_as_it_was():
    threads, state, filters = torch.get_num_threads(), torch.random.get_rng_state(), list(warnings.filters)
    GpEngine(threads=threads + 1).suggest(request())
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)
    assert list(warnings.filters) == filters
    assert torch.get_default_dtype() == torch.float32


def test_torch_is_loaded_when_it_is_needed():
    code = "import sys, tuner.engine.gp as gp; gp.GpEngine(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("count", [0, 5])
def test_too_few_or_too_many_objectives_are_refused(count: int):
    objectives = tuple(Objective(Metric(f"m{i}", f"m{i}")) for i in range(count))
    with pytest.raises(InvalidInput, match="1 to 4"):
        GpEngine().suggest(request(objectives=objectives))
