"""Errors of the database -> typed errors with something a person can do about them."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tuner.core.errors import StoreError, Unavailable

_SQLITE_BUSY = ("database is locked", "database table is locked", "database schema is locked")
_ADVICE = {
    "database or disk is full": "the disk is full: make room and try again",
    "disk i/o error": "the disk cannot be read or written: look at its health and at the system's log",
    "readonly database": "the database file may not be written by this user: look at its permissions",
    "unable to open database file": "its folder is missing or may not be written by this user",
    "file is not a database": "the file is not an SQLite database; name another one",
    "malformed": "the file is damaged: restore it from a backup, or save what is left with `sqlite3 FILE .recover`",
}
# PostgreSQL's SQLSTATE (its manual, appendix A): what passes by itself, and what a person has to see to.
_PASSING = {
    "40001": "it conflicted with another transaction",
    "40P01": "it stood in a deadlock with another transaction",
    "55P03": "another transaction has held the store for too long",
    "25P03": "it was idle for too long",
    "53300": "the database has no connection left",
    "57P01": "the database is shutting down",
    "57P02": "the database has crashed and is starting anew",
    "57P03": "the database is starting up",
}
_LASTING = {
    "53100": "the database's disk is full: make room there and try again",
    "53200": "the database is out of memory",
    "28P01": "wrong user or password",
    "28000": "this user may not connect: see pg_hba.conf",
    "3D000": "there is no such database: make it with createdb",
    "42501": "this user may not do that: GRANT it, or connect as the owner",
    "25006": "the server is a read-only replica: name the primary",
}


def translated(error: SQLAlchemyError) -> StoreError | Unavailable:
    """What to raise for ``error``: Unavailable where trying again may help, else StoreError."""
    if isinstance(error, PoolTimeout):
        return Unavailable("every connection to the database is in use; try again later")
    if not isinstance(error, DBAPIError):
        return StoreError(f"the store failed: {error}")
    original = error.orig
    text = " ".join(str(original).split())
    state = getattr(original, "sqlstate", None)
    if state in _PASSING:
        return Unavailable(f"the transaction was not kept, {_PASSING[state]}; try again ({text})")
    if state in _LASTING:
        return StoreError(f"{_LASTING[state]} ({text})")
    if any(phrase in text.lower() for phrase in _SQLITE_BUSY):
        return Unavailable(f"another process has held the database for too long; try again ({text})")
    for phrase, advice in _ADVICE.items():
        if phrase in text.lower():
            return StoreError(f"{advice} ({text})")
    if error.connection_invalidated or _connection_failed(original, state):
        return Unavailable(f"the database cannot be reached, or the connection was lost; is it running? ({text})")
    return StoreError(f"the database refused: {text}")


def _connection_failed(original: BaseException | None, state: str | None) -> bool:
    # psycopg raises OperationalError without an SQLSTATE where no server answered at all.
    if state is not None:
        return state.startswith("08")
    return type(original).__name__ == "OperationalError" and type(original).__module__.startswith("psycopg")
