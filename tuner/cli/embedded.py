"""A server for this command alone: started as a child on a store, found by the file in which it announces itself."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tuner.cli.children import POLL, Child
from tuner.cli.extras import require_server
from tuner.cli.home import Home, is_file
from tuner.core.clock import SteadyClock
from tuner.core.errors import Unavailable, WrongState

START_LIMIT = 60.0
"""Seconds for a server to be ready: its imports, a migration of an old database."""

SERVER_GRACE = 15.0
CONNECT_LIMIT = 1.0


class Interrupted(Exception):
    """Somebody asked to stop while the server was starting."""


@contextmanager
def embedded_server(
    store_url: str,
    announcement: Path,
    log: Path,
    *,
    stopped: Callable[[], bool] = lambda: False,
    hurried: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Child, str]]:
    """Start a server on a store; gives the process and its address, and ends it with the context.

    Args:
        announcement: the file in which the server is to say how to reach it.

    Raises:
        Unavailable: it did not start, with the end of its log; or what it needs is not installed.
        Interrupted: ``stopped`` said so before it was ready.
    """
    require_server()
    announcement.unlink(missing_ok=True)
    arguments = ["serve", "--store", store_url, "--port", "0", "--announce", str(announcement)]
    server = Child("server", [*arguments, "--until-stdin-closes"], log)
    try:
        yield server, _wait_for_address(server, announcement, stopped)
    finally:
        server.end(SERVER_GRACE, hurried)
        announcement.unlink(missing_ok=True)


def refuse_second_server(home: Home, store_url: str) -> None:
    """Raises WrongState where a server runs already on a store that takes one; PostgreSQL takes several."""
    running = announced_address(home.announcement(store_url))
    if running is not None and is_file(store_url):
        raise WrongState(f"a server runs on this store already, at {running}; use it with --server {running}")


def announced_address(announcement: Path) -> str | None:
    """The address of the server that announced itself in a file, if it still lives and listens."""
    found = _read(announcement)
    if found is None:
        return None
    address, pid = found
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        # Somebody else's process: it lives.
        pass
    return address if listens(address) else None


def listens(address: str) -> bool:
    """Whether something takes connections at "HOST:PORT"."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_LIMIT):
            return True
    except OSError:
        return False


def _wait_for_address(server: Child, announcement: Path, stopped: Callable[[], bool]) -> str:
    clock = SteadyClock()
    deadline = clock.now() + START_LIMIT
    while clock.now() < deadline:
        if stopped():
            raise Interrupted
        server.check()
        found = _read(announcement)
        if found is not None:
            return found[0]
        time.sleep(POLL)
    raise Unavailable(f"the server was not ready within {START_LIMIT:.0f} s; the end of {server.log}:\n{server.tail()}")


def _read(announcement: Path) -> tuple[str, int] | None:
    try:
        told = json.loads(announcement.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Unavailable(f"{announcement} is not readable ({error}); remove it") from error
    if isinstance(told, dict) and isinstance(told.get("address"), str) and isinstance(told.get("pid"), int):
        return told["address"], told["pid"]
    raise Unavailable(f"{announcement} is not a server's announcement; remove it")
