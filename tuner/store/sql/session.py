"""What the parts of a transaction share: running statements, and finding rows by their public names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable, Select, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from tuner.core.errors import NotFound, StoreError, Unavailable
from tuner.store.sql import schema
from tuner.store.sql.failures import translated

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Session:
    """One transaction's connection.

    A statement that fails ends the transaction: the database may have rolled it back already, and what followed would
    be kept without what came before. Its error is raised again by every later statement and at the end of the block.
    """

    def __init__(self, connection: Connection, *, reading: bool) -> None:
        self._connection = connection
        self._reading = reading
        self._failure: StoreError | Unavailable | None = None
        self._study_keys: dict[str, int] = {}

    def check(self) -> None:
        """Raise the error that ended this transaction, if one did."""
        if self._failure is not None:
            raise self._failure

    def read(self, query: Select[Any]) -> CursorResult[Any]:
        """Run a query."""
        return self._execute(query, None)

    def write(self, statement: Executable, parameters: Parameters | None = None) -> CursorResult[Any]:
        """Run a statement that changes something.

        Raises:
            StoreError: this is a snapshot, or the database refused.
            Unavailable: the connection is lost.
        """
        if self._reading:
            raise StoreError("a snapshot is for reading: begin a transaction to change the store")
        return self._execute(statement, parameters)

    def add(self, table: Table, *rows: Mapping[str, Any]) -> int:
        """Insert rows but for those whose key is taken; returns how many went in.

        Asking first would cost a statement; letting the database refuse would end the transaction on PostgreSQL.
        """
        # A list, be it of one, makes a statement that is compiled anew every time.
        insert = self.insert(table).values(rows[0] if len(rows) == 1 else list(rows)).on_conflict_do_nothing()
        return len(self.write(insert.returning(*table.primary_key)).all())

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT in the dialect of this database, which both have ON CONFLICT."""
        return sqlite.insert(table) if self._connection.dialect.name == "sqlite" else postgresql.insert(table)

    def study_key(self, study_id: str) -> int:
        """The internal key of a study.

        Raises:
            NotFound: there is no such study.
        """
        key = self._study_keys.get(study_id)
        if key is None:
            key = self.read(select(schema.study.c.key).where(schema.study.c.id == study_id)).scalar_one_or_none()
            if key is None:
                raise NotFound(f"there is no study {study_id!r}")
            self._study_keys[study_id] = key
        return key

    def forget_key(self, study_id: str) -> None:
        """A study was deleted; its name may come again under another key."""
        self._study_keys.pop(study_id, None)

    def _execute(self, statement: Executable, parameters: Parameters | None) -> CursorResult[Any]:
        self.check()
        try:
            return self._connection.execute(statement, parameters)
        except SQLAlchemyError as error:
            self._failure = translated(error)
            raise self._failure from error
