"""Opening a store by its address."""

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tuner.core.errors import InvalidInput, StoreError
from tuner.store.memory import MemoryStore
from tuner.store.open import open_store
from tuner.store.sql.address import database_url


class Clock:
    def __init__(self, now) -> None:
        self._now = now

    def now(self):
        return self._now


def test_memory_keeps_nothing():
    assert isinstance(open_store("memory:", Clock(0.0)), MemoryStore)


def test_a_path_and_its_url_name_the_same_file(tmp_path):
    path = tmp_path / "größe 50%" / "new" / "tuner.sqlite"
    for url in (str(path), f"sqlite:///{path}"):
        open_store(url, Clock(0.0)).close()
    assert path.is_file()
    assert not (tmp_path / "größe 50").exists()


def test_the_file_is_its_owners_alone(tmp_path):
    path = tmp_path / "tuner.sqlite"
    open_store(str(path), Clock(0.0)).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_relative_path_and_a_home_are_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert database_url("a.sqlite").database == str(tmp_path / "a.sqlite")
    assert database_url("~/b.sqlite").database == str(tmp_path / "home" / "b.sqlite")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"])
def test_postgresql_is_reached_by_psycopg(scheme):
    url = database_url(f"{scheme}://user:secret@host:5433/name?sslmode=require")
    assert url.drivername == "postgresql+psycopg"
    assert (url.username, url.host, url.port, url.database) == ("user", "host", 5433, "name")
    assert url.query == {"sslmode": "require"}


@pytest.mark.parametrize("url", ["mysql://user:secret@host/db", "sqlite://", "sqlite:///:memory:", "", "://"])
def test_other_addresses_are_refused_with_what_would_be_right(url):
    with pytest.raises(InvalidInput, match="expected a path") as caught:
        open_store(url, Clock(0.0))
    assert "secret" not in str(caught.value)


def test_a_folder_is_no_database(tmp_path):
    with pytest.raises(StoreError, match="cannot be written"):
        open_store(str(tmp_path), Clock(0.0))


def test_a_file_in_place_of_a_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        open_store(str(tmp_path / "file" / "tuner.sqlite"), Clock(0.0))


def test_another_kind_of_file_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    text = "not a database " * 100
    path.write_text(text)
    with pytest.raises(StoreError, match="not an SQLite database"):
        open_store(str(path), Clock(0.0))
    assert path.read_text() == text


@pytest.mark.parametrize(("power_safe", "level"), [(False, 1), (True, 2)])
def test_connections_are_set_up(tmp_path, power_safe, level):
    store = open_store(str(tmp_path / "a.sqlite"), Clock(0.0), power_safe=power_safe)
    with store.snapshot() as snapshot:

        def pragma(name):
            return snapshot._connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()

        assert pragma("journal_mode") == "wal"
        assert pragma("foreign_keys") == 1
        assert pragma("synchronous") == level
    store.close()


def test_answers_are_forgotten_after_a_week(tmp_path):
    url, day = str(tmp_path / "a.sqlite"), 86400.0
    store = open_store(url, Clock(0.0))
    with store.transaction() as transaction:
        transaction.remember("old", b"1", 1 * day)
        transaction.remember("new", b"2", 3 * day)
    store.close()
    store = open_store(url, Clock(9 * day))
    with store.snapshot() as snapshot:
        assert snapshot.recall("old") is None
        assert snapshot.recall("new") == b"2"
    store.close()


def test_closing_leaves_one_file(tmp_path):
    store = open_store(str(tmp_path / "a.sqlite"), Clock(0.0))
    with store.transaction() as transaction:
        transaction.remember("a", b"1", 1.0)
    store.close()
    assert os.listdir(tmp_path) == ["a.sqlite"]
    connection = sqlite3.connect(tmp_path / "a.sqlite")
    assert connection.execute("SELECT count(*) FROM answer").fetchone() == (1,)
    connection.close()


def test_memory_needs_no_sql():
    program = (
        "import sys; from tuner.core.clock import SteadyClock; from tuner.store.open import open_store\n"
        "open_store('memory:', SteadyClock())\n"
        "print(sorted({'sqlalchemy', 'alembic', 'psycopg', 'numpy', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )
    assert done.stdout == "[]\n"
