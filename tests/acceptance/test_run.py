"""``tuner run``: however it is ended, the device is as it was found and the same command goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import storm_verdict as verdict
from storm_device import Lab, lab
from storm_processes import environment, marked, poll, tuner
from storm_study import policy_text, study_text
from tuner_workers.paths import StateDirectory

from tuner.cli.home import Home

pytest.importorskip("sqlalchemy", reason="the server needs it")
pytestmark = [pytest.mark.timeout(600), pytest.mark.filterwarnings("default:only tested on:UserWarning")]

LIMIT = 120.0
TRIALS = 6


class Place:
    """Everything that one study needs; ``tuner run`` is started there again and again."""

    def __init__(self, folder: Path, lab: Lab) -> None:
        self.mark = str(folder)
        self.device = lab.devices[0]
        self.home = Home(folder / "home")
        self.state = StateDirectory(folder / "worker")
        self.ledger, self._log = folder / "ledger", folder / "run.log"
        policy, study = folder / "policy.yaml", folder / "study.yaml"
        policy.write_text(policy_text(lab, self.ledger))
        study.write_text(study_text(lab, trials=TRIALS, engine="sobol", seed=1))
        self._command = tuner("run", study, "--policy", policy, "--home", self.home.path)
        own = {"TUNER_WORKER_HOME": str(self.state.path), "TUNER_DEVICE_LOCK": str(folder / "device.lock")}
        self._environment = environment(self.mark, {**self.device.environment, **own})
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )

    def send(self, number: int) -> None:
        assert self._process is not None
        assert self._process.poll() is None, self.told
        self._process.send_signal(number)

    def wait(self) -> int:
        assert self._process is not None
        return self._process.wait(LIMIT)

    def wait_until(self, state: str) -> None:
        condition = STATES[state]
        signed = len(verdict.read_ledger(self.ledger))
        for _ in poll(f"not in the state {state!r}", LIMIT, pause=0.002):
            assert self._process is not None
            assert self._process.poll() is None, f"it has ended before {state}:\n{self.told}"
            if condition(self, signed):
                return

    @property
    def told(self) -> str:
        return self._log.read_text()

    def has_logged(self, process: str, text: str) -> bool:
        log = self.home.path / "logs" / f"{process}.log"
        return log.exists() and text in log.read_text()

    def left_behind(self) -> list[object]:
        """What is not as it was before."""
        processes = [f"{process.pid} {process.name()}" for process in marked(self.mark)]
        return [*self.device.changed(), *verdict.open_entries(self.state.journal), *processes]

    def close(self) -> None:
        """kill -9 of every process."""
        for process in marked(self.mark):
            process.kill()
        if self._process is not None:
            self._process.wait(LIMIT)


# Given the place, and how many runs were signed when the waiting began.
STATES: Mapping[str, Callable[[Place, int], bool]] = {
    "the server starts": lambda place, _: place.told != "" and len(marked(place.mark)) > 1,
    "the server is up": lambda place, _: any(place.home.path.glob("server-*.json")),
    "the worker has registered": lambda place, _: place.has_logged("worker", "registered as"),
    "a value is applied": lambda place, _: bool(place.device.changed()),
    "a run was signed": lambda place, signed: len(verdict.read_ledger(place.ledger)) > signed,
    "a result is in the spool": lambda place, _: any(place.state.spool.glob("*.result")),
    "the final check is under way": lambda place, _: place.has_logged("worker", ": confirm of"),
}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with lab(tmp_path) as found:
        if found.why_not is not None:
            warnings.warn(f"only tested on {found}", stacklevel=1)
        place = Place(tmp_path, found)
        yield place
        place.close()


def assert_whole(place: Place) -> None:
    """The one study has come to its end with every trial counted once, and nothing is left behind."""
    record, ledger = verdict.Record(place.home.store_url), verdict.read_ledger(place.ledger)
    assert [study.id for study in record.studies] == ["storm/1"]
    assert verdict.lost_trials(record) == []
    assert verdict.counted_twice(record, ledger) == []
    assert verdict.under_other_values(record) == []
    assert place.left_behind() == []
    assert list(place.state.spool.iterdir()) == []
    assert verdict.control_groups({entry.worker for entry in ledger}) == []


def test_ctrl_c_at_any_moment_leaves_the_device_as_it_was_and_the_same_command_goes_on(place: Place) -> None:
    *again_and_again, once = STATES
    random.Random(1).shuffle(again_and_again)
    for state in (*again_and_again, once):
        place.start()
        place.wait_until(state)
        place.send(signal.SIGINT)
        code = place.wait()
        assert (code, place.left_behind()) == (128 + signal.SIGINT, []), f"after {state}: {place.told}"
        assert "continues where it stopped" in place.told
    place.start()
    assert place.wait() == os.EX_OK, place.told
    assert "storm/1 continues after" in place.told
    assert_whole(place)


def test_kill_9_of_the_command_leaves_nothing_behind_and_the_same_command_goes_on(place: Place) -> None:
    for state in ("the server starts", "a value is applied"):
        place.start()
        place.wait_until(state)
        place.send(signal.SIGKILL)
        place.wait()
        for _ in poll(f"not everything has ended and been put back after {state}", LIMIT):
            if not place.left_behind():
                break
    place.start()
    place.wait_until("a value is applied")
    place.close()  # kill -9 of all there is, at once: nobody is left to put anything back
    place.start()
    assert place.wait() == os.EX_OK, place.told
    assert_whole(place)
