"""Which schema a database has, and leading it to the newest."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import SQLAlchemyError

from tuner.core.errors import StoreError
from tuner.store.sql.address import database_url
from tuner.store.sql.engine import for_reading, make_engine
from tuner.store.sql.failures import translated


def head() -> str:
    """The newest schema that this program knows ("0001")."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise StoreError("the versions of the schema are missing from this installation: install it anew")
    return revision


def current(url: str) -> str | None:
    """The schema of the database; None where it is empty.

    Raises:
        StoreError: it belongs to another program, or cannot be read.
        Unavailable: it cannot be reached.
    """
    engine = make_engine(database_url(url), migrating=True)
    try:
        with for_reading(engine).begin() as connection:
            return _revision(connection)
    except SQLAlchemyError as error:
        raise translated(error) from error
    finally:
        engine.dispose()


def upgrade(url: str) -> str:
    """Lead the database to ``head()`` and return that; one that is there already is left alone.

    All or nothing: a step that fails leaves the database as it was. Of several that come at once, one works and the
    others wait.

    Raises:
        StoreError: it belongs to another program, was written by a newer version of this one, or cannot be written.
        Unavailable: it cannot be reached, or is in use.
    """
    engine = make_engine(database_url(url), migrating=True)
    try:
        return _upgrade(engine)
    except SQLAlchemyError as error:
        raise translated(error) from error
    finally:
        engine.dispose()


def check_known(revision: str | None) -> None:
    """Raises StoreError where ``revision`` is none of this program's: a newer one wrote the database."""
    if revision is None:
        return
    try:
        ScriptDirectory.from_config(_config()).get_revision(revision)
    except CommandError as unknown:
        raise StoreError(
            f"the database has schema {revision}, which a newer version of mlsys-tuner made; this one knows schemas up"
            f" to {head()}: upgrade mlsys-tuner"
        ) from unknown


def _upgrade(engine: Engine) -> str:
    with engine.begin() as connection:
        check_known(_revision(connection))
        command.upgrade(_config(connection), "head")
        if connection.dialect.name == "sqlite":
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if orphans:
                raise StoreError(f"the migration would orphan rows of {sorted({row[0] for row in orphans})}")
    return head()


def _revision(connection: Connection) -> str | None:
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        tables = sorted(set(inspect(connection).get_table_names()) - {"alembic_version"})
        if tables:
            raise StoreError(
                f"the database holds tables of another program ({', '.join(tables[:3])}, ...): name another one"
            )
    return revision


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    # The option is read by a ConfigParser, to which a % in a path means something.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
