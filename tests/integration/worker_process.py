"""A real daemon in a process of its own, on a device made of files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tuner_workers.paths import StateDirectory

PLUGIN = Path(__file__).parent / "plugin"
POLICY = """
knobs: {probe.level: {low: 0, high: 90}}
workloads: [probe]
"""
DEADLINE = 30.0


class ProbeDevice:
    """The device that the probe knob turns, and what happened on it."""

    def __init__(self, path: Path, level: int = 50) -> None:
        self.path = path
        path.mkdir()
        (path / "level").write_text(str(level))

    @property
    def level(self) -> int:
        return int((self.path / "level").read_text())

    @property
    def writes(self) -> list[int]:
        log = self.path / "writes"
        return [int(line) for line in log.read_text().split()] if log.exists() else []

    @property
    def steps(self) -> list[tuple[str, int, dict]]:
        log = self.path / "steps"
        return [tuple(json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []

    def stick(self, stuck: bool) -> None:
        if stuck:
            (self.path / "stuck").touch()
        else:
            (self.path / "stuck").unlink()


class WorkerProcess:
    """``python -m tuner_workers``; its log lines can be waited for."""

    def __init__(self, address: str, home: Path, device: ProbeDevice, *arguments: str) -> None:
        self.state = StateDirectory(home / "state")
        policy = home / "policy.yaml"
        policy.write_text(POLICY)
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tuner_workers", "--server", address, "--policy", str(policy)),
                *("--state-directory", str(self.state.path), "--device-lock", str(home / "lock"), "--name", "böard"),
                *arguments,
            ],
            env={**os.environ, "PYTHONPATH": str(PLUGIN), "PROBE_DEVICE": str(device.path)},
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

    @property
    def log(self) -> str:
        return "".join(self._lines)

    def wait_for_log(self, text: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: text in self.log, DEADLINE), f"{text!r} is not in:\n{self.log}"

    def terminate(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        code = self.process.wait(DEADLINE)
        self._reader.join()
        return code

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdin.close()
        self.process.stderr.close()

    def _read(self) -> None:
        for line in self.process.stderr:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
