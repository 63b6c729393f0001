"""Signals that ask this command to stop, counted instead of died of.

Nothing is raised from a handler: an exception out of nowhere could skip the very clean-up it is meant to start.
"""

from __future__ import annotations

import signal
from types import FrameType, TracebackType

_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruptions:
    """While the context lasts, SIGINT, SIGTERM and SIGHUP are noted. One that was ignored before (nohup) stays so.

    For the main thread only (a rule of ``signal.signal``).
    """

    def __init__(self) -> None:
        self._received: list[int] = []
        self._previous: dict[int, object] = {}

    def __enter__(self) -> Interruptions:
        for number in _HANDLED:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._previous.clear()

    def requested(self) -> bool:
        """Whether it is time to stop."""
        return bool(self._received)

    def hurried(self) -> bool:
        """Whether it was asked for more than once."""
        return len(self._received) > 1

    @property
    def exit_code(self) -> int:
        """128 plus the number of the first signal, as shells have it."""
        return 128 + self._received[0]

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._received.append(number)
