"""Opening a store by its address."""

from __future__ import annotations

import os
from pathlib import Path

from tuner.core.clock import Clock
from tuner.core.errors import StoreError, Unavailable
from tuner.store.base import Store
from tuner.store.memory import MemoryStore

# A request is repeated within minutes, by a client that lost the answer; a week covers one that slept.
_KEEP_ANSWERS = 7 * 86400.0


def open_store(url: str, clock: Clock, *, upgrade: bool = False, power_safe: bool = False) -> Store:
    """The store at ``url``: ``memory:``, a path or ``sqlite:///PATH``, or ``postgresql://USER@HOST/DATABASE``.

    A database that is new is given this program's schema; an old one only with ``upgrade``.

    Args:
        url: a missing SQLite file is made, with its folders, readable by its owner alone (it holds lease tokens).
        clock: decides which remembered answers are too old to keep.
        upgrade: lead an old schema to the newest.
        power_safe: for SQLite, survive a power cut without losing a commit, not only the end of the process; slower
            (``tuner.store.sql.engine``).

    Raises:
        InvalidInput: the URL names no database that is supported.
        StoreError: the schema is old and ``upgrade`` is False, or is newer than this program, or is not ours; the
            file cannot be made, read or written.
        Unavailable: the server cannot be reached, or what SQL needs is not installed.
    """
    if url == "memory:":
        return MemoryStore()
    try:
        from tuner_migrations.runner import check_known, current, head
        from tuner_migrations.runner import upgrade as migrate

        from tuner.store.sql.address import database_url
        from tuner.store.sql.engine import make_engine
        from tuner.store.sql.store import SqlStore
    except ImportError as missing:
        raise Unavailable(f"{missing.name} is missing: pip install 'mlsys-tuner[server]'") from missing

    address = database_url(url)
    if address.get_backend_name() == "sqlite":
        _make_file(Path(address.database or ""))
    found = current(url)
    check_known(found)
    if found is None or (upgrade and found != head()):
        migrate(url)
    elif found != head():
        shown = address.render_as_string()
        raise StoreError(f"{shown} has schema {found} and this program needs {head()}: run `tuner db upgrade`")
    store = SqlStore(make_engine(address, synchronous="FULL" if power_safe else "NORMAL"))
    store.forget_answers(before=clock.now() - _KEEP_ANSWERS)
    return store


def _make_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
