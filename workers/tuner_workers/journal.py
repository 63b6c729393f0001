"""What has to be undone on this device, on disk before it is done.

A file of JSON lines, only ever appended to while something is open. Each line carries a checksum and is on disk
(fsync) before the call that wrote it returns: write-ahead logging (Mohan et al., "ARIES", ACM TODS 17(1), 1992,
section 3), with undo alone. A line that was torn by a crash was never relied upon and is dropped.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tuner.core.errors import TunerError
from tuner.core.expression import Value
from tuner_workers import processes
from tuner_workers.durable import sync_directory, write_durably

_log = logging.getLogger(__name__)

KNOB, CHILD, CGROUP = "knob", "child", "cgroup"


class JournalError(TunerError):
    """The journal cannot be written or read; nothing may be changed on the device."""


@dataclass(frozen=True)
class Entry:
    """One thing to undo.

    Attributes:
        kind: KNOB (put ``value`` back), CHILD (end the process group) or CGROUP (remove the directory).
        key: the knob's name, the process's id, the directory.
        value: for a knob, what its ``capture`` returned.
        started, boot: for a child, what tells it from a later process with the same id.
    """

    kind: str
    key: str
    value: Value = ""
    started: int = 0
    boot: str = ""


class Journal:
    """The crash journal of one worker. Safe to use from several threads.

    Attributes:
        path: the file; made with its first entry.
        damaged: lines that could not be read, though lines follow them: what they said may not be undone.

    Raises:
        JournalError: the file is there and cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.damaged: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._open: dict[tuple[str, str], Entry] = {}
        self._length = 0
        self._replay()

    @property
    def environment(self) -> Mapping[str, str]:
        """The variable that every process this worker starts carries, so that ``recover`` knows it."""
        return {processes.MARK: str(self.path)}

    def entries(self, kind: str | None = None) -> list[Entry]:
        """What is open, oldest first."""
        with self._lock:
            return [entry for entry in self._open.values() if kind in (None, entry.kind)]

    def original(self, knob: str) -> Value | None:
        """The value to put back for a knob that has not been restored yet, or None."""
        with self._lock:
            entry = self._open.get((KNOB, knob))
            return None if entry is None else entry.value

    def record_originals(self, originals: Mapping[str, Value]) -> None:
        """Keep what knobs hold before the first write. One that is open already keeps its first, true original.

        Raises:
            JournalError: they are not on disk (a full one, say).
        """
        self._record(Entry(KNOB, name, value) for name, value in originals.items())

    def record_child(self, pid: int) -> None:
        """Keep the process group that ``pid`` leads.

        Raises:
            JournalError: as above.
        """
        process = processes.look_up(pid)
        if process is not None:
            self._record([Entry(CHILD, str(pid), started=process.started, boot=processes.boot_id())])

    def record_cgroups(self, paths: Iterable[str]) -> None:
        """Keep control-group directories, before they are made.

        Raises:
            JournalError: as above.
        """
        self._record(Entry(CGROUP, path) for path in paths)

    def close_knob(self, name: str) -> None:
        """The knob is restored, and that was verified."""
        self.close([(KNOB, name)])

    def close_child(self, pid: int) -> None:
        """The child's process group has ended."""
        self.close([(CHILD, str(pid))])

    def close_cgroup(self, path: str) -> None:
        """The directory is gone."""
        self.close([(CGROUP, path)])

    def close(self, keys: Iterable[tuple[str, str]]) -> None:
        """Forget entries that are undone, by (kind, key); those that are not open are ignored.

        When the disk is too full to say so, they are undone once more at the next start, which changes nothing.
        """
        with self._lock:
            closed = [self._open.pop(key) for key in keys if key in self._open]
            try:
                if closed and self._open:
                    self._append([_line("close", entry) for entry in closed])
                elif closed:
                    self._truncate(0)  # needs no space, and keeps the file from growing
            except OSError as error:
                _log.warning("%s could not note that %d entries are undone: %s", self.path, len(closed), error)

    def compact(self) -> None:
        """Rewrite the file with what is open, and nothing else.

        Raises:
            JournalError: it could not be replaced; the old one is as it was.
        """
        with self._lock:
            text = b"".join(_line("open", entry) for entry in self._open.values())
            try:
                write_durably(self.path, text)
            except OSError as error:
                raise JournalError(f"{self.path} cannot be rewritten: {error}") from error
            self._length = len(text)

    def _record(self, entries: Iterable[Entry]) -> None:
        with self._lock:
            fresh = [entry for entry in entries if (entry.kind, entry.key) not in self._open]
            try:
                if fresh:
                    self._append([_line("open", entry) for entry in fresh])
            except OSError as error:
                raise JournalError(f"{self.path} cannot be written, so nothing is changed: {error}") from error
            self._open.update({(entry.kind, entry.key): entry for entry in fresh})

    def _append(self, lines: list[bytes]) -> None:
        created = not self.path.exists()
        text = b"".join(lines)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                # Behind the last whole line: what a crash left torn is written over.
                os.ftruncate(handle, self._length)
                written = os.pwrite(handle, text, self._length)
                if written != len(text):
                    raise OSError(f"only {written} of {len(text)} bytes could be written")
                os.fsync(handle)
            except OSError:
                os.ftruncate(handle, self._length)
                raise
        finally:
            os.close(handle)
        if created:
            sync_directory(self.path.parent)
        self._length += len(text)

    def _truncate(self, length: int) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(handle, length)
            os.fsync(handle)
        finally:
            os.close(handle)
        self._length = length

    def _replay(self) -> None:
        try:
            text = self.path.read_bytes() if self.path.exists() else b""
        except OSError as error:
            raise JournalError(f"{self.path} cannot be read: {error}") from error
        lines = text.splitlines(keepends=True)
        damaged = []
        for number, line in enumerate(lines, start=1):
            parsed = _parse(line)
            if parsed is None:
                damaged.append((number, line))
                continue
            self._length = sum(map(len, lines[:number]))
            action, entry = parsed
            if action == "open":
                self._open.setdefault((entry.kind, entry.key), entry)
            else:
                self._open.pop((entry.kind, entry.key), None)
        if damaged and damaged[-1][0] == len(lines):
            damaged.pop()
        self.damaged = tuple(f"{self.path}:{number}: unreadable: {line!r}" for number, line in damaged)


def _line(action: str, entry: Entry) -> bytes:
    fields = {"do": action, **vars(entry)}
    return json.dumps(fields | {"crc": _checksum(fields)}).encode() + b"\n"


def _checksum(fields: Mapping[str, object]) -> int:
    return zlib.crc32(json.dumps(fields, sort_keys=True).encode())


def _parse(line: bytes) -> tuple[str, Entry] | None:
    try:
        fields = json.loads(line)
        if not line.endswith(b"\n") or fields.pop("crc") != _checksum(fields):
            return None
        return fields.pop("do"), Entry(**fields)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
