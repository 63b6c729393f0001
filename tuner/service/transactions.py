"""Runs store transactions beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TypeVar

from tuner.store.base import Store, Transaction

Answer = TypeVar("Answer")


class Transactions:
    """The store, from an event loop. What runs here may be written as plain sequential code.

    Changes have one thread and so come one after the other: the store has one writer anyway. Readers have another,
    and see one moment of the store without holding anybody up.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._reader = ThreadPoolExecutor(1, "store-reader")

    async def run(self, work: Callable[[Transaction], Answer]) -> Answer:
        """Do ``work`` inside one transaction; it is committed when ``work`` returns, undone when it raises.

        Raises:
            StoreError: the store could not be written.
            TunerError: whatever ``work`` raises.
        """
        return await self._within(self._writer, self._store.transaction, work)

    async def read(self, work: Callable[[Transaction], Answer]) -> Answer:
        """Do ``work``, which changes nothing, on a snapshot.

        Raises:
            StoreError: the store could not be read, or ``work`` tried to write.
            TunerError: whatever ``work`` raises.
        """
        return await self._within(self._reader, self._store.snapshot, work)

    @staticmethod
    async def _within(
        thread: ThreadPoolExecutor,
        begin: Callable[[], AbstractContextManager[Transaction]],
        work: Callable[[Transaction], Answer],
    ) -> Answer:
        def transact() -> Answer:
            with begin() as tx:
                return work(tx)

        return await asyncio.get_running_loop().run_in_executor(thread, transact)

    def close(self) -> None:
        """Wait for what is under way, then close the store."""
        self._reader.shutdown(wait=True)
        self._writer.shutdown(wait=True)
        self._store.close()
