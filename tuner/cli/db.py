"""``tuner db``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from tuner.cli.extras import needs
from tuner.cli.home import Home, default_home
from tuner.cli.output import emit
from tuner.cli.reach import json_option


def _store_options(command: Callable[..., None]) -> Callable[..., None]:
    command = click.option("--store", metavar="URL", help="The store; the default is that of the data directory.")(
        command
    )
    return click.option(
        "--home", type=click.Path(file_okay=False, path_type=Path), help="Data directory; $TUNER_HOME."
    )(command)


@click.group("db")
def db_command() -> None:
    """Look after the database. A server makes a new one by itself, and asks for an old one to be upgraded."""


@db_command.command("upgrade")
@_store_options
def upgrade_command(home: Path | None, store: str | None) -> None:
    """Lead the database to the newest schema, or make it; all or nothing."""
    with needs("server"):
        from tuner_migrations import upgrade
    url = _url(home, store)
    click.echo(f"{url} has schema {upgrade(url)}")


@db_command.command("current")
@_store_options
@json_option
def current_command(home: Path | None, store: str | None, as_json: bool) -> None:
    """Print the schema of the database, and the newest that this program knows.

    --json: store, current (null when it is empty), head.
    """
    with needs("server"):
        from tuner_migrations import current, head
    url = _url(home, store)
    found = current(url)
    if as_json:
        emit({"store": url, "current": found, "head": head()})
    elif found == head():
        click.echo(f"{url} has schema {found}, the newest")
    else:
        click.echo(f"{url} has {f'schema {found}' if found else 'no schema'}; `tuner db upgrade` leads it to {head()}")


def _url(home: Path | None, store: str | None) -> str:
    return store or Home(home or default_home()).store_url
