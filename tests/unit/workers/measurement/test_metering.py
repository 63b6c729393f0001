"""Meters around a run. The meters are made up: what matters here is when they are started and stopped."""

import pytest
from tuner_workers.measurement.bench import _metered
from tuner_workers.meters.base import Declared, Meter, Quantity
from tuner_workers.workloads.base import WorkloadError


class MadeUp(Meter):
    def __init__(self, name, log, metrics=("m",), fails="") -> None:
        self.name, self.log, self.metrics, self.fails = name, log, metrics, fails

    def probe(self):
        return None

    def declares(self):
        return {metric: Declared("1", self.name) for metric in self.metrics}

    def start(self, pid):
        self._note("start")

    def stop(self):
        self._note("stop")
        return {metric: Quantity(1.0, "1", self.name) for metric in self.metrics}

    def _note(self, what):
        self.log.append(f"{what} {self.name}")
        if self.fails == what:
            raise OSError(5, "Input/output error")


def test_the_first_meter_is_innermost_and_its_reading_stands():
    log = []
    meters = {name: MadeUp(name, log, metrics) for name, metrics in (("wall", ("a",)), ("cpu", ("a", "b")))}
    with _metered(meters, 1) as readings:
        log.append("run")
    assert log == ["start cpu", "start wall", "run", "stop wall", "stop cpu"]
    assert {metric: quantity.method for metric, quantity in readings.items()} == {"a": "wall", "b": "cpu"}


@pytest.mark.parametrize(
    ("fails", "expected"),
    [
        ("start", ["start c", "start b", "stop c"]),
        ("stop", ["start c", "start b", "start a", "run", "stop a", "stop b", "stop c"]),
    ],
)
def test_a_meter_that_fails_is_named_and_the_others_are_stopped(fails, expected):
    log = []
    meters = {name: MadeUp(name, log, fails=fails if name == "b" else "") for name in "abc"}
    with (
        pytest.raises(WorkloadError, match=r"meter b cannot be read: .*Input/output error") as caught,
        _metered(meters, 1),
    ):
        log.append("run")
    assert caught.value.kind == "unavailable"
    assert log == expected


def test_a_run_that_fails_stops_the_meters():
    log = []
    with pytest.raises(WorkloadError, match="crashed"), _metered({"a": MadeUp("a", log)}, 1):
        raise WorkloadError("crashed", "")
    assert log == ["start a", "stop a"]
