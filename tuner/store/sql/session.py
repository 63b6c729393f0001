"""What the parts of a transaction share: running statements, and finding rows by their public names.

Statements are built once, with named parameters, and not in every call: building and hashing one anew takes four times
as long as running it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable, Select, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from tuner.core.errors import NotFound, StoreError, Unavailable
from tuner.store.sql import schema
from tuner.store.sql.failures import translated

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Insert = sqlite.Insert | postgresql.Insert

_STUDY_KEY = select(schema.study.c.key).where(schema.study.c.id == bindparam("study_id"))


def insertion(table: Table, dialect: str) -> Insert:
    """An INSERT in the dialect of a database: both have ON CONFLICT, and no common word for it."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


@cache
def _insertion_of_new(table: Table, dialect: str) -> Insert:
    return insertion(table, dialect).on_conflict_do_nothing()


@cache
def _counted_insertion_of_new(table: Table, dialect: str) -> Executable:
    return _insertion_of_new(table, dialect).returning(*table.primary_key)


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

    @property
    def dialect(self) -> str:
        """ "sqlite" or "postgresql"."""
        return self._connection.dialect.name

    def read(self, query: Select[Any], parameters: Mapping[str, Any] | None = None) -> CursorResult[Any]:
        """Run a query."""
        return self._execute(query, parameters)

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
        return len(self.write(_counted_insertion_of_new(table, self.dialect), rows).all())

    def add_all(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert any number of rows but for those whose key is taken."""
        if rows:
            self.write(_insertion_of_new(table, self.dialect), rows)

    def study_key(self, study_id: str) -> int:
        """The internal key of a study.

        Raises:
            NotFound: there is no such study.
        """
        key = self._study_keys.get(study_id)
        if key is None:
            key = self.read(_STUDY_KEY, {"study_id": study_id}).scalar_one_or_none()
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
