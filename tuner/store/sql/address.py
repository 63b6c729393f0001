"""Where a database is, as people write it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from tuner.core.errors import InvalidInput, Problem

_EXPECTED = "a path, sqlite:///PATH or postgresql://USER@HOST/DATABASE"


def database_url(text: str) -> URL:
    """``text`` as a URL with the driver that is used: a path is an SQLite file, PostgreSQL is reached by psycopg.

    Raises:
        InvalidInput: an unknown kind of database, or one in memory (that is ``memory:``, and no SQL).
    """
    if "://" not in text:
        return _sqlite(text, text)
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise InvalidInput(Problem("store", "is no URL", text, _EXPECTED)) from error
    kind = url.get_backend_name()
    if kind == "sqlite":
        return _sqlite(url.database or "", text)
    if kind in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    raise InvalidInput(Problem("store", f"{kind} is not supported", url.render_as_string(), _EXPECTED))


def _sqlite(path: str, text: str) -> URL:
    if path in ("", ":memory:") or path.startswith("file:"):
        raise InvalidInput(Problem("store", "names no file", text, f'{_EXPECTED}, or "memory:" to keep nothing'))
    return URL.create("sqlite", database=str(Path(path).expanduser().absolute()))
