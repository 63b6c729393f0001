"""Connections whose transactions come one after the other.

**Writers take turns**, on both databases: SQLite by ``BEGIN IMMEDIATE``, PostgreSQL by an advisory lock taken as the
transaction's first statement, under READ COMMITTED, so that every later statement sees all that was committed before.
Transactions then behave exactly as if one came after the other; they wait for each other and never fail for having
met: no deadlock, no serialisation failure, nothing for a caller to run again. The event log forces this anyway: its
one order has to be the order of commits, else a reader's cursor could pass an event that is not yet visible.
**Readers** see one moment and wait for nobody (SQLite's WAL; PostgreSQL's REPEATABLE READ).

**What a crash may cost.** SQLite runs in WAL mode with ``synchronous=NORMAL``: once a commit returns, killing the
process (kill -9 included) loses nothing, because the log is in the operating system's hands. A power cut or a crash
of the kernel may lose the last commits, never the database's integrity. ``synchronous=FULL`` closes that gap for an
fsync per commit, some fifty times slower on an ordinary disk. PostgreSQL is left as its administrator set it (by
default it survives both).
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from tuner.core.errors import StoreError, Unavailable

Synchronous = Literal["NORMAL", "FULL"]

PATIENCE = 30.0
"""Seconds that a transaction waits for another before it gives up."""

# A tuner whose host went down in a transaction would hold the lock until TCP notices, hours later.
_MAX_IDLE = 60.0
_CONNECT_TIMEOUT = 10
_PAUSE = 0.01
_WRITERS = 0x74756E6572  # "tuner"


def make_engine(
    url: URL, *, synchronous: Synchronous = "NORMAL", migrating: bool = False, patience: float = PATIENCE
) -> Engine:
    """An engine for ``url``; connects to nothing yet.

    ``migrating``: a single connection, on which SQLite checks no foreign keys (a table that is rebuilt would take its
    children with it).

    Raises:
        StoreError: this SQLite is too old.
        Unavailable: the driver is not installed.
    """
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, synchronous, migrating, patience)
    return _postgresql(url, migrating, patience)


def for_reading(engine: Engine) -> Engine:
    """``engine`` with transactions that see one moment, write nothing and wait for nobody."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(reading=True)
    return engine.execution_options(reading=True, isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _sqlite(url: URL, synchronous: Synchronous, migrating: bool, patience: float) -> Engine:
    if sqlite3.sqlite_version_info < (3, 35):  # RETURNING
        raise StoreError(f"SQLite 3.35 or newer is needed; this Python has {sqlite3.sqlite_version}")
    # isolation_level None turns off the driver's own BEGINs, which know neither DDL nor IMMEDIATE.
    arguments: dict[str, Any] = {"timeout": patience, "isolation_level": None, "check_same_thread": False}
    engine = create_engine(url, connect_args=arguments, **({"poolclass": NullPool} if migrating else {}))

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        if _write_ahead(connection, patience) != "wal":
            raise StoreError(f"{url.database} cannot have a write-ahead log here: name a file on a local disk")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute(f"PRAGMA foreign_keys = {'OFF' if migrating else 'ON'}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def _write_ahead(connection: sqlite3.Connection, patience: float) -> str:
    """Give the file a write-ahead log; returns the journal that it then has.

    SQLite itself does not always wait for the lock that this takes, where several open a new file.
    """
    connection.execute("PRAGMA busy_timeout = 0")
    left = round(patience / _PAUSE)
    while True:
        try:
            mode = str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
            connection.execute(f"PRAGMA busy_timeout = {round(patience * 1000)}")
            return mode
        except sqlite3.OperationalError as error:
            left -= 1
            if "locked" not in str(error) or left <= 0:
                raise
            time.sleep(_PAUSE)


def _postgresql(url: URL, migrating: bool, patience: float) -> Engine:
    given = url.query.get("options", "")
    options = given if isinstance(given, str) else " ".join(given)
    options += f" -c lock_timeout={patience * 1000:.0f} -c idle_in_transaction_session_timeout={_MAX_IDLE * 1000:.0f}"
    arguments = {"options": options.strip(), "connect_timeout": _CONNECT_TIMEOUT}
    try:
        engine = create_engine(
            url,
            isolation_level="READ COMMITTED",
            connect_args=arguments,
            **({"poolclass": NullPool} if migrating else {"pool_pre_ping": True}),
        )
    except ImportError as missing:
        raise Unavailable(f"{missing.name} is missing: pip install 'mlsys-tuner[postgres]'") from missing

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("reading", False):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")

    return engine
