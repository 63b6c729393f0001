from __future__ import annotations

import logging
import sys
from dataclasses import replace

import pytest

optuna = pytest.importorskip("optuna")

from tuner.core.errors import InvalidInput, NotFound, Unavailable  # noqa: E402
from tuner.core.expression import parse  # noqa: E402
from tuner.core.observation import Metric, Observation  # noqa: E402
from tuner.core.param import FloatParam  # noqa: E402
from tuner.core.space import Configuration, Space  # noqa: E402
from tuner.core.study import Objective, OutcomeConstraint  # noqa: E402
from tuner.core.trial import TrialState  # noqa: E402
from tuner.engine.base import Evaluated, SuggestRequest  # noqa: E402
from tuner.engine.optuna import OptunaEngine, _rebuilt  # noqa: E402
from tuner.engine.optuna_codec import draw, encode  # noqa: E402
from tuner.testing.spaces import SPACES  # noqa: E402

LATENCY = Objective(Metric("latency_ms", "latency_ms"))
ACCURACY = Metric("accuracy", "accuracy")
SQUARE = Space((FloatParam(name="x", low=-1.0, high=1.0),))


def evaluated(x: float, state: TrialState = TrialState.COMPLETED, default: bool = False, **values: float) -> Evaluated:
    observations = {key: Observation(key, value) for key, value in values.items()}
    return Evaluated(Configuration({"x": x}), state, observations, is_default=default)


@pytest.mark.parametrize("name", SPACES)
def test_what_is_drawn_is_encoded_as_it_was_asked_for(name):
    space = SPACES[name]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(20):
        trial = study.ask()
        values = draw(space, trial)
        assert encode(space, values) == (trial.params, trial.distributions)
        study.tell(trial, 1.0)  # Optuna checks here that a name never changes its distribution


@pytest.mark.parametrize("values", [{"x": 2.0}, {"y": 0.0}, {"x": "a"}])
def test_what_is_not_of_the_space_is_not_encoded(values):
    with pytest.raises(ValueError, match=r"x|y|number"):
        encode(SQUARE, values)


def test_a_request_is_rebuilt_as_the_study_that_led_to_it():
    request = SuggestRequest(
        SQUARE,
        (LATENCY,),
        (
            OutcomeConstraint(ACCURACY, ">=", parse("0.5 * default")),
            OutcomeConstraint(LATENCY.metric, "<=", parse("2")),
        ),
        completed=(
            evaluated(0.1, latency_ms=1.0, accuracy=0.25),
            evaluated(0.2, default=True, latency_ms=1e300, accuracy=1.0),
            evaluated(0.3, TrialState.FAILED),
            evaluated(0.4, TrialState.INFEASIBLE),
            evaluated(0.5, TrialState.STOPPED, latency_ms=3.0),
            evaluated(0.6, accuracy=1.0),
            evaluated(7.0, latency_ms=1.0),
            replace(evaluated(0.7, latency_ms=1.0), environment="elsewhere"),
        ),
        pending=(Configuration({"x": 0.8}),),
    )
    study = _rebuilt(request, optuna.samplers.RandomSampler())
    states = {trial.params["x"]: trial.state.name for trial in study.trials}
    assert states == {
        0.1: "COMPLETE",
        0.2: "COMPLETE",
        0.3: "FAIL",
        0.4: "FAIL",
        0.5: "PRUNED",
        0.6: "FAIL",
        0.8: "RUNNING",
    }
    assert list(study.trials[0].constraints.values()) == [0.25, -1.0]
    assert list(study.trials[1].constraints.values()) == [-0.5, 1e100]
    assert study.trials[1].value == 1e100


def test_a_relative_constraint_is_kept_while_the_default_is_not_measured():
    request = SuggestRequest(
        SQUARE,
        (LATENCY,),
        (OutcomeConstraint(ACCURACY, ">=", parse("0.5 * default")),),
        completed=(evaluated(0.1, latency_ms=1.0, accuracy=0.25),),
    )
    study = _rebuilt(request, optuna.samplers.RandomSampler())
    assert list(study.trials[0].constraints.values()) == [0.0]


