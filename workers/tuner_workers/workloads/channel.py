"""Talking with a child over its pipes: every wait has a deadline, and no pipe can fill up while we wait on another."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import select
import subprocess
import threading
from typing import TYPE_CHECKING

from tuner_workers.workloads.base import WorkloadError
from tuner_workers.workloads.wire import MAX_LINE

if TYPE_CHECKING:  # the command workload talks with its command in an interpreter that has no tuner package
    from tuner.core.clock import Clock

_CHUNK = 1 << 16
_TAIL = 1 << 14
_DRAIN = 64
_BLIND_TICK = 0.1


class Channel:
    """The three pipes of a child: lines to its stdin, lines from its stdout, and the end of what it wrote to stderr.

    One thread sends and receives; ``post`` may be called from any. A child that ends is noticed even while a
    grandchild holds its pipes open.
    """

    def __init__(self, process: subprocess.Popen[bytes], clock: Clock) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._process, self._clock = process, clock
        self._in, self._out, self._err = process.stdin.fileno(), process.stdout.fileno(), process.stderr.fileno()
        for descriptor in (self._in, self._out, self._err):
            os.set_blocking(descriptor, False)
        self._open = {self._out, self._err}
        self._received = bytearray()
        self._searched = 0
        self._tail = bytearray()
        self._sending = threading.Lock()
        self._watch = _pidfd(process.pid)

    def send(self, line: bytes, deadline: float) -> bool:
        """Write ``line``; whether the child took it (it may have ended).

        Raises:
            TimeoutError: it did not read in time.
        """
        rest = memoryview(line)
        with self._sending:
            while rest:
                try:
                    rest = rest[os.write(self._in, rest) :]
                except BlockingIOError:
                    if self.exited():
                        return False
                    self._wait(deadline, writing=True)
                except BrokenPipeError:
                    return False
        return True

    def post(self, line: bytes) -> None:
        """Write a short line if that is possible without waiting; from any thread."""
        assert self._process.stdin is not None
        with self._sending, contextlib.suppress(BlockingIOError, BrokenPipeError):
            if not self._process.stdin.closed:
                os.write(self._in, line)

    def receive(self, deadline: float) -> bytes | None:
        """The next line, or None when the child has ended and has said no more.

        Raises:
            TimeoutError: neither happened in time.
            WorkloadError: "bad output", a line without an end.
        """
        while True:
            if self._clock.now() >= deadline:
                raise TimeoutError
            end = self._received.find(b"\n", self._searched)
            if end >= 0:
                line = bytes(self._received[:end])
                del self._received[: end + 1]
                self._searched = 0
                return line
            self._searched = len(self._received)
            if self._searched > MAX_LINE:
                raise WorkloadError("bad output", f"a line longer than {MAX_LINE >> 20} MiB")
            if self._out not in self._open:
                return None
            if self.exited():
                # What it had written before it ended is still in the pipe.
                if not self._read(self._out):
                    return None
            else:
                self._wait(deadline)

    def exited(self) -> bool:
        """Whether the child has ended. It is not reaped yet, so its number stays its own."""
        if self._process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def wait_exit(self, deadline: float) -> bool:
        """Wait until the child has ended; whether it has."""
        with contextlib.suppress(TimeoutError):
            while not self.exited():
                self._wait(deadline)
        return self.exited()

    def tail(self, lines: int = 15) -> str:
        """The last lines that the child printed."""
        for _ in range(_DRAIN):
            if not self._read(self._err):
                break
        return "\n".join(self._tail.decode(errors="replace").splitlines()[-lines:])

    def note(self, printed: bytes) -> None:
        """Count this as something that the child printed."""
        self._tail += printed
        del self._tail[:-_TAIL]

    def finish(self) -> None:
        """Tell the child that nothing more will be asked."""
        assert self._process.stdin is not None
        with self._sending, contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def close(self) -> None:
        """Release the pipes; the child has ended."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self.finish()
        self._process.stdout.close()
        self._process.stderr.close()
        if self._watch is not None:
            os.close(self._watch)
            self._watch = None

    def _wait(self, deadline: float, writing: bool = False) -> None:
        """Wait until something has happened on any pipe, and take in what has arrived."""
        remaining = deadline - self._clock.now()
        if remaining <= 0:
            raise TimeoutError
        poll = select.poll()
        for descriptor in self._open:
            poll.register(descriptor, select.POLLIN)
        if writing:
            poll.register(self._in, select.POLLOUT)
        if self._watch is not None:
            poll.register(self._watch, select.POLLIN)
        else:
            remaining = min(remaining, _BLIND_TICK)
        for descriptor, _ in poll.poll(min(math.ceil(remaining * 1000), 60_000)):
            if descriptor in self._open:
                self._read(descriptor)

    def _read(self, descriptor: int) -> bool:
        if descriptor not in self._open:
            return False
        try:
            received = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if not received:
            self._open.discard(descriptor)
        elif descriptor == self._out:
            self._received += received
        else:
            self.note(received)
        return bool(received)


def _pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends.

    None where there is none, and we look in turns: on kernels before 5.3, in containers whose filter does not know the
    call, and in a Python that was built on an old system.
    """
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM):
            return None
        raise
