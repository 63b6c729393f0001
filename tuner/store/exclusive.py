"""One writer at a time within a process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tuner.core.errors import Unavailable


class Exclusive:
    """A lock that is held for the length of a block.

    A thread that holds it already is told so instead of waiting for itself for ever.
    """

    def __init__(self, patience: float) -> None:
        """``patience``: seconds to wait for another holder."""
        self._lock = threading.Lock()
        self._holder: int | None = None
        self._patience = patience

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock.

        Raises:
            RuntimeError: this thread holds it already (a transaction inside a transaction).
            Unavailable: another thread held it for longer than the patience.
        """
        if self._holder == threading.get_ident():
            raise RuntimeError("this thread is in a transaction already; transactions do not nest")
        if not self._lock.acquire(timeout=self._patience):
            raise Unavailable(f"another transaction has held the store for {self._patience:g} s; try again later")
        self._holder = threading.get_ident()
        try:
            yield
        finally:
            self._holder = None
            self._lock.release()
