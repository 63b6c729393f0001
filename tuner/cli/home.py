"""Where a user's own store and logs live."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tuner.core.errors import StoreError


def default_home() -> Path:
    """$TUNER_HOME, else ``tuner`` in $XDG_DATA_HOME, else ``~/.local/share/tuner`` (XDG base directories)."""
    named = os.environ.get("TUNER_HOME")
    if named:
        return Path(named).expanduser()
    data = os.environ.get("XDG_DATA_HOME", "")
    # The specification has relative paths ignored.
    return (Path(data) if os.path.isabs(data) else Path.home() / ".local/share") / "tuner"


@dataclass(frozen=True)
class Home:
    """A data directory; made when something is first written to it."""

    path: Path

    @property
    def store_url(self) -> str:
        """The default store."""
        return f"sqlite:///{self.path.absolute() / 'tuner.sqlite'}"

    def announcement(self, store_url: str) -> Path:
        """Where the server of a store says how to reach it, so that a second one is not started."""
        return self.path / f"server-{hashlib.sha256(store_url.encode()).hexdigest()[:12]}.json"

    def private_announcement(self) -> Path:
        """The same for a server that is this process's own."""
        return self.path / f"server-of-{os.getpid()}.json"

    def make(self) -> None:
        """Make the directory.

        Raises:
            StoreError: it cannot be made.
        """
        with _writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)

    def log(self, process: str) -> Path:
        """A fresh log file for a process; that of the time before is kept beside it.

        Raises:
            StoreError: the directory cannot be written.
        """
        path = self.path / "logs" / f"{process}.log"
        with _writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                path.replace(path.with_suffix(".previous.log"))
            path.touch()
        return path


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; set TUNER_HOME to a directory that can be written") from error


def is_file(store_url: str) -> bool:
    """Whether a store is an SQLite file, which takes one server at a time."""
    scheme, separator, _ = store_url.partition("://")
    return scheme.partition("+")[0] == "sqlite" if separator else store_url != "memory:"


def store_exists(store_url: str) -> bool:
    """Whether opening a store would find something: false for an SQLite file that is not there, and for memory."""
    if not is_file(store_url):
        return store_url != "memory:"
    scheme, separator, path = store_url.partition("://")
    return Path(path[1:] if separator else scheme).exists()
