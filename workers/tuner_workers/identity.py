"""Who this worker is, and how far it has come: the two things that the server must be able to rely on."""

from __future__ import annotations

import logging
import os
import uuid
from pathlib import Path

from tuner_workers.durable import write_durably

_log = logging.getLogger(__name__)


def worker_id(path: Path) -> str:
    """The identity kept in ``path``; chosen and written there the first time.

    Raises:
        OSError: it cannot be read or written.
    """
    if path.exists():
        found = path.read_text(encoding="utf-8", errors="replace").strip()
        if found:
            return found
        _log.warning("%s is empty: this worker takes a new identity", path)
    chosen = uuid.uuid4().hex
    write_durably(path, chosen.encode())
    return chosen


class LeaseCounter:
    """Numbers the leases that this worker asks for: a number is on disk before it is used, and used by one life.

    A request repeated with its number gets the same lease again. After a restart the number is a new one, because what
    an earlier life held is given back and not measured by mistake.

    Raises:
        OSError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = self._read()

    def next(self) -> int:
        """The number of a further lease.

        Raises:
            OSError: it cannot be written.
        """
        write_durably(self._path, str(self._last + 1).encode())
        self._last += 1
        return self._last

    def _read(self) -> int:
        if not self._path.exists():
            return 0
        text = self._path.read_bytes()
        if text.isdigit():
            return int(text)
        _log.warning("%s is damaged (%r): counting leases anew", self._path, text[:40])
        return 0


def default_name() -> str:
    """What people call this worker unless they say otherwise: the host's name."""
    return os.uname().nodename
