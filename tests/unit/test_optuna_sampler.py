from __future__ import annotations

import math
import pickle
import threading

import pytest

optuna = pytest.importorskip("optuna")

from tuner.core.errors import InvalidInput, NotFound  # noqa: E402
from tuner.core.trial import TrialState  # noqa: E402
from tuner.engine.base import Suggestion, SuggestRequest  # noqa: E402
from tuner.engine.random import RandomEngine  # noqa: E402
from tuner.optuna import TunerSampler  # noqa: E402


@pytest.fixture(autouse=True)
def quiet():
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(verbosity)


class RecordingEngine(RandomEngine):
    """Random search that keeps what it was asked and what it answered."""

    def __init__(self) -> None:
        self.requests: list[SuggestRequest] = []
        self.answers: list[Suggestion] = []

    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        self.requests.append(request)
        answer = super().suggest(request)
        self.answers += answer
        return answer


def everything(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", -1, 1)
    rate = trial.suggest_float("rate", 1e-4, 1, log=True)
    step = trial.suggest_float("step", 0, 0.9, step=0.3)
    layers = trial.suggest_int("layers", 1, 9, step=4)
    units = trial.suggest_int("units", 1, 1024, log=True)
    kind = trial.suggest_categorical("kind", ["a", None, False, 2.5])
    only = trial.suggest_int("only", 3, 3)
    assert min(abs(step - own) for own in (0, 0.3, 0.6, 0.9)) < 1e-9
    assert layers in (1, 5, 9)
    assert isinstance(units, int)
    assert only == 3
    return x**2 + rate + step + layers + units + (kind == "a")


@pytest.mark.parametrize("engine", ["random", "sobol", "optuna:tpe", "gp"])
def test_every_kind_of_distribution(engine):
    study = optuna.create_study(sampler=TunerSampler(engine))
    study.optimize(everything, n_trials=6)
    assert [trial.state for trial in study.trials] == [optuna.trial.TrialState.COMPLETE] * 6


def test_what_the_engine_proposes_is_what_the_objective_gets():
    engine = RecordingEngine()
    study = optuna.create_study(sampler=TunerSampler(engine))
    study.optimize(everything, n_trials=8)
    assert len(engine.answers) == 7
    kinds = ["a", None, False, 2.5]
    for trial, answer in zip(study.trials[1:], engine.answers, strict=True):
        proposed = answer.configuration
        assert trial.params["x"] == proposed["x"]
        assert trial.params["units"] == proposed["units"]
        assert trial.params["step"] == pytest.approx(0.3 * proposed["step"])
        assert trial.params["layers"] == 1 + 4 * proposed["layers"]
        assert trial.params["kind"] is kinds[proposed["kind"]]
    # ... and comes back as what was measured, so nothing is proposed twice.
    measured = [trial.configuration for trial in engine.requests[-1].completed]
    assert measured[1:] == [answer.configuration for answer in engine.answers[:-1]]


def test_the_same_seed_gives_the_same_study():
    def play(seed: int) -> list[dict[str, object]]:
        study = optuna.create_study(sampler=TunerSampler("optuna:tpe", seed=seed))
        study.optimize(everything, n_trials=5)
        return [trial.params for trial in study.trials]

    assert play(1) == play(1)
    assert play(1) != play(2)


def test_directions_names_and_several_objectives():
    engine = RecordingEngine()
    study = optuna.create_study(sampler=TunerSampler(engine), directions=["maximize", "minimize"])
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        study.set_metric_names(["score", "latency"])
    study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 2.0), n_trials=3)
    request = engine.requests[-1]
    assert [(o.metric.key, o.goal.value) for o in request.objectives] == [
        ("score", "maximize"),
        ("latency", "minimize"),
    ]
    assert request.completed[0].observations["latency"].mean == 2.0


