"""The processes of the storm: a server with its engine, and workers; each can be killed and started again."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil
from storm_device import Device
from tuner_workers.journal import Journal
from tuner_workers.paths import StateDirectory
from tuner_workers.processes import marked as started_by
from tuner_workers.spool import Spool

MARK = "STORM"
"""Variable that every process of a storm carries in its environment, down to what the workload starts."""

GRACE = 30.0


class Stalled(AssertionError):
    """Something did not come about in time."""


def poll(what: str, seconds: float, pause: float = 0.01) -> Iterator[None]:
    """Look again and again, for a condition that nobody announces.

    Raises:
        Stalled: the loop was not left within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(pause)
    raise Stalled(f"{what} within {seconds:g} s")


def environment(mark: str, extra: Mapping[str, str] = {}) -> dict[str, str]:
    """The environment of a process of the storm ``mark``; what is set for other tuners on this machine is left out."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("TUNER_")}
    return {**own, MARK: mark, **extra}


def marked(mark: str) -> list[psutil.Process]:
    """Every living process of the storm ``mark``."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def tuner(*arguments: object) -> list[str]:
    """The words of a ``tuner`` command."""
    return [sys.executable, "-m", "tuner.cli.main", *map(str, arguments)]


class Service:
    """A program that is started again and again, with one log for all its lives.

    Attributes:
        killed: pids of the lives that were killed.
    """

    def __init__(self, name: str, command: list[str], log: Path, environment: Mapping[str, str]) -> None:
        self.name, self.log = name, log
        self._command, self._environment = command, environment
        self._process: subprocess.Popen[bytes] | None = None
        self._logged = 0
        self.killed: list[int] = []

    @property
    def pid(self) -> int:
        """Of the present life, or of the last one."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Begin a life."""
        with self.log.open("ab") as log:
            self._logged = log.tell()
            self._process = subprocess.Popen(
                self._command, env=dict(self._environment), stdout=log, stderr=log, start_new_session=True
            )

    def check(self) -> None:
        """Raises Stalled when it has ended and nobody asked it to."""
        if self._process is None or self._process.poll() is not None:
            raise Stalled(f"{self.name} has ended by itself: {self.tail()}")

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self.check()
        self._process.kill()
        self._process.wait()
        self.killed.append(self._process.pid)

    def end(self) -> int:
        """Ask it to end; its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(GRACE)

    def has_said(self, text: str) -> bool:
        """Whether the present life has logged it."""
        with self.log.open("rb") as log:
            log.seek(self._logged)
            return text.encode() in log.read()

    def errors(self) -> list[str]:
        """What it has logged as an error, in any life."""
        return [line for line in self.log.read_text(errors="replace").splitlines() if " ERROR " in line]

    def tail(self, lines: int = 40) -> str:
        """The end of its log."""
        return "\n".join(["", *self.log.read_text(errors="replace").splitlines()[-lines:]])


class Server(Service):
    """``tuner serve`` on an SQLite file, at the same address in each life."""

    def __init__(self, folder: Path, mark: str, lease_term: float) -> None:
        self.store = f"sqlite:///{folder / 'store.sqlite'}"
        self._announcement = folder / "server.json"
        port = _free_port()
        self.address = f"127.0.0.1:{port}"
        options = ("--store", self.store, "--port", port, "--announce", self._announcement, "--lease-term", lease_term)
        super().__init__("server", tuner("serve", *options), folder / "server.log", environment(mark))

    @property
    def ready(self) -> bool:
        """Whether the present life takes calls."""
        try:
            return bool(json.loads(self._announcement.read_text())["pid"] == self.pid)
        except FileNotFoundError:
            return False

    def engine(self) -> int | None:
        """Pid of the engine's process, if there is one."""
        with suppress(psutil.Error):
            for child in psutil.Process(self.pid).children():
                with suppress(psutil.Error):
                    if "spawn_main" in " ".join(child.cmdline()):
                        return child.pid
        return None

    def kill_engine(self) -> bool:
        """kill -9 of the engine's process; False when there was none."""
        pid = self.engine()
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True


class Worker(Service):
    """``tuner worker`` on a device of its own."""

    def __init__(self, folder: Path, mark: str, address: str, policy: Path, device: Device) -> None:
        self.device = device
        self.state = StateDirectory(folder / f"worker-{device.name}")
        options = (
            *("--server", address, "--policy", policy, "--state-directory", self.state.path),
            *("--device-lock", folder / f"{device.name}.lock", "--name", device.name),
        )
        super().__init__(
            f"worker {device.name}",
            [*device.launch, *tuner("worker", *options)],
            folder / f"worker-{device.name}.log",
            environment(mark, device.environment),
        )

    @property
    def has_recovered(self) -> bool:
        """Whether the present life has undone what the one before it left; it takes no lease before that."""
        return self.has_said("device: ")

    def left_undone(self) -> list[str]:
        """What an earlier life has left, while the present one measures nothing."""
        journalled = [
            f"{entry.kind} {entry.key} is still in the journal" for entry in Journal(self.state.journal).entries()
        ]
        running = [f"process {process.pid} is still running" for process in started_by(self.state.journal)]
        return [f"{self.name}: {what}" for what in (*self.device.changed(), *journalled, *running)]

    @property
    def has_spooled(self) -> bool:
        """Whether a result waits in the spool."""
        return any(name.endswith(".result") for name in os.listdir(self.state.spool))

    def spooled(self) -> list[str]:
        """Tokens of the attempts whose results wait in the spool; while the worker is not running."""
        return [entry.request.token for entry in Spool(self.state.spool).pending()]


def _free_port() -> int:
    """A free port that the kernel gives to nobody else while the server is down: one below the ephemeral ones."""
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise Stalled("no free port found")
