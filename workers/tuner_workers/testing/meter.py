"""The promises of ``tuner_workers.meters.base``, as tests that any meter can run.

    class TestMyMeter(MeterTestCase):
        @pytest.fixture
        def meter(self) -> Meter:
            return MyMeter()

Where the meter's ``probe`` says that it is not available they are skipped, with its reason.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from tuner_workers.meters.base import Declared, Meter, Quantity

_WORK = "import sys\nfor _ in sys.stdin: print(sum(range(200_000)), flush=True)"


class Worker:
    """A process that works when it is told to."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-c", _WORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid
        self.work()  # it has started

    def work(self) -> None:
        """Some milliseconds of work; returns when it is done."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("work\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline()

    def end(self) -> None:
        """Let it end, and wait for it."""
        self._process.communicate()


class MeterTestCase:
    """Subclass it, and say which meter by the fixture ``meter``."""

    @pytest.fixture
    def meter(self) -> Meter:
        """The meter under test."""
        raise NotImplementedError(f"{type(self).__name__} lacks the fixture 'meter'")

    @pytest.fixture(autouse=True)
    def _available(self, meter: Meter) -> None:
        refusal = meter.probe()
        if refusal is not None:
            pytest.skip(f"{meter.name}: {refusal.reason}")

    @pytest.fixture
    def worker(self) -> Iterator[Worker]:
        """What is measured."""
        worker = Worker()
        yield worker
        worker.end()

    def test_it_reports_what_it_declares(self, meter: Meter, worker: Worker) -> None:
        declared = meter.declares()
        assert declared
        meter.start(worker.pid)
        worker.work()
        _check(declared, meter.stop())

    def test_nothing_happens_between_start_and_stop(self, meter: Meter, worker: Worker) -> None:
        declared = meter.declares()
        meter.start(worker.pid)
        _check(declared, meter.stop())

    def test_it_can_be_started_again(self, meter: Meter, worker: Worker) -> None:
        """And counts anew: much work before does not show in none after."""
        meter.start(worker.pid)
        for _ in range(20):
            worker.work()
        much = meter.stop()
        again = []
        for _ in range(5):
            meter.start(worker.pid)
            again.append(meter.stop())
            _check(meter.declares(), again[-1])
        for metric, quantity in much.items():
            if quantity.unit in ("s", "J"):
                assert min(little[metric].value for little in again) <= quantity.value, metric

    def test_a_process_that_ended_is_an_error_or_a_reading(self, meter: Meter) -> None:
        worker = Worker()
        meter.start(worker.pid)
        worker.end()
        try:
            reading = meter.stop()
        except OSError:
            return
        _check(meter.declares(), reading)

    def test_only_what_is_measured_is_called_so(self, meter: Meter) -> None:
        for declared in meter.declares().values():
            assert not ("modelled" in declared.method and "measured" in declared.method), declared.method


def _check(declared: Mapping[str, Declared], reading: Mapping[str, Quantity]) -> None:
    assert reading.keys() == declared.keys()
    for metric, quantity in reading.items():
        assert (quantity.unit, quantity.method) == (declared[metric].unit, declared[metric].method)
        assert math.isfinite(quantity.value), metric
        assert quantity.value >= 0 or quantity.unit != "J", metric
