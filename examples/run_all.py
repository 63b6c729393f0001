"""Runs every example as its file says, and prints a line for each: `make examples`.

Studies and what the worker keeps go to a temporary directory. Only the models that tflite trains are shared with other
runs of this user, for they take a minute and never change. The device itself is the real one: its worker's lock is held
as by any other worker.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tuner_workers.paths import StateDirectory, default_state_directory

ROOT = Path(__file__).resolve().parents[1]
SERVER = "127.0.0.1:7077"
"""Stands in commands for the server that is started for them, on a port that is free."""

COMMANDS = (
    "tuner run examples/quickstart.yaml",
    "tuner run examples/command.yaml --policy examples/command_policy.yaml",
    "tuner run examples/replay.yaml --policy examples/replay_policy.yaml",
    f"python examples/ask_tell.py {SERVER}",
    "python examples/library.py",
    "python examples/optuna_sampler.py",
)

LIMIT = 600.0
"""Seconds for one example; on a machine with nothing else to do the longest takes half of it."""

START_LIMIT = 60.0
GRACE = 90.0
"""Seconds to end in: `tuner run` lets its worker restore the device first."""


class Failed(Exception):
    """An example did not end well; the text says how, and what it printed last."""


def main() -> int:
    """Run them all; the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    failures = 0
    with workplace() as environment:
        for command in COMMANDS:
            began = time.monotonic()
            try:
                outcome, word = run(command, environment), "ok"
            except Failed as failure:
                outcome, word, failures = str(failure), "FAILED", failures + 1
            print(f"{word:<6} {time.monotonic() - began:4.0f} s  {command}: {outcome}", flush=True)
    return 1 if failures else 0


def stop(number: int, frame: object) -> None:
    """End what was started on the way out."""
    sys.exit(f"stopped by {signal.Signals(number).name}")


def run(command: str, environment: Mapping[str, str]) -> str:
    """Run one example; the last thing that it says of its answer."""
    if SERVER not in command:
        return finish(shlex.split(command), environment)
    with server(environment) as address:
        return finish(shlex.split(command.replace(SERVER, address)), environment)


def finish(words: list[str], environment: Mapping[str, str]) -> str:
    """Wait for a command; the last line that it printed, before any hints on where to look next."""
    with process(words, environment, stdin=subprocess.DEVNULL) as started:
        try:
            output, _ = started.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            raise Failed(f"not done within {LIMIT:.0f} s") from None
    lines = [line.strip() for line in output.partition("\nNext:")[0].splitlines() if line.strip()]
    if started.returncode != 0:
        raise Failed("\n    ".join([f"exit code {started.returncode}", *lines[-20:]]))
    return lines[-1]


@contextmanager
def server(environment: Mapping[str, str]) -> Iterator[str]:
    """A server for programs that measure by themselves; its address."""
    announcement = Path(environment["TUNER_HOME"]) / "announcement.json"
    announcement.parent.mkdir(exist_ok=True)
    words = ["tuner", "serve", "--port", "0", "--announce", str(announcement), "--until-stdin-closes"]
    with process(words, environment, stdin=subprocess.PIPE) as started:
        deadline = time.monotonic() + START_LIMIT
        while not announcement.exists():
            if started.poll() is not None or time.monotonic() > deadline:
                raise Failed("the server did not start")
            time.sleep(0.05)
        yield json.loads(announcement.read_text())["address"]


@contextmanager
def process(words: list[str], environment: Mapping[str, str], stdin: int) -> Iterator["subprocess.Popen[str]"]:
    """A command in a process group of its own, which has ended when the context has."""
    started = subprocess.Popen(
        words,
        cwd=ROOT,
        env=environment,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.communicate(timeout=GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            started.communicate()


@contextmanager
def workplace() -> Iterator[Mapping[str, str]]:
    """The environment of the examples: a temporary directory for what they keep; `tuner` and `python` on the path."""
    place = Path(tempfile.mkdtemp(prefix="tuner-examples-"))
    models = StateDirectory(default_state_directory()).artifacts
    worker = place / "worker"
    worker.mkdir()
    (worker / "artifacts").symlink_to(models)
    try:
        yield {
            **{name: value for name, value in os.environ.items() if name != "TUNER_SERVER"},
            "TUNER_HOME": str(place / "home"),
            "TUNER_WORKER_HOME": str(worker),
            "PATH": os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)]),
            "COLUMNS": "200",
        }
    finally:
        journal = StateDirectory(worker).journal
        if journal.exists() and journal.stat().st_size:
            print(f"the device is not as it was found; `TUNER_WORKER_HOME={worker} tuner worker` puts it back")
        else:
            shutil.rmtree(place)


if __name__ == "__main__":
    sys.exit(main())