def test_a_genetic_sampler_breeds_from_what_was_measured():
    """Without the note to which generation a trial belongs it would draw at random for ever."""
    names = ["a", "b", "c", "d"]
    space = Space(tuple(FloatParam(name=name, low=-1.0, high=1.0) for name in names))
    near = [Configuration(dict.fromkeys(names, 0.5 + i / 1000)) for i in range(20)]
    past = tuple(replace(evaluated(0.0, latency_ms=1.0), configuration=configuration) for configuration in near)
    request = SuggestRequest(space, (LATENCY,), completed=past, count=20, options={"population_size": 10})
    for sampler in ("nsgaii", "nsgaiii"):
        children = [s.configuration for s in OptunaEngine(sampler).suggest(request)]
        inherited = sum(0.4 < child[name] < 0.6 for child in children for name in names)
        assert inherited > 40, f"{sampler}: of 80 values a tenth would be near by chance"


@pytest.mark.parametrize("name", ["tpe", "gp"])
def test_a_model_finds_a_better_place_than_chance(name):
    past = tuple(evaluated(i / 10 - 0.95, latency_ms=(i / 10 - 0.95 - 0.3) ** 2) for i in range(20))
    suggestions = OptunaEngine(name).suggest(SuggestRequest(SQUARE, (LATENCY,), completed=past, count=3))
    assert sum(abs(s.configuration["x"] - 0.3) < 0.3 for s in suggestions) >= 2


def test_an_infeasible_region_is_left():
    past = tuple(evaluated(i / 10 - 0.95, latency_ms=-(i / 10), accuracy=1.0 if i < 10 else 0.0) for i in range(20))
    request = SuggestRequest(
        SQUARE, (LATENCY,), (OutcomeConstraint(ACCURACY, ">=", parse("0.5")),), completed=past, count=8
    )
    left = [s.configuration["x"] <= 0.1 for s in OptunaEngine("tpe").suggest(request)]
    right = [s.configuration["x"] > 0.1 for s in OptunaEngine("tpe").suggest(replace(request, outcome_constraints=()))]
    assert sum(left) >= 6
    assert sum(right) >= 6


def test_what_cannot_be_proposed_is_drawn_at_random_and_says_so():
    rare = replace(SQUARE, constraints=(parse("x > 0.9995"),))
    suggestions = OptunaEngine("tpe").suggest(SuggestRequest(rare, (LATENCY,), count=2))
    assert all(s.configuration["x"] > 0.9995 for s in suggestions)
    assert any("optuna:tpe proposed nothing valid and new in 50 tries" in s.note for s in suggestions)


def test_qmc_walks_one_sequence():
    request = SuggestRequest(SQUARE, (LATENCY,), count=8, seed=2)
    engine = OptunaEngine("qmc")
    first = evaluated(0.0, latency_ms=1.0)
    together = [s.configuration for s in engine.suggest(replace(request, completed=(first,)))]
    past = [first]
    for _ in range(8):
        (next_one,) = engine.suggest(replace(request, completed=tuple(past), count=1))
        past.append(Evaluated(next_one.configuration, TrialState.COMPLETED, first.observations))
    assert [trial.configuration for trial in past[1:]] == together


@pytest.mark.parametrize(
    ("sampler", "options", "field"),
    [
        ("tpe", {"seed": 3}, "engine.options.seed"),
        ("tpe", {"constant_liar": False}, "engine.options.constant_liar"),
        ("tpe", {"gamma": 3}, "engine.options.gamma"),
        ("nsgaii", {"population_size": 1}, "engine.options"),
        ("random", {"n_startup_trials": 3}, "engine.options.n_startup_trials"),
    ],
)
def test_wrong_options_are_refused(sampler, options, field):
    with pytest.raises(InvalidInput) as refused:
        OptunaEngine(sampler).suggest(SuggestRequest(SQUARE, (LATENCY,), options=options))
    assert [problem.field for problem in refused.value.problems] == [field]


def test_the_samplers_own_options_are_taken():
    assert not OptunaEngine("tpe").validate(SQUARE, (LATENCY,), {"n_startup_trials": 3, "group": False})


@pytest.mark.parametrize("name", ["cmaes", "grid", "bruteforce", "tp"])
def test_a_sampler_that_does_not_fit_is_refused_with_the_reason(name):
    with pytest.raises(NotFound, match=r"use 'gp'|use 'grid'|there are tpe"):
        OptunaEngine(name)


def test_without_optuna_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(Unavailable, match=r"mlsys-tuner\[server\]"):
        OptunaEngine("tpe").suggest(SuggestRequest(SQUARE, (LATENCY,)))


def test_optunas_log_is_left_as_it_was(capsys):
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.INFO)
    try:
        OptunaEngine("tpe").suggest(SuggestRequest(SQUARE, (LATENCY,)))
        assert optuna.logging.get_verbosity() == logging.INFO
    finally:
        optuna.logging.set_verbosity(before)
    assert capsys.readouterr().err == ""
