"""A history: what was measured of each configuration, and what broke through its own fault."""

from __future__ import annotations

import pytest
from tuner_models.task import History, Task

from tuner.core.expression import parse
from tuner.core.observation import Metric, Observation
from tuner.core.param import BoolParam, IntParam
from tuner.core.space import Configuration, Space
from tuner.core.study import Goal, Objective, OutcomeConstraint
from tuner.core.trial import Cause, CauseKind, TrialState
from tuner.engine.base import Evaluated

SPACE = Space((BoolParam(name="on"), IntParam(name="n", low=1, high=9, when=parse("on"))))
TASK = Task(
    SPACE,
    (Objective(Metric("ms", "ms")), Objective(Metric("score", "score"), Goal.MAXIMIZE)),
    (
        OutcomeConstraint(Metric("joule", "joule"), "<=", parse("3")),
        OutcomeConstraint(Metric("score", "score"), "<=", parse("9")),
    ),
)
OFF = Configuration({"on": False})
FIVE = Configuration({"on": True, "n": 5})


def done(
    configuration: Configuration, ms: float, *, keys: tuple[str, ...] = ("ms", "score", "joule"), **fields: object
):
    observations = {key: Observation(key, ms) for key in keys}
    return Evaluated(configuration, TrialState.COMPLETED, observations, **fields)  # type: ignore[arg-type]


def test_signs_are_those_of_the_objectives_then_of_the_bounds():
    assert dict(TASK.signs) == {"ms": -1.0, "score": 1.0, "joule": -1.0}
    assert list(TASK.signs) == ["ms", "score", "joule"]


def test_replicates_are_pooled_in_the_order_of_first_measurement():
    history = History.of(TASK, [done(FIVE, 1.0), done(OFF, 7.0, is_default=True), done(FIVE, 3.0)])
    assert [entry.configuration for entry in history.entries] == [FIVE, OFF]
    assert history.entries[0].observations["ms"].mean == 2.0
    assert history.entries[0].observations["ms"].n == 2
    assert history.entries[0].valid == 2
    assert history.default == {"ms": 7.0, "score": 7.0, "joule": 7.0}


def test_replicates_too_far_apart_to_pool_are_spoken_for_by_the_middle_one():
    history = History.of(TASK, [done(FIVE, 1.7e308), done(FIVE, 2.0), done(FIVE, -1.7e308)])
    assert history.entries[0].observations["ms"].mean == 2.0


def test_a_completion_without_a_modelled_metric_ran_but_measured_nothing():
    history = History.of(TASK, [done(FIVE, 1.0, keys=("ms",))])
    assert history.measured == ()
    assert history.default == {}
    assert (history.entries[0].valid, history.entries[0].invalid) == (1, 0)


@pytest.mark.parametrize(
    ("state", "kind", "counts"),
    [
        (TrialState.FAILED, CauseKind.CRASHED, (0, 1)),
        (TrialState.FAILED, CauseKind.OUT_OF_MEMORY, (0, 1)),
        (TrialState.FAILED, None, (0, 1)),
        (TrialState.FAILED, CauseKind.LOST, (0, 0)),
        (TrialState.FAILED, CauseKind.UNAVAILABLE, (0, 0)),
        (TrialState.INFEASIBLE, CauseKind.REFUSED, (0, 1)),
        (TrialState.STOPPED, CauseKind.STOPPED, (1, 0)),
        (TrialState.CANCELLED, CauseKind.CANCELLED, (0, 0)),
    ],
)
def test_only_what_the_configuration_did_itself_counts_against_it(
    state: TrialState, kind: CauseKind | None, counts: tuple[int, int]
):
    trial = Evaluated(FIVE, state, cause=None if kind is None else Cause(kind))
    (entry,) = History.of(TASK, [trial]).entries
    assert (entry.valid, entry.invalid) == counts


@pytest.mark.parametrize("values", [{"on": True}, {"on": True, "n": 10}, {"on": False, "other": 1}, {"on": 1}])
def test_what_lies_outside_of_the_domain_is_left_out(values: dict):
    assert History.of(TASK, [done(Configuration(values), 1.0)]).entries == ()
