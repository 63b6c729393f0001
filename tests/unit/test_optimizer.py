from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy
import pytest

from tuner import Observation, Optimizer, Prior
from tuner.core.errors import InvalidInput, NotFound, SpaceExhausted, WrongState
from tuner.core.trial import TrialState
from tuner.engine.base import Engine, Suggestion, SuggestRequest
from tuner.engine.random import RandomEngine

SPACE = {
    "threads": {"type": "int", "low": 1, "high": 4, "default": 2},
    "pinned": {"type": "bool", "default": False},
    "share": {"type": "float", "low": 0.25, "high": 1.0, "default": 1.0, "when": "pinned"},
}
LATENCY = [{"metric": "latency_ms", "goal": "minimize"}]
BOTH = [*LATENCY, {"metric": "score", "goal": "maximize"}]


class FrozenClock:
    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time


class RecordingEngine(RandomEngine):
    """Random search that keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[SuggestRequest] = []

    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        self.requests.append(request)
        return super().suggest(request)


def optimizer(engine: str | Engine = "random", objectives: Sequence[Mapping[str, object]] = LATENCY, **more):
    return Optimizer(SPACE, objectives, engine, **more)


def test_the_default_comes_first_and_once():
    subject = optimizer()
    first, second = subject.ask(2)
    assert first.config == {"threads": 2, "pinned": False}
    assert second.config != first.config
    assert [first.id, second.id] == ["1", "2"]


def test_everything_asked_is_different_while_nothing_is_told():
    subject = Optimizer({"threads": SPACE["threads"]}, LATENCY, "random")
    assert sorted(trial.config["threads"] for trial in [*subject.ask(), *subject.ask(9)]) == [1, 2, 3, 4]
    with pytest.raises(SpaceExhausted):
        subject.ask()


def test_a_space_of_one_point_is_its_default():
    subject = Optimizer({"x": {"type": "float", "low": 1, "high": 1, "default": 1}}, LATENCY)
    assert [trial.config for trial in subject.ask(3)] == [{"x": 1.0}]


@pytest.mark.parametrize("engine", ["random", "sobol", "optuna:tpe"])
def test_the_same_calls_with_the_same_seed_propose_the_same(engine):
    def play(seed: int) -> list[Mapping[str, object]]:
        subject = optimizer(engine, seed=seed)
        configs = []
        for turn in range(6):
            trial = subject.ask()[0]
            configs.append(trial.config)
            subject.tell(trial.id, {"latency_ms": float(turn)})
        return configs

    assert play(1) == play(1)
    assert play(1) != play(2)


def test_sobol_goes_on_with_one_sequence():
    together = [trial.config for trial in optimizer("sobol").ask(8)]
    subject = optimizer("sobol")
    assert [subject.ask()[0].config for _ in range(8)] == together


def test_the_engine_sees_what_was_told():
    engine = RecordingEngine()
    subject = optimizer(engine, BOTH, outcome_constraints=["accuracy >= 0.9"])
    one, two, three = subject.ask(3)
    noisy = Observation("latency_ms", 2.0, variance=0.5, n=4, unit="ms")
    subject.tell(one.id, {"latency_ms": noisy, "score": 1, "accuracy": numpy.float32(0.5)}, cost=3)
    subject.tell(two.id, failed="out of memory")
    subject.ask()
    request = engine.requests[-1]
    assert [trial.state for trial in request.completed] == [TrialState.COMPLETED, TrialState.FAILED]
    assert request.completed[0].observations["latency_ms"] == noisy
    assert request.completed[0].observations["accuracy"].mean == 0.5
    assert request.completed[0].cost == 3
    assert [trial.is_default for trial in request.completed] == [True, False]
    assert request.completed[1].cause is not None
    assert request.completed[1].cause.message == "out of memory"
    assert [dict(configuration) for configuration in request.pending] == [three.config]


def test_the_best_of_one_objective():
    subject = optimizer()
    assert subject.best() is None
    for trial, latency in zip(subject.ask(3), [5.0, 1.0, 3.0], strict=True):
        subject.tell(trial.id, {"latency_ms": latency})
    best = subject.best()
    assert best is not None
    assert (best.id, best.values) == ("2", {"latency_ms": 1.0})


def test_the_front_and_the_point_recommended():
    subject = optimizer(objectives=BOTH)
    told = [(4.0, 1.0), (2.0, 0.9), (1.0, 0.1), (5.0, 0.5), (2.0, 1.2)]
    for trial, (latency, score) in zip(subject.ask(5), told, strict=True):
        subject.tell(trial.id, {"latency_ms": latency, "score": score})
    assert [point.id for point in subject.front()] == ["3", "5"]
    best = subject.best()
    assert best is not None
    assert best.id == "5"


def test_what_breaks_a_constraint_is_never_the_best():
    subject = optimizer(outcome_constraints=["accuracy >= 0.9"])
    for trial, accuracy in zip(subject.ask(3), [0.95, 0.5, 0.92], strict=True):
        subject.tell(trial.id, {"latency_ms": accuracy, "accuracy": accuracy})
    assert [point.id for point in subject.front()] == ["3"]


def test_a_constraint_relative_to_the_default_waits_for_it():
    subject = optimizer(outcome_constraints=["accuracy >= 0.9 * default"])
    default, other = subject.ask(2)
    subject.tell(other.id, {"latency_ms": 1.0, "accuracy": 0.8})
    assert subject.best() is None
    subject.tell(default.id, {"latency_ms": 2.0, "accuracy": 0.88})
    best = subject.best()
    assert best is not None
    assert best.id == other.id


def test_a_failed_trial_is_no_result():
    subject = optimizer()
    subject.tell(subject.ask()[0].id, failed="crashed")
    assert subject.best() is None
    assert subject.front() == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "latency_ms"),
        ({"latency_ms": math.nan}, "latency_ms"),
        ({"latency_ms": math.inf}, "latency_ms"),
        ({"latency_ms": "fast"}, "latency_ms"),
        ({"latency_ms": True}, "latency_ms"),
        ({"latency_ms": None}, "latency_ms"),
        ({"latency_ms": Observation("energy_j", 1.0)}, "latency_ms"),
        ({"latency_ms": 1.0, "energy_j": 1.0}, "energy_j"),
    ],
)
def test_a_wrong_result_is_refused_and_leaves_no_trace(values, field):
    subject = optimizer()
    trial = subject.ask()[0]
    with pytest.raises(InvalidInput) as refused:
        subject.tell(trial.id, values)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert subject.best() is None
    subject.tell(trial.id, {"latency_ms": 1.0})


def test_all_that_is_wrong_is_said_at_once():
    subject = optimizer(objectives=BOTH)
    with pytest.raises(InvalidInput) as refused:
        subject.tell(subject.ask()[0].id, {"latency_ms": math.nan, "scor": 1.0})
    assert {problem.field for problem in refused.value.problems} == {"score", "latency_ms", "scor"}


@pytest.mark.parametrize("result", [{}, {"values": {"latency_ms": 1.0}, "failed": "crashed"}])
def test_a_result_or_a_reason_but_not_both(result):
    subject = optimizer()
    with pytest.raises(InvalidInput):
        subject.tell(subject.ask()[0].id, **result)


@pytest.mark.parametrize("cost", [-1.0, math.nan, math.inf, "1"])
def test_a_cost_is_a_duration(cost):
    subject = optimizer()
    with pytest.raises(InvalidInput):
        subject.tell(subject.ask()[0].id, {"latency_ms": 1.0}, cost=cost)


def test_telling_twice_is_refused_and_changes_nothing():
    subject = optimizer()
    trial = subject.ask()[0]
    subject.tell(trial.id, {"latency_ms": 1.0})
    for again in ({"values": {"latency_ms": 0.5}}, {"failed": "crashed"}):
        with pytest.raises(WrongState):
            subject.tell(trial.id, **again)
    best = subject.best()
    assert best is not None
    assert best.values == {"latency_ms": 1.0}
    with pytest.raises(WrongState):
        subject.report(trial.id, 0, {"latency_ms": 1.0})


def test_an_unknown_trial_is_named():
    subject = optimizer()
    subject.ask()
    for call in (
        lambda: subject.tell("7", {"latency_ms": 1.0}),
        lambda: subject.report("7", 0, {}),
        lambda: subject.curve("7"),
    ):
        with pytest.raises(NotFound, match="waiting to be told: 1"):
            call()


@pytest.mark.parametrize("n", [0, -1, 1.5, True, "2"])
def test_the_number_of_suggestions_is_checked(n):
    with pytest.raises(InvalidInput):
        optimizer().ask(n)


def test_the_curve_is_kept_and_nothing_is_stopped():
    clock = FrozenClock()
    subject = optimizer(clock=clock)
    trial = subject.ask()[0]
    clock.time += 2
    assert subject.report(trial.id, 0, {"loss": 0.5, "latency_ms": 3}) is True
    clock.time += 1
    assert subject.report(trial.id, 1, {"loss": 0.25}) is True
    points = [(point.step, point.elapsed, point.metric, point.value) for point in subject.curve(trial.id)]
    assert points == [(0, 2.0, "loss", 0.5), (0, 2.0, "latency_ms", 3.0), (1, 3.0, "loss", 0.25)]


@pytest.mark.parametrize(("step", "value"), [(0, math.nan), (0, math.inf), (-1, 1.0), (1.5, 1.0), (True, 1.0)])
def test_a_wrong_point_is_refused_whole(step, value):
    subject = optimizer()
    trial = subject.ask()[0]
    with pytest.raises(InvalidInput):
        subject.report(trial.id, step, {"fine": 1.0, "loss": value})
    assert subject.curve(trial.id) == ()


def test_an_engine_that_fails_leaves_no_trace():
    class Broken(RandomEngine):
        def suggest(self, request: SuggestRequest) -> list[Suggestion]:
            raise RuntimeError("broken")

    subject = optimizer(Broken())
    with pytest.raises(RuntimeError, match="broken"):
        subject.ask(2)
    assert subject.ask()[0].id == "1"


def test_what_the_engine_refuses_is_refused_at_once():
    with pytest.raises(InvalidInput, match="levels"):
        optimizer("grid", engine_options={"levels": 1})
    with pytest.raises(NotFound, match="no engine is called 'gpp'"):
        optimizer("gpp")
    with pytest.raises(InvalidInput):
        Optimizer({"x": {"type": "float", "low": 1, "high": 0, "default": 1}}, LATENCY)


def test_a_parameter_without_a_default_is_refused():
    with pytest.raises(InvalidInput, match="no 'default'"):
        Optimizer({"x": {"type": "float", "low": 0, "high": 1}}, LATENCY)
    with pytest.raises(InvalidInput, match="has no value"):
        Optimizer({"x": {"type": "float", "low": 0, "high": 1, "knob": "cgroup.cpu_quota"}}, LATENCY)


def test_priors_reach_the_engine():
    engine = RecordingEngine()
    elsewhere = {"width": {"type": "float", "low": 0, "high": 1, "default": 0.5}}
    priors = [
        Prior(elsewhere, "a board", [({"width": 0.25}, {"latency_ms": 3.0})]),
        ({"threads": 1, "pinned": False}, {"latency_ms": 2.0}),
    ]
    optimizer(engine, priors=priors).ask(2)
    other, same = engine.requests[0].priors
    assert (other.environment, dict(other.trials[0].configuration)) == ("a board", {"width": 0.25})
    assert same.space == engine.requests[0].space
    assert same.trials[0].observations["latency_ms"].mean == 2.0


@pytest.mark.parametrize(
    "prior",
    [
        ({"threads": 9, "pinned": False}, {"latency_ms": 1.0}),
        ({"threads": 1, "pinned": False}, {"latency_ms": math.nan}),
        ({"threads": 1, "pinned": False},),
        "a prior",
        None,
    ],
)
def test_a_wrong_prior_is_refused_with_its_place(prior):
    with pytest.raises(InvalidInput) as refused:
        optimizer(priors=[({"threads": 1, "pinned": False}, {"latency_ms": 1.0}), prior])
    assert "priors[1]" in str(refused.value)
