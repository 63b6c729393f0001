"""When to leave: a signal, or the end of standard input."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)
_END = 0


class Departure:
    """Somebody may have to leave; who has to do something about it listens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reason: str | None = None
        self._listener: Callable[[str], None] | None = None

    def ask(self, reason: str) -> None:
        """Have the listener leave. The first reason counts; what comes after it changes nothing."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            listener = self._listener
        if listener is not None:
            listener(reason)

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call ``listener(reason)`` once, from another thread; now, if it was asked for before."""
        with self._lock:
            self._listener = listener
            reason = self._reason
        if reason is not None:
            listener(reason)


@contextmanager
def departures(*, until_stdin_closes: bool) -> Iterator[Departure]:
    """While the context lasts, SIGTERM, SIGINT and (if asked for) the end of standard input ask for the departure.

    The interpreter writes a signal's number to a pipe the moment it arrives (``signal.set_wakeup_fd``), so a main
    thread that is busy elsewhere delays nothing, and the listener may take locks. Only the main thread can enter.
    """
    departure = Departure()
    wake_out, wake_in = os.pipe()
    os.set_blocking(wake_in, False)
    watcher = threading.Thread(
        target=_watch, args=(wake_out, until_stdin_closes, departure), name="departure", daemon=True
    )
    before = signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
    handlers = {number: signal.signal(number, _nothing) for number in SIGNALS}
    watcher.start()
    try:
        yield departure
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        os.write(wake_in, bytes([_END]))
        watcher.join()
        os.close(wake_in)
        os.close(wake_out)


def _nothing(number: int, frame: FrameType | None) -> None:
    """A handler in Python has to be there for the wake-up to be written."""


def _watch(wake: int, until_stdin_closes: bool, departure: Departure) -> None:
    poll = select.poll()
    poll.register(wake, select.POLLIN)
    stdin = sys.stdin.fileno() if until_stdin_closes else None
    if stdin is not None:
        poll.register(stdin, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            received = os.read(descriptor, 64)
            if descriptor == stdin:
                if not received:
                    poll.unregister(descriptor)
                    departure.ask("standard input was closed")
                continue
            if _END in received:
                return
            for number in received:
                if number in SIGNALS:
                    departure.ask(signal.Signals(number).name)
