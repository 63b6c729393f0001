"""The learning curve of an attempt."""

import math
from itertools import pairwise

from tuner_workers.measurement.curve import LIMIT, METRICS, Curve


class StoppedClock:
    def __init__(self) -> None:
        self.time = 100.0

    def now(self):
        return self.time


def test_points_are_taken_once_in_rising_order():
    clock, told = StoppedClock(), []
    curve = Curve(clock, told.append)
    for step, at in ((0, 101.0), (1, 102.0), (0, 103.0), (1, 104.0), (2, 105.0)):  # a second run goes further
        clock.time = at
        curve.add(step, {"loss": 1.0 / (step + 1)})
    assert [(p.step, p.elapsed, p.metric) for p in told] == [(0, 1.0, "loss"), (1, 2.0, "loss"), (2, 5.0, "loss")]
    assert curve.points == tuple(told)


def test_metrics_have_steps_of_their_own():
    told = []
    curve = Curve(StoppedClock(), told.append)
    curve.add(5, {"loss": 1.0})
    curve.add(1, {"accuracy": 0.5})
    assert [(p.step, p.metric) for p in told] == [(5, "loss"), (1, "accuracy")]


def test_what_is_not_finite_is_left_out(caplog):
    told = []
    curve = Curve(StoppedClock(), told.append)
    curve.add(0, {"loss": math.nan, "accuracy": 0.5})
    curve.add(1, {"loss": math.inf})
    assert [p.metric for p in told] == ["accuracy"]
    assert len(caplog.records) == 1
    assert "loss is nan at step 0" in caplog.text


def test_a_long_curve_is_thinned_not_cut():
    curve = Curve(StoppedClock(), lambda point: None)
    for step in range(3 * LIMIT):
        curve.add(step, {"loss": 1.0})
    steps = [point.step for point in curve.points]
    assert len(steps) <= LIMIT
    assert steps[0] == 0
    assert steps[-1] > 2.9 * LIMIT
    assert steps == sorted(steps)


def test_every_metric_of_a_long_curve_keeps_its_points():
    curve = Curve(StoppedClock(), lambda point: None)
    for step in range(2 * LIMIT):
        curve.add(step, {"loss": 1.0, "accuracy": 0.5})
    of = {metric: [p.step for p in curve.points if p.metric == metric] for metric in ("loss", "accuracy")}
    assert of["loss"] == of["accuracy"]
    assert LIMIT // 4 <= len(of["loss"]) <= LIMIT // 2
    assert len({later - earlier for earlier, later in pairwise(of["loss"])}) == 1


def test_what_is_told_does_not_grow_with_the_steps():
    told = []
    curve = Curve(StoppedClock(), told.append)
    for step in range(64 * LIMIT):
        curve.add(step, {"loss": 1.0})
    assert len(told) <= 8 * LIMIT
    assert set(curve.points) <= set(told)


def test_metrics_without_number_have_no_curve(caplog):
    curve = Curve(StoppedClock(), lambda point: None)
    for number in range(100 * METRICS):
        curve.add(number, {f"m{number}": 1.0})
    assert len({point.metric for point in curve.points}) == METRICS
    assert len(caplog.records) == METRICS
