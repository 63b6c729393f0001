"""Every store of ours against the one suite; what is particular to a database comes behind it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import postgres
import pytest

from tuner.core.clock import SteadyClock
from tuner.core.errors import StoreError, Unavailable
from tuner.core.event import Event, EventKind
from tuner.store.memory import MemoryStore
from tuner.store.open import open_store
from tuner.store.sql import schema
from tuner.testing.store import StoreTestCase
from tuner.testing.store_samples import NOW, make_trial, stored_study, stored_trial

_CLOCK = SteadyClock()


class TestMemoryStore(StoreTestCase):
    @pytest.fixture
    def store(self):
        return MemoryStore()


@pytest.fixture(scope="session")
def new_file(tmp_path_factory):
    """An empty database, to be copied: migrating a new one for every test would take most of its time."""
    path = tmp_path_factory.mktemp("new") / "new.sqlite"
    open_store(str(path), _CLOCK).close()
    return path


class TestSqliteStore(StoreTestCase):
    @pytest.fixture
    def path(self, new_file, tmp_path):
        return shutil.copy(new_file, tmp_path / "größe %20.sqlite")

    @pytest.fixture
    def store(self, path):
        store = open_store(str(path), _CLOCK)
        yield store
        store.close()

    @pytest.fixture
    def other_store(self, store, path):
        other = open_store(str(path), _CLOCK)
        yield other
        other.close()

    def test_of_two_processes_that_claim_one_trial_exactly_one_wins(self, store, path):
        study = stored_study(store)
        trials = [stored_trial(store, study.id).number for _ in range(8)]
        claimers = [_python(_CLAIMER, str(path), study.id, name) for name in ("a", "b")]
        try:
            for claimer in claimers:
                assert claimer.stdout.readline() == "ready\n"
            for claimer in claimers:
                claimer.stdin.write("go\n")
                claimer.stdin.flush()
            won = [claimer.communicate(timeout=60)[0].split() for claimer in claimers]
        finally:
            _end(claimers)
        assert sorted(map(int, won[0] + won[1])) == trials

    def test_what_was_committed_survives_a_kill(self, store, path):
        writer = _python(_WRITER, str(path))
        try:
            acknowledged = [int(writer.stdout.readline()) for _ in range(50)]
            writer.send_signal(signal.SIGKILL)
            acknowledged += map(int, writer.stdout.read().splitlines())  # communicate() forgets what is buffered
        finally:
            _end([writer])
        with store.snapshot() as snapshot:
            kept = [event.sequence for event in snapshot.events()]
        assert set(acknowledged) <= set(kept)
        assert len(kept) <= len(acknowledged) + 1

    def test_a_full_disk_loses_the_transaction_and_nothing_else(self, store):
        study = stored_study(store)
        with store._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 8}")
        kept = []

        def fill():
            with store.transaction() as transaction:
                transaction.append(Event(EventKind.STUDY_NOTE, NOW, study.id, data={"text": "x" * 5000}))
                transaction.append(Event(EventKind.STUDY_NOTE, NOW, study.id, data={"text": "y" * 5000}))
            kept.append(study)

        with pytest.raises(StoreError, match="disk is full"):
            _repeat(fill, 100)
        with store.snapshot() as snapshot:
            assert len(snapshot.events()) == 2 * len(kept) > 0

    def test_a_failed_statement_ends_its_transaction_even_if_the_block_hides_it(self, store):
        study = stored_study(store)
        with store._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")

        def hide():
            with store.transaction() as transaction:
                transaction.append(Event(EventKind.STUDY_NOTE, NOW, study.id))
                with pytest.raises(StoreError):
                    transaction.append(Event(EventKind.STUDY_NOTE, NOW, data={"text": "x" * 100_000}))
                with pytest.raises(StoreError, match="disk is full"):
                    transaction.append(Event(EventKind.STUDY_NOTE, NOW, study.id))

        with pytest.raises(StoreError, match="disk is full"):
            hide()
        with store.snapshot() as snapshot:
            assert snapshot.events() == []

    def test_a_reader_waits_for_no_writer(self, store, other_store):
        study = stored_study(store)
        with store.transaction() as transaction:
            transaction.add_trial(make_trial(study.id))
            with other_store.snapshot() as snapshot:
                assert snapshot.trials(study.id) == []


@pytest.fixture(scope="session")
def postgresql():
    """The URL of a database of ours in a cluster of its own."""
    reason = postgres.missing()
    if reason:
        pytest.skip(reason)
    import psycopg

    with postgres.cluster() as server:
        with psycopg.connect(server, autocommit=True) as connection:
            # A linguistic order, so that a sort that relies on the database's locale shows.
            locale = "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'" if connection.info.server_version >= 150000 else ""
            connection.execute(f"CREATE DATABASE tuner {locale} TEMPLATE template0")
        url = server.removesuffix("postgres") + "tuner"
        open_store(url, _CLOCK).close()
        yield url


class TestPostgresqlStore(StoreTestCase):
    @pytest.fixture
    def url(self, postgresql):
        import psycopg

        tables = ", ".join(schema.metadata.tables)
        with psycopg.connect(postgresql) as connection:
            connection.execute(f"TRUNCATE {tables} RESTART IDENTITY")
        return postgresql

    @pytest.fixture
    def store(self, url):
        store = open_store(url, _CLOCK)
        yield store
        store.close()

    @pytest.fixture
    def other_store(self, store, url):
        other = open_store(url, _CLOCK)
        yield other
        other.close()

    def test_a_lost_connection_is_unavailable_and_the_next_transaction_works(self, store, url):
        import psycopg

        def lose():
            with store.transaction() as transaction:
                transaction.append(Event(EventKind.STUDY_NOTE, NOW))
                with psycopg.connect(url, autocommit=True) as killer:
                    killer.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                transaction.append(Event(EventKind.STUDY_NOTE, NOW))

        with pytest.raises(Unavailable):
            lose()
        with store.transaction() as transaction:
            assert transaction.events() == []
            assert transaction.append(Event(EventKind.STUDY_NOTE, NOW)).sequence > 0

    def test_a_reader_waits_for_no_writer(self, store, other_store):
        study = stored_study(store)
        with store.transaction() as transaction:
            transaction.add_trial(make_trial(study.id))
            with other_store.snapshot() as snapshot:
                assert snapshot.trials(study.id) == []


def test_a_server_that_is_not_there_is_unavailable():
    pytest.importorskip("psycopg")
    with pytest.raises(Unavailable, match="reached"):
        open_store(f"postgresql://tuner@127.0.0.1:{postgres.free_port()}/tuner", _CLOCK)


_CLAIMER = """
import sys
from dataclasses import replace
from tuner.core.clock import SteadyClock
from tuner.core.errors import WrongState
from tuner.core.trial import TrialState
from tuner.store.open import open_store
from tuner.testing.store_samples import make_attempt

path, study, worker = sys.argv[1:]
store = open_store(path, SteadyClock())
with store.transaction() as transaction:
    trials = transaction.trials(study)
print("ready", flush=True)
sys.stdin.readline()
for trial in trials:
    try:
        with store.transaction() as transaction:
            transaction.update_trial(replace(trial, state=TrialState.LEASED), expected=TrialState.QUEUED)
            transaction.add_attempt(make_attempt(trial, worker=worker))
    except WrongState:
        continue
    print(trial.number, flush=True)
"""

_WRITER = """
import sys
from tuner.core.clock import SteadyClock
from tuner.core.event import Event, EventKind
from tuner.store.open import open_store

store = open_store(sys.argv[1], SteadyClock())
while True:
    with store.transaction() as transaction:
        event = transaction.append(Event(EventKind.STUDY_NOTE, 0.0, data={"text": "x" * 500}))
    print(event.sequence, flush=True)
"""


def _python(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        cwd=Path(__file__).parents[2],
    )


def _repeat(work: Callable[[], None], times: int) -> None:
    for _ in range(times):
        work()


def _end(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
