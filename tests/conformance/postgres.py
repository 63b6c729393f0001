"""A PostgreSQL cluster for the length of a test run, where its binaries are."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NOBODY = 65534
_WAIT = 60


def missing() -> str:
    """What a cluster would need and is not here; "" when all is."""
    programs = ["initdb", "pg_ctl"] + (["setpriv"] if os.geteuid() == 0 else [])
    absent = [program for program in programs if shutil.which(program) is None]
    if absent:
        return f"PostgreSQL is not tested: {', '.join(absent)} not found"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "PostgreSQL is not tested: psycopg is not installed"
    return ""


@contextmanager
def cluster() -> Iterator[str]:
    """The URL of a fresh cluster's database; the cluster ends, and its files go, with the block."""
    home = Path(tempfile.mkdtemp(prefix="tuner-pg-"))
    data, port = home / "data", free_port()
    try:
        if os.geteuid() == 0:
            os.chown(home, _NOBODY, _NOBODY)
        _as_user("initdb", "-D", str(data), "--auth=trust", "--no-sync", "-U", "tuner", "-E", "UTF8")
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off"
        log = str(home / "log")
        _as_user("pg_ctl", "-D", str(data), "-w", "-t", str(_WAIT), "-l", log, "-o", options, "start")
        try:
            yield f"postgresql://tuner@127.0.0.1:{port}/postgres"
        finally:
            _as_user("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(home)


def _as_user(*command: str) -> None:
    # PostgreSQL refuses to run as root.
    dropped = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*dropped, *command],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=2 * _WAIT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout}")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
