"""What others ask of a running attempt: the server to stop or cancel it, the device's owner to leave."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

GRACE = 5.0
"""Seconds that a workload has to end a run by itself once it is asked to."""


class Stopped(Exception):
    """The attempt was asked to end now and report what it has."""


class Cancelled(Exception):
    """The attempt was asked to end now and report nothing."""


class Stoppable(Protocol):
    """The part of a workload's child that is needed here. Both may be called from any thread."""

    def stop(self) -> None: ...

    def kill(self) -> None: ...


class Control:
    """Carries a request to whatever child runs now. Every method may be called from any thread.

    What is asked for stays asked for: a request that arrives between two children ends the next one as it starts.
    """

    def __init__(self, grace: float = GRACE) -> None:
        self._grace = grace
        self._lock = threading.Lock()
        self._asked = threading.Event()
        self._stopped = False
        self._cancelled = False
        self._child: Stoppable | None = None
        self._gentle = False
        self._timer: threading.Timer | None = None

    @property
    def stopped(self) -> bool:
        """Whether it is to end with what it has."""
        return self._stopped

    @property
    def cancelled(self) -> bool:
        """Whether it is to end with nothing."""
        return self._cancelled

    def stop(self) -> None:
        """End with what there is: a run is asked to end, and killed after the grace; anything else is killed."""
        with self._lock:
            if not self._stopped:
                self._stopped = True
                self._asked.set()
                self._enforce()

    def cancel(self) -> None:
        """End at once, with nothing."""
        with self._lock:
            self._cancelled = True
            self._asked.set()
            self._enforce()

    def check(self) -> None:
        """Go on, unless something else was asked for.

        Raises:
            Stopped, Cancelled: it was.
        """
        if self._cancelled:
            raise Cancelled
        if self._stopped:
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Let the device settle.

        Raises:
            Stopped, Cancelled: as ``check``, at once.
        """
        self._asked.wait(seconds)
        self.check()

    @contextmanager
    def over(self, child: Stoppable, *, gentle: bool) -> Iterator[None]:
        """While ``child`` works. With ``gentle`` it can be asked to end by itself; otherwise it is killed."""
        with self._lock:
            self._child, self._gentle = child, gentle
            self._enforce()
        try:
            yield
        finally:
            with self._lock:
                self._child = None
                if self._timer is not None:
                    self._timer.cancel()
                    self._timer = None

    def _enforce(self) -> None:
        if self._child is None or not (self._stopped or self._cancelled):
            return
        if self._cancelled or not self._gentle:
            self._child.kill()
        elif self._timer is None:
            self._child.stop()
            self._timer = threading.Timer(self._grace, self._child.kill)
            self._timer.daemon = True
            self._timer.start()
