"""Where a worker keeps what must outlive it."""

from __future__ import annotations

import os
from pathlib import Path

from tuner.core.errors import TunerError


class StateUnusable(TunerError):
    """The worker's state directory cannot be made or written."""


class StateDirectory:
    """A worker's own directory; making one makes the directory and its parts.

    Raises:
        StateUnusable: it cannot be made, or not be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        try:
            for folder in (self.path, self.spool, self.artifacts, self.scratch):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StateUnusable(
                f"the worker's state directory {self.path} cannot be made: {error}; set TUNER_WORKER_HOME to another"
            ) from error
        for folder in (self.path, self.spool, self.artifacts, self.scratch):
            if not os.access(folder, os.W_OK | os.X_OK):
                raise StateUnusable(
                    f"{folder} is not writable by user {os.geteuid()}; set TUNER_WORKER_HOME to another"
                )

    @property
    def journal(self) -> Path:
        """What has to be undone (``tuner_workers.journal``)."""
        return self.path / "journal.jsonl"

    @property
    def spool(self) -> Path:
        """Directory of results that the server has not acknowledged."""
        return self.path / "spool"

    @property
    def lock(self) -> Path:
        """Locked by the one worker that uses this directory."""
        return self.path / "lock"

    @property
    def worker_id(self) -> Path:
        """File with the identity that the worker chose once."""
        return self.path / "worker_id"

    @property
    def artifacts(self) -> Path:
        """Directory of content-addressed artifacts, kept across trials."""
        return self.path / "artifacts"

    @property
    def scratch(self) -> Path:
        """Directory of what attempts need while they last."""
        return self.path / "scratch"


def default_state_directory() -> Path:
    """$TUNER_WORKER_HOME, else ``tuner-worker`` in $XDG_STATE_HOME or ``~/.local/state`` (XDG base directories)."""
    home = os.environ.get("TUNER_WORKER_HOME")
    if home:
        return Path(home)
    state = os.environ.get("XDG_STATE_HOME", "")
    # The specification has relative paths ignored.
    base = Path(state) if os.path.isabs(state) else Path.home() / ".local/state"
    return base / "tuner-worker"
