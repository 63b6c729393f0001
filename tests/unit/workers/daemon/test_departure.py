"""Signals and the end of standard input ask to leave, once."""

import os
import signal
import subprocess
import sys
import threading

from tuner_workers.departure import Departure, departures

DEADLINE = 30.0


def test_a_signal_reaches_the_listener_while_the_main_thread_waits():
    left, reasons = threading.Event(), []
    before = signal.getsignal(signal.SIGTERM)
    with departures(until_stdin_closes=False) as departure:
        departure.listen(lambda reason: (reasons.append(reason), left.set()))
        os.kill(os.getpid(), signal.SIGTERM)
        assert left.wait(DEADLINE)
        os.kill(os.getpid(), signal.SIGINT)
    assert reasons == ["SIGTERM"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_who_listens_late_hears_it_too():
    departure, reasons = Departure(), []
    departure.ask("first")
    departure.ask("second")
    departure.listen(reasons.append)
    assert reasons == ["first"]


def test_the_end_of_standard_input():
    code = """
import threading
from tuner_workers.departure import departures
left = threading.Event()
with departures(until_stdin_closes=True) as departure:
    departure.listen(lambda reason: (print(reason), left.set()))
    left.wait()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], input="ignored\n", capture_output=True, text=True, timeout=DEADLINE
    )
    assert (done.returncode, done.stdout) == (0, "standard input was closed\n"), done.stderr
