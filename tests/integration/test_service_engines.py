"""Engines that fail, each in its way, in the engine's own process."""

from __future__ import annotations

import os
import signal

import psutil
import pytest
from service_server import Line, ServerThread, study, write_engine_plugin
from tuner_protos.v1 import data_pb2

ENDED = data_pb2.STUDY_STATE_COMPLETED


@pytest.fixture
def start():
    """Starts servers of the test's own."""
    started = []

    def starter(**options):
        running = ServerThread(**options)
        started.append(running)
        return Line(running.address)

    yield starter
    for running in started:
        running.stop()


BROKEN = """
import math, os, time
from tuner.core.space import Configuration
from tuner.engine.base import Engine, Suggestion

class Base(Engine):
    def suggest(self, request):
        return self.answer(request)

class Raises(Base):
    name = "raises"
    def answer(self, request):
        raise ValueError("boom")

class Empty(Base):
    name = "empty"
    def answer(self, request):
        return []

class Nothing(Base):
    name = "nothing"
    def answer(self, request):
        return None

class Outside(Base):
    name = "outside"
    def answer(self, request):
        return [Suggestion(Configuration({"threads": 99, "share": 0.5}))]

class Foretells(Base):
    name = "foretells"
    def answer(self, request):
        return [Suggestion(Configuration({"threads": 2, "share": 0.5}), "", {"ms": (math.nan, 1.0)})]

class Dies(Base):
    name = "dies"
    def answer(self, request):
        os._exit(3)

class Exits(Base):
    name = "exits"
    def answer(self, request):
        raise SystemExit(3)

class Hangs(Base):
    name = "hangs"
    def answer(self, request):
        while not os.path.exists(os.environ["BROKEN_RELEASE"]):
            time.sleep(0.02)
        raise ValueError("released")
"""
REASONS = {
    "raises": "boom",
    "empty": "suggested nothing",
    "nothing": "suggested nothing",
    "outside": "threads",
    "foretells": "nan",
    "dies": "process ended",
    "exits": "process ended",
    "hangs": "took more than",
}


def test_an_engine_that_fails_is_stood_in_for_by_sobol_and_the_trial_says_so(start, tmp_path, monkeypatch):
    plugin = tmp_path / "plugin"
    plugin.mkdir()
    write_engine_plugin(plugin, BROKEN, list(REASONS))
    monkeypatch.syspath_prepend(str(plugin))  # the engine's process is started with this process's path
    monkeypatch.setenv("BROKEN_RELEASE", str(tmp_path / "release"))
    line = start(patience=2.0)
    for engine, reason in REASONS.items():
        line.create(study(engine, trials=2, engine=engine))
        for request in range(3):
            [asked] = line.suggest(engine, str(request))
            line.complete(asked.token, 1.0)
        explored = line.all_trials(engine)[1:]
        assert [trial.engine for trial in explored] == ["sobol", "sobol"]
        for trial in explored:
            assert trial.note.startswith("fallback: ")
            assert reason in trial.note, trial.note
        assert line.study(engine).state == ENDED
    (tmp_path / "release").touch()


def test_the_engines_process_may_be_killed_at_any_moment(start):
    line = start()
    line.create(study("killed", trials=6))
    for request in range(7):
        for child in psutil.Process().children():
            if "multiprocessing" in " ".join(child.cmdline()) and "spawn_main" in " ".join(child.cmdline()):
                os.kill(child.pid, signal.SIGKILL)
        [asked] = line.suggest("killed", str(request))
        line.complete(asked.token, 1.0)
    assert line.study("killed").progress.counted == 6
