"""The SQL store: its transactions begin, commit and roll back here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from tuner.core.errors import StoreError
from tuner.store.base import Store, Transaction
from tuner.store.exclusive import Exclusive
from tuner.store.sql.attempts import Attempts
from tuner.store.sql.engine import PATIENCE, for_reading
from tuner.store.sql.failures import translated
from tuner.store.sql.records import Records
from tuner.store.sql.results import Results
from tuner.store.sql.studies import Studies
from tuner.store.sql.trials import Trials


class SqlTransaction(Studies, Trials, Attempts, Results, Records):
    """Everything that can be done inside one transaction."""


class SqlStore(Store):
    """A store in a database whose schema is this program's (``tuner.store.open`` sees to that)."""

    def __init__(self, engine: Engine) -> None:
        """Takes over ``engine``, of ``tuner.store.sql.engine.make_engine``; ``close`` disposes of it."""
        self._engine = engine
        self._reading = for_reading(engine)
        # The writers of one process queue here, in turn and without polling; those of others in the database.
        self._writers = Exclusive(PATIENCE)
        self._closed = False

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._writers.held(), self._begun(self._engine, reading=False) as transaction:
            yield transaction

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        with self._begun(self._reading, reading=True) as transaction:
            yield transaction

    def forget_answers(self, before: float) -> None:
        """Drop what was remembered of requests that came before ``before``."""
        with self._writers.held(), self._begun(self._engine, reading=False) as transaction:
            transaction.forget_answers(before)

    def close(self) -> None:
        self._closed = True
        self._engine.dispose()

    @contextmanager
    def _begun(self, engine: Engine, *, reading: bool) -> Iterator[SqlTransaction]:
        if self._closed:
            raise StoreError("the store is closed")
        try:
            with engine.begin() as connection:
                transaction = SqlTransaction(connection, reading=reading)
                yield transaction
                transaction.check()
        except SQLAlchemyError as error:
            raise translated(error) from error
