"""What a person is told when a database fails, and whether trying again may help."""

import sqlite3
import threading

import pytest
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tuner.core.clock import SteadyClock
from tuner.core.errors import StoreError, Unavailable
from tuner.store.exclusive import Exclusive
from tuner.store.open import open_store
from tuner.store.sql.address import database_url
from tuner.store.sql.engine import make_engine
from tuner.store.sql.failures import translated
from tuner.store.sql.store import SqlStore


class PostgresError(Exception):
    """As psycopg raises them."""

    def __init__(self, sqlstate) -> None:
        super().__init__("server text")
        self.sqlstate = sqlstate


def failed(original, lost=False):
    return DBAPIError("SELECT 1", {}, original, connection_invalidated=lost)


@pytest.mark.parametrize(
    ("original", "kind", "words"),
    [
        (sqlite3.OperationalError("database is locked"), Unavailable, "try again"),
        (sqlite3.OperationalError("database or disk is full"), StoreError, "make room"),
        (sqlite3.OperationalError("disk I/O error"), StoreError, "system's log"),
        (sqlite3.OperationalError("attempt to write a readonly database"), StoreError, "permissions"),
        (sqlite3.DatabaseError("database disk image is malformed"), StoreError, "backup"),
        (sqlite3.DatabaseError("file is not a database"), StoreError, "name another one"),
        (sqlite3.IntegrityError("UNIQUE constraint failed"), StoreError, "refused"),
        (PostgresError("40001"), Unavailable, "try again"),
        (PostgresError("40P01"), Unavailable, "deadlock"),
        (PostgresError("55P03"), Unavailable, "held the store"),
        (PostgresError("57P01"), Unavailable, "shutting down"),
        (PostgresError("08006"), Unavailable, "connection was lost"),
        (PostgresError("53100"), StoreError, "make room"),
        (PostgresError("28P01"), StoreError, "password"),
        (PostgresError("3D000"), StoreError, "createdb"),
        (PostgresError("23505"), StoreError, "refused"),
    ],
)
def test_each_failure_has_its_kind_and_its_advice(original, kind, words):
    error = translated(failed(original))
    assert type(error) is kind
    assert words in str(error)


def test_a_lost_connection_is_unavailable():
    assert isinstance(translated(failed(Exception("gone"), lost=True)), Unavailable)


def test_no_free_connection_is_unavailable():
    assert isinstance(translated(PoolTimeout()), Unavailable)


def test_what_is_not_the_databases_is_still_typed():
    assert type(translated(InvalidRequestError("closed"))) is StoreError


def test_a_database_that_another_process_holds_is_unavailable(tmp_path):
    path = tmp_path / "a.sqlite"
    open_store(str(path), SteadyClock()).close()
    store = SqlStore(make_engine(database_url(str(path)), patience=0.0))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="another process"), store.transaction():
        pass
    other.execute("ROLLBACK")
    other.close()
    with store.transaction() as transaction:
        assert transaction.studies() == []
    store.close()


def test_waiting_for_another_thread_has_an_end():
    exclusive, held, done = Exclusive(patience=0.01), threading.Event(), threading.Event()

    def hold():
        with exclusive.held():
            held.set()
            done.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(60)
    with pytest.raises(Unavailable, match=r"0\.01 s"), exclusive.held():
        pass
    done.set()
    holder.join()
    with exclusive.held():
        pass


def test_the_lock_is_free_after_a_block_that_raised():
    exclusive = Exclusive(patience=0.0)
    with pytest.raises(KeyError), exclusive.held():
        raise KeyError
    with exclusive.held(), pytest.raises(RuntimeError, match="nest"), exclusive.held():
        pass
    with exclusive.held():
        pass
