"""Time is passed in. Nothing else in the project asks the machine what time it is."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A source of time.

    ``now`` is in seconds since the Unix epoch and never runs backwards while the process lives.
    """

    def now(self) -> float: ...


class SteadyClock:
    """Wall time read once, then carried on by the monotonic clock.

    A step of the system's wall clock (NTP, suspend, an operator) therefore never expires a lease or makes a
    duration negative; after a restart every live lease is given one full term, so a step between two
    processes does no harm either.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        return self._offset + time.monotonic()
