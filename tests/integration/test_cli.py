"""The ``tuner`` command end to end, in processes, on a table of past measurements."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

STUDY = """
name: größe
workload:
  kind: replay
  data: table
  parameters: {{threads: threads, width: width}}
  metrics: {{latency_ms: {{column: latency, unit: ms}}, energy_j: {{column: energy, unit: J}}}}
space:
  threads: {{type: int, low: 1, high: 8, default: 1}}
  width: {{type: ordinal, values: [1, 2, 4, 8], default: 8}}
objectives: [{{metric: latency_ms, goal: minimize}}]
budget: {{trials: {trials}}}
measurement: {{warmup: 0, runs: 1, replicates: 0, blocks: 5}}
engine: random
seed: 3
"""
EXTERNAL = """
name: told
workload: {kind: external}
space:
  threads: {type: int, low: 1, high: 4, default: 1}
objectives: [{metric: latency_ms, goal: minimize}]
budget: {trials: 3}
engine: random
"""
LIMIT = 120.0


class Place:
    """A directory with everything that a run needs, apart from every other worker and store on this machine."""

    def __init__(self, path: Path, trials: int = 3) -> None:
        self.home = path / "home"
        self.study, self.policy = path / "study.yaml", path / "policy.yaml"
        self.study.write_text(STUDY.format(trials=trials))
        self.policy.write_text("workloads: [replay]\ndata: {table: table.csv}\n")
        rows = [f"{t},{w},{20 / t + w},{3 * t + w}" for t, w in itertools.product(range(1, 9), (1, 2, 4, 8))]
        (path / "table.csv").write_text("\n".join(["threads,width,latency,energy", *rows]) + "\n")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TUNER_")},
            "TUNER_HOME": str(self.home),
            "TUNER_WORKER_HOME": str(path / "worker"),
            "TUNER_DEVICE_LOCK": str(path / "device.lock"),
        }

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tuner.cli.main", *map(str, arguments)]
        return subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def tuner(self, *arguments: object, code: int = 0) -> str:
        process = self.start(*arguments)
        out, _ = process.communicate(timeout=LIMIT)
        assert process.returncode == code, out
        return out

    def read(self, *arguments: object) -> object:
        return json.loads(self.tuner(*arguments, "--home", self.home, "--json"))

    def run(self) -> subprocess.Popen[str]:
        return self.start("run", self.study, "--policy", self.policy)

    def living(self) -> list[int]:
        """Processes that were started, directly or not, for this place: its name is in their environment."""
        mark = f"TUNER_HOME={self.home}".encode()
        found = []
        for environment in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in environment.read_bytes().split(b"\0"):
                    found.append(int(environment.parent.name))
            except OSError:
                # It ended meanwhile, or is somebody else's.
                continue
        return found


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    for pid in place.living():
        os.kill(pid, signal.SIGKILL)


def until(condition):
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def read_until(process, text):
    """Read what a process prints until a line holds ``text``."""
    told = ""
    for line in process.stdout:
        told += line
        if text in line:
            return told
    raise AssertionError(f"it ended before it said {text!r}:\n{told}")


def test_run_tunes_checks_its_answer_and_keeps_it(place):
    process = place.run()
    out, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, out
    assert "[3/3] trial 4 explore completed: latency_ms" in out
    assert "Final check: both measured again, interleaved, 5 blocks" in out
    assert "The recommended configuration is better than the default." in out
    assert "tuner show größe" in out
    assert place.living() == []

    shown = place.read("show", "größe")
    assert shown["state"] == "completed"
    (check,) = shown["check"]
    assert (check["metric"], check["n"], check["default"], check["verdict"]) == ("latency_ms", 5, 28.0, "better")
    (optimal,) = shown["optimal"]
    values = optimal["recommended"]["configuration"]
    assert check["recommended"] == pytest.approx(20 / values["threads"] + values["width"])
    assert check["ratio"] == pytest.approx(check["recommended"] / 28.0)
    assert optimal["recommended"]["observations"]["latency_ms"]["unit"] == "ms"
    assert place.living() == []


def test_whatever_stops_a_run_it_goes_on_where_it_stopped_and_leaves_nothing_behind(tmp_path):
    place = Place(tmp_path, trials=31)
    interrupted = place.run()
    read_until(interrupted, "trial 2 explore completed")
    interrupted.send_signal(signal.SIGINT)
    rest, _ = interrupted.communicate(timeout=LIMIT)
    assert interrupted.returncode == 130
    assert f"tuner run {place.study} --policy {place.policy}` continues where it stopped" in rest
    assert place.living() == []

    killed = place.run()
    told = read_until(killed, "explore completed")
    assert "continues after 1 trials" in told or "continues after 2 trials" in told
    assert "trial 1 " not in told
    killed.kill()
    killed.communicate(timeout=LIMIT)
    until(lambda: place.living() == [])

    ended = place.run()
    read_until(ended, "explore completed")
    ended.send_signal(signal.SIGTERM)
    ended.send_signal(signal.SIGTERM)
    ended.communicate(timeout=LIMIT)
    assert ended.returncode == 143
    assert place.living() == []

    trials = place.read("trials", "größe")
    completed = [trial for trial in trials if trial["state"] == "completed"]
    assert len(completed) >= 4
    assert [trial["purpose"] for trial in trials].count("default") == 1
    configurations = [tuple(sorted(trial["configuration"].items())) for trial in trials]
    assert len(set(configurations)) == len(configurations)
    assert place.tuner("pause", "größe", "--home", place.home, "--reason", "enough").startswith("größe/1 is paused")


def test_a_study_that_this_device_cannot_measure_is_refused_with_the_reason(place):
    place.study.write_text(
        place.study.read_text().replace("kind: replay", "kind: command").replace("  data", "  command")
    )
    out = place.tuner("run", place.study, "--policy", place.policy, code=2)
    assert "command" in out
    assert place.living() == []


def test_a_server_apart(place, tmp_path):
    announced = tmp_path / "server.json"
    server = place.start("serve", "--port", 0, "--announce", announced)
    until(announced.exists)
    at = ("--server", json.loads(announced.read_text())["address"])
    study = tmp_path / "told.yaml"
    study.write_text(EXTERNAL)

    assert "told/1 submitted" in place.tuner("submit", study, *at)
    assert "told/1 goes on" in place.tuner("submit", study, *at)
    study.write_text(EXTERNAL.replace("trials: 3", "trials: 4"))
    different = place.tuner("submit", study, *at, code=1)
    assert "budget" in different
    study.write_text(EXTERNAL.replace("high: 4", "high: 0"))
    assert f"{study}:5: space.threads" in place.tuner("submit", study, *at, code=2)

    assert "told/1" in place.tuner("list", *at)
    assert "no trials yet" in place.tuner("trials", "told", *at)
    assert "nothing" in place.tuner("show", "told", *at).lower()
    assert "no study is called" in place.tuner("show", "other", *at, code=1)
    place.tuner("pause", "told", *at)
    assert json.loads(place.tuner("show", "told", *at, "--json"))["state"] == "paused"
    place.tuner("resume", "told", *at)
    place.tuner("cancel", "told", *at, "--reason", "because")
    watched = [json.loads(line) for line in place.tuner("watch", "told", *at, "--json").splitlines()]
    assert [event["data"]["to"] for event in watched if event["kind"] == "study.state"] == [
        "paused",
        "active",
        "cancelled",
    ]
    kept = [json.loads(line) for line in place.tuner("events", "told", *at, "--json").splitlines()]
    assert kept == watched

    server.send_signal(signal.SIGTERM)
    assert server.wait(LIMIT) == 0
    server.stdout.close()
