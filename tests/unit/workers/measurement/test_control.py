"""Requests reach whatever child runs, at whatever moment they come."""

import threading

import pytest
from tuner_workers.measurement.control import Cancelled, Control, Stopped

DEADLINE = 30.0


class Child:
    """Stands in for a child process: only that it was asked matters here."""

    def __init__(self) -> None:
        self.asked = []
        self.killed = threading.Event()

    def stop(self):
        self.asked.append("stop")

    def kill(self):
        self.asked.append("kill")
        self.killed.set()


def test_nothing_asked_nothing_happens():
    control, child = Control(), Child()
    with control.over(child, gentle=True):
        control.check()
    assert child.asked == []


def test_a_run_is_asked_first_and_killed_after_the_grace():
    control, child = Control(grace=0.01), Child()
    with control.over(child, gentle=True):
        control.stop()
        control.stop()
        assert child.killed.wait(DEADLINE)
    assert child.asked == ["stop", "kill"]
    with pytest.raises(Stopped):
        control.check()


def test_a_run_that_ends_in_time_is_not_killed():
    control, child = Control(grace=DEADLINE), Child()
    with control.over(child, gentle=True):
        control.stop()
    assert child.asked == ["stop"]


def test_loading_is_killed_at_once():
    control, child = Control(), Child()
    with control.over(child, gentle=False):
        control.stop()
    assert child.asked == ["kill"]


def test_a_request_between_two_children_ends_the_next():
    control, child = Control(), Child()
    control.cancel()
    with control.over(child, gentle=True):
        pass
    assert child.asked == ["kill"]


def test_cancel_overrides_stop():
    control, child = Control(grace=DEADLINE), Child()
    with control.over(child, gentle=True):
        control.stop()
        control.cancel()
    assert child.asked == ["stop", "kill"]
    with pytest.raises(Cancelled):
        control.check()


def test_settling_ends_when_somebody_asks():
    control = Control()
    threading.Timer(0.01, control.cancel).start()
    with pytest.raises(Cancelled):
        control.wait(DEADLINE)
    Control().wait(0.0)
