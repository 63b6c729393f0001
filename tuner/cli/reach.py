"""Which server a command talks to, and the options that say so."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuner.cli.embedded import announced_address, embedded_server, listens
from tuner.cli.home import Home, default_home, store_exists
from tuner.core.errors import Unavailable

if TYPE_CHECKING:
    from tuner.client.client import Client

DEFAULT_SERVER = "127.0.0.1:7077"
CALL_LIMIT = 20.0

EPILOG = (
    f"Without --server, the server at {DEFAULT_SERVER} is asked; if there is none, the one that runs on the local "
    "store; if there is none either, a server is started on that store for the length of this command."
)


@dataclass(frozen=True)
class Reach:
    """The options of ``reach_options``."""

    server: str | None
    token_file: Path | None
    root_certificates: Path | None
    home: Path | None
    store: str | None

    @contextmanager
    def client(self) -> Iterator[Client]:
        """A client of the server that the options name.

        Raises:
            Unavailable: there is no server, and no local store that one could be started on.
        """
        home = Home(self.home or default_home())
        store_url = self.store or home.store_url
        if self.server is not None:
            if not listens(self.server):
                raise Unavailable(f"nothing listens at {self.server}; `tuner serve` starts a server")
            with self._connected(self.server) as client:
                yield client
            return
        # A store that was named is the one that is meant, whoever listens at the default address.
        address = DEFAULT_SERVER if self.home is None and self.store is None and listens(DEFAULT_SERVER) else None
        address = address or announced_address(home.announcement(store_url))
        if address is not None:
            with self._connected(address) as client:
                yield client
            return
        if not store_exists(store_url):
            raise Unavailable(
                f"no server listens at {DEFAULT_SERVER} and there is no store at {store_url}; "
                "start with `tuner run study.yaml`, or name a server with --server"
            )
        with (
            embedded_server(store_url, home.private_announcement(), home.log("reading-server")) as (_, own_address),
            self._connected(own_address) as client,
        ):
            yield client

    @contextmanager
    def remote(self) -> Iterator[Client]:
        """A client of a server that runs already: ``--server``, or the default address.

        Raises:
            Unavailable: there is none.
        """
        address = self.server or DEFAULT_SERVER
        if not listens(address):
            raise Unavailable(f"nothing listens at {address}; start `tuner serve`, or use `tuner run` for this machine")
        with self._connected(address) as client:
            yield client

    def token(self) -> str | None:
        """What the token file holds.

        Raises:
            Unavailable: it cannot be read, or is empty.
        """
        return None if self.token_file is None else read_token(self.token_file)

    @contextmanager
    def _connected(self, address: str) -> Iterator[Client]:
        from tuner.client.client import Client

        with Client(
            address, token=self.token(), root_certificates=self.root_certificates, timeout=CALL_LIMIT
        ) as client:
            yield client


def read_token(path: Path) -> str:
    """The bearer token in a file.

    Raises:
        Unavailable: the file cannot be read, or is empty.
    """
    try:
        token = path.read_text().strip()
    except OSError as error:
        raise Unavailable(f"token file {path}: {error.strerror}") from error
    if not token:
        raise Unavailable(f"token file {path} is empty")
    return token


def _address(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        host, _, port = value.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise click.BadParameter(f"{value!r} is no HOST:PORT, such as {DEFAULT_SERVER}", context, parameter)
    return value


READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)
_CONNECTION = (
    click.option(
        "--server", callback=_address, envvar="TUNER_SERVER", metavar="HOST:PORT", help="The server to talk to."
    ),
    click.option("--token-file", type=READABLE, help="File with the server's bearer token."),
    click.option("--root-certificates", type=READABLE, help="PEM file of the authorities to trust; turns TLS on."),
)
_LOCAL = (
    click.option("--home", type=click.Path(file_okay=False, path_type=Path), help="Data directory; $TUNER_HOME."),
    click.option("--store", metavar="URL", help="The local store, where it is not that of the data directory."),
)


def reach_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which server or local store it talks to, as one argument ``reach``."""
    return _with_reach(command, _CONNECTION + _LOCAL)


def connection_options(command: Callable[..., None]) -> Callable[..., None]:
    """As ``reach_options``, for a command that needs a server that runs already."""
    return _with_reach(command, _CONNECTION)


def json_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command ``--json``, as the argument ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON; its keys are stable.")(command)


def _with_reach(
    command: Callable[..., None], options: tuple[Callable[[Callable[..., None]], Callable[..., None]], ...]
) -> Callable[..., None]:
    @functools.wraps(command)
    def wrapped(
        *args: Any,  # noqa: ANN401 - click's own arguments pass through
        server: str | None,
        token_file: Path | None,
        root_certificates: Path | None,
        home: Path | None = None,
        store: str | None = None,
        **rest: Any,  # noqa: ANN401
    ) -> None:
        command(*args, reach=Reach(server, token_file, root_certificates, home, store), **rest)

    result: Callable[..., None] = wrapped
    for option in reversed(options):
        result = option(result)
    return result
