"""An old database always opens; one that is newer, or another program's, is refused in words."""

import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from tuner_migrations import current, head, runner, upgrade

from tuner.core.clock import SteadyClock
from tuner.core.errors import StoreError
from tuner.core.study import StudyState
from tuner.core.trial import AttemptState, TrialState
from tuner.store.open import open_store
from tuner.store.sql.address import database_url
from tuner.store.sql.engine import make_engine
from tuner.store.sql.schema import metadata
from tuner.testing.store_samples import (
    NOW,
    make_attempt,
    make_environment,
    make_result,
    make_study,
    make_trial,
    make_worker,
)

_CLOCK = SteadyClock()
_PAST = sorted((Path(__file__).parents[2] / "data").glob("schema-*.sqlite"))


def test_a_database_of_every_schema_is_at_hand():
    versions = sorted(path.name[:4] for path in (Path(runner.__file__).parent / "versions").glob("[0-9]*.py"))
    assert [path.stem.removeprefix("schema-") for path in _PAST] == versions


@pytest.mark.parametrize("past", _PAST, ids=lambda path: path.stem)
def test_a_database_of_every_past_schema_opens_with_all_that_it_holds(past, tmp_path):
    path = shutil.copy(past, tmp_path / "old.sqlite")
    store = open_store(str(path), _CLOCK, upgrade=True)
    study = make_study()
    with store.transaction() as transaction:
        assert transaction.studies(states=[StudyState.ACTIVE]) == [study]
        assert [other.id for other in transaction.studies(states=[StudyState.CANCELLED])] == ["zweite/1"]
        assert transaction.environments(study.id) == [make_environment()]
        assert transaction.workers() == [make_worker()]
        trials = transaction.trials(study.id)
        assert [trial.state for trial in trials] == [
            TrialState.COMPLETED,
            TrialState.LEASED,
            TrialState.INFEASIBLE,
        ]
        assert trials[0].configuration == make_trial(study.id).configuration
        assert trials[0].origin == make_trial(study.id).origin
        assert trials[1].plan == ("default", "recommended", "recommended", "default")
        assert str(trials[2].cause) == "refused: größer als 4"
        assert transaction.results(study.id, runs=True) == [make_result(make_attempt(trials[0]))]
        assert transaction.live_attempts() == [make_attempt(trials[1])]
        assert transaction.attempt(study.id, 1, 1).state is AttemptState.FINISHED
        assert [event.actor for event in transaction.events()] == ["zoë"]
        assert not transaction.lead(study.id, "tuner-b", NOW, NOW + 1)
        assert transaction.add_trial(make_trial(study.id)).number == 4
    store.close()
    assert current(str(path)) == head()


def test_the_versions_add_up_to_the_schema(tmp_path):
    url = str(tmp_path / "new.sqlite")
    upgrade(url)
    engine = make_engine(database_url(url), migrating=True)
    with engine.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_upgrading_what_is_new_changes_nothing(tmp_path):
    url = str(tmp_path / "new.sqlite")
    assert current(url) is None
    assert upgrade(url) == head()
    before = Path(url).read_bytes()
    assert upgrade(url) == head() == current(url)
    assert Path(url).read_bytes() == before


def test_several_that_open_a_new_file_at_once_all_succeed(tmp_path):
    start = threading.Barrier(4)

    def open_it(_):
        start.wait()
        store = open_store(str(tmp_path / "new.sqlite"), _CLOCK)
        with store.transaction() as transaction:
            transaction.put_worker(make_worker(str(threading.get_ident())))
        store.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(open_it, range(4)))
    store = open_store(str(tmp_path / "new.sqlite"), _CLOCK)
    with store.snapshot() as snapshot:
        assert len(snapshot.workers()) == 4
    store.close()


@pytest.fixture
def future(tmp_path, monkeypatch):
    """This program a version later: its schema has a second step, which adds a table."""
    place = tmp_path / "later"
    shutil.copytree(Path(runner.__file__).parent, place, ignore=shutil.ignore_patterns("__pycache__"))
    body = "    op.create_table('more', sa.Column('key', sa.Integer, primary_key=True))\n"
    (place / "versions" / "0002_more.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision = '0002'\ndown_revision = '{head()}'\ndef upgrade():\n{body}"
    )
    monkeypatch.setattr(runner, "__file__", str(place / "runner.py"))
    return place


@pytest.fixture
def old(tmp_path):
    url = str(tmp_path / "old.sqlite")
    open_store(url, _CLOCK).close()
    return url


def test_an_old_schema_is_led_on_only_when_asked(old, future):
    with pytest.raises(StoreError, match="tuner db upgrade"):
        open_store(old, _CLOCK)
    assert current(old) == "0001"
    open_store(old, _CLOCK, upgrade=True).close()
    assert current(old) == "0002"


def test_a_step_that_fails_leaves_the_database_as_it_was(tmp_path, future):
    url = str(tmp_path / "old.sqlite")
    step = future / "versions" / "0002_more.py"
    good = step.read_text()
    step.write_text(good + "    op.execute('INSERT INTO absent VALUES (1)')\n")
    with pytest.raises(StoreError, match="absent"):
        upgrade(url)
    assert current(url) is None
    step.write_text(good)
    assert upgrade(url) == "0002"


def test_a_newer_database_is_refused(tmp_path):
    url = str(tmp_path / "new.sqlite")
    open_store(url, _CLOCK).close()
    with sqlite3.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    for attempt in (
        lambda: open_store(url, _CLOCK),
        lambda: open_store(url, _CLOCK, upgrade=True),
        lambda: upgrade(url),
    ):
        with pytest.raises(StoreError, match="newer version"):
            attempt()
    assert current(url) == "9999"


def test_a_database_of_another_program_is_refused(tmp_path):
    url = str(tmp_path / "photos.sqlite")
    with sqlite3.connect(url) as connection:
        connection.execute("CREATE TABLE photo (name TEXT)")
    connection.close()
    for attempt in (lambda: open_store(url, _CLOCK), lambda: upgrade(url)):
        with pytest.raises(StoreError, match="another program"):
            attempt()
