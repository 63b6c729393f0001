"""Runs store transactions beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tuner.store.base import Store, Transaction

Answer = TypeVar("Answer")


class Transactions:
    """The store, one transaction at a time, in a thread of its own: SQLite has one writer anyway, and what runs there
    may be written as plain sequential code."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, "store")

    async def run(self, work: Callable[[Transaction], Answer]) -> Answer:
        """Do ``work`` inside one transaction; it is committed when ``work`` returns, undone when it raises.

        Raises:
            StoreError: the store could not be written.
            TunerError: whatever ``work`` raises.
        """

        def transact() -> Answer:
            with self._store.transaction() as tx:
                return work(tx)

        return await asyncio.get_running_loop().run_in_executor(self._thread, transact)

    def close(self) -> None:
        """Wait for what is under way, then close the store."""
        self._thread.shutdown(wait=True)
        self._store.close()