def test_the_states_of_trials():
    def objective(trial: optuna.Trial) -> float:
        trial.suggest_float("x", 0, 1)
        if trial.number == 1:
            raise optuna.TrialPruned
        if trial.number == 2:
            raise RuntimeError("crashed")
        return math.inf if trial.number == 3 else 1.0

    engine = RecordingEngine()
    study = optuna.create_study(sampler=TunerSampler(engine))
    study.optimize(objective, n_trials=5, catch=(RuntimeError,))
    states = [trial.state for trial in engine.requests[-1].completed]
    assert states == [TrialState.COMPLETED, TrialState.STOPPED, TrialState.FAILED, TrialState.FAILED]


def test_constraints_reach_the_engine():
    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        trial.set_constraint("memory", x - 0.5)
        return x

    engine = RecordingEngine()
    study = optuna.create_study(sampler=TunerSampler(engine))
    study.optimize(objective, n_trials=3)
    (constraint,) = engine.requests[-1].outcome_constraints
    for trial in engine.requests[-1].completed:
        observed = trial.observations[constraint.metric.key].mean
        assert constraint.margin(observed, None) == 0.5 - trial.configuration["x"]


def test_parameters_that_come_and_go_are_drawn_at_random():
    def objective(trial: optuna.Trial) -> float:
        trial.suggest_float("x", 0, 1)
        if trial.suggest_categorical("deep", [False, True]):
            trial.suggest_int("layers", 1, 100)
        trial.suggest_int("moving", 0, 10 + trial.number)
        return 1.0

    engine = RecordingEngine()
    study = optuna.create_study(sampler=TunerSampler(engine, seed=1))
    study.optimize(objective, n_trials=12)
    assert {trial.params["deep"] for trial in study.trials} == {False, True}
    assert [param.name for param in engine.requests[-1].space.params] == ["deep", "x"]


def test_a_space_without_anything_new_goes_on_at_random():
    study = optuna.create_study(sampler=TunerSampler("grid"))
    study.optimize(lambda trial: trial.suggest_int("x", 1, 3), n_trials=6)
    assert sorted(trial.params["x"] for trial in study.trials[:3]) == [1, 2, 3]
    assert len(study.trials) == 6


def test_nothing_to_choose():
    study = optuna.create_study(sampler=TunerSampler())
    study.optimize(lambda trial: float(trial.suggest_int("x", 2, 2)), n_trials=2)
    assert study.best_value == 2


def test_threads_never_get_the_same_proposal():
    together = threading.Barrier(4)

    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_int("x", 1, 9)
        if 1 <= trial.number <= 8:
            together.wait(timeout=60)  # four at a time hold a proposal that is not measured yet
        return float(x)

    study = optuna.create_study(sampler=TunerSampler("sobol"))
    study.optimize(objective, n_trials=1)
    study.optimize(objective, n_trials=8, n_jobs=4)
    assert sorted(trial.params["x"] for trial in study.trials) == list(range(1, 10))


def test_a_proposal_is_pending_before_the_objective_asks_for_it():
    engine = RecordingEngine()
    study = optuna.create_study(sampler=TunerSampler(engine))

    def ask() -> optuna.Trial:
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        return trial

    first = ask()
    first.suggest_float("y", 0, 1)
    study.tell(first, 1.0)
    halfway = ask()  # y is proposed, and not yet asked for
    ask()
    (pending,) = engine.requests[-1].pending
    assert dict(pending) == {"x": halfway.params["x"], "y": engine.answers[0].configuration["y"]}


def test_it_survives_pickling_and_a_restart(tmp_path):
    storage = f"sqlite:///{tmp_path / 'optuna.db'}"
    sampler = TunerSampler("sobol", seed=4)
    study = optuna.create_study(storage=storage, study_name="s", sampler=sampler)
    study.optimize(everything, n_trials=3)
    again = optuna.load_study(storage=storage, study_name="s", sampler=pickle.loads(pickle.dumps(sampler)))
    again.optimize(everything, n_trials=2)
    params = [tuple(trial.params.items()) for trial in again.trials]
    assert len(set(params)) == 5


def test_wrong_engines_and_options_are_refused():
    with pytest.raises(NotFound):
        TunerSampler("gpp")
    study = optuna.create_study(sampler=TunerSampler("grid", engine_options={"levels": 0}))
    with pytest.raises(InvalidInput, match="levels"):
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
