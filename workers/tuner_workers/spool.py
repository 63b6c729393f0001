"""Results that the server has not acknowledged yet, on disk: what was measured outlives worker, server and line."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError
from tuner_protos.v1 import workers_pb2 as pb

from tuner_workers.durable import sync_directory, write_durably

_log = logging.getLogger(__name__)

_DIGEST = 32


@dataclass(frozen=True)
class Entry:
    """One result to hand in.

    Attributes:
        path: where it lies; None when the disk would not take it.
    """

    request: pb.FinishRequest
    path: Path | None


class Spool:
    """One file for each result: the SHA-256 of the request, then the request. Keyed by attempt: adding is idempotent.

    Raises:
        OSError: the directory cannot be read.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._in_memory: dict[str, Entry] = {}
        for torn in directory.glob("*.new"):  # its result was never promised to be kept
            torn.unlink(missing_ok=True)

    def add(self, request: pb.FinishRequest) -> Entry:
        """Keep a result until it is acknowledged. One that the disk does not take is kept in memory, and logged."""
        path = self._directory / f"{_name(request.token)}.result"
        content = request.SerializeToString(deterministic=True)
        try:
            write_durably(path, hashlib.sha256(content).digest() + content)
        except OSError as error:
            _log.error("a result cannot be spooled, and would be lost if this worker ended now: %s", error)
            entry = Entry(request, None)
            self._in_memory[request.token] = entry
            return entry
        return Entry(request, path)

    def pending(self) -> list[Entry]:
        """What is to be handed in, oldest first. A damaged file is set aside and logged, not lost.

        Raises:
            OSError: the directory cannot be read.
        """
        files = sorted(self._directory.glob("*.result"), key=lambda path: (path.stat().st_mtime_ns, path.name))
        entries = [Entry(request, path) for path in files if (request := self._read(path)) is not None]
        return entries + list(self._in_memory.values())

    def acknowledged(self, entry: Entry) -> None:
        """The server has it."""
        if entry.path is None:
            self._in_memory.pop(entry.request.token, None)
            return
        entry.path.unlink(missing_ok=True)
        sync_directory(self._directory)

    def set_aside(self, entry: Entry, why: str) -> None:
        """It can never be handed in as it is: kept for a person to look at, under another name."""
        if entry.path is None:
            self._in_memory.pop(entry.request.token, None)
            _log.error("a result is given up: %s", why)
        else:
            self._rename(entry.path, why)

    def _read(self, path: Path) -> pb.FinishRequest | None:
        content = path.read_bytes()
        digest, body = content[:_DIGEST], content[_DIGEST:]
        try:
            if hashlib.sha256(body).digest() != digest:
                raise DecodeError("its checksum is wrong")
            return pb.FinishRequest.FromString(body)
        except DecodeError as error:
            self._rename(path, f"it is damaged: {error}")
            return None

    def _rename(self, path: Path, why: str) -> None:
        aside = path.with_suffix(".bad")
        path.rename(aside)
        sync_directory(self._directory)
        _log.error("the spooled result %s is set aside: %s", aside, why)


def _name(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:24]
