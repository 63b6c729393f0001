"""Processes that this command starts, and ends on every path.

Each is a process group of its own, so that Ctrl-C in the terminal reaches this command alone, which then ends them in
order. Each holds the read end of a pipe: when this process dies in whatever way, the pipe closes and they end too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from tuner.core.clock import SteadyClock
from tuner.core.errors import Unavailable

POLL = 0.05
TAIL_LINES = 15


class Child:
    """A ``tuner`` subcommand in a process of its own.

    Args:
        name: what messages call it.
        arguments: of the ``tuner`` command.
        log: file that takes its output.
    """

    def __init__(self, name: str, arguments: Sequence[str], log: Path) -> None:
        self.name, self.log = name, log
        self._clock = SteadyClock()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tuner.cli.main", *arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(grace=10.0)

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self._process.poll()

    def check(self) -> None:
        """Raises Unavailable, with the end of its log, when it runs no more."""
        if self.exit_code is not None:
            raise Unavailable(
                f"the {self.name} ended with exit code {self.exit_code}; the end of {self.log}:\n{self.tail()}"
            )

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-TAIL_LINES:]) or "    (empty)"

    def terminate(self) -> None:
        """Ask it to end."""
        if self.exit_code is None:
            self._process.send_signal(signal.SIGTERM)

    def end(self, grace: float, hurried: Callable[[], bool] = lambda: False, hurried_grace: float = 10.0) -> bool:
        """Ask it to end and wait; kill its group after ``grace`` seconds, or ``hurried_grace`` seconds after
        ``hurried`` first says so. Returns whether it ended by itself."""
        self.terminate()
        deadline = self._clock.now() + grace
        in_a_hurry = False
        while self.exit_code is None and self._clock.now() < deadline:
            if hurried() and not in_a_hurry:
                in_a_hurry, deadline = True, min(deadline, self._clock.now() + hurried_grace)
            time.sleep(POLL)
        by_itself = self.exit_code is not None
        if not by_itself:
            # Not reaped yet, so its number still names its own group and nobody else's.
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        return by_itself
