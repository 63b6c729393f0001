"""One worker per device: two would turn the same knobs and disturb each other's measurements."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tuner.core.errors import TunerError

NAME = "tuner-worker.lock"


class DeviceBusy(TunerError):
    """Another worker has this device, or the lock cannot be used."""


def default_lock() -> Path:
    """The device's lock, the same for every user."""
    return next((folder for folder in (Path("/run/lock"), Path("/var/lock")) if _usable(folder)), Path("/tmp")) / NAME


def _usable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


class DeviceLock:
    """Holds the device while the context lasts; the kernel frees it when the process ends, however it ends (flock(2)).

    Raises (on entry):
        DeviceBusy: another process holds it, whose pid the message names; or the file cannot be opened.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = default_lock() if path is None else path
        self._handle: int | None = None

    def __enter__(self) -> DeviceLock:
        try:
            handle = self._open()
        except OSError as error:
            raise DeviceBusy(f"the device lock {self.path} cannot be opened: {error}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(handle)
            raise DeviceBusy(
                f"another worker has this device: process {holder} holds {self.path}; one worker per device"
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._handle = handle
        return self

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        # Opening first without O_CREAT: in a sticky directory a kernel may forbid O_CREAT on another user's file.
        with suppress(FileNotFoundError):
            return os.open(self.path, flags)
        try:
            handle = os.open(self.path, flags | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:  # another worker was faster
            return os.open(self.path, flags)
        os.fchmod(handle, 0o666)  # whatever the umask: workers of other users lock the same file
        return handle

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            # The file stays: to remove it would let a third worker lock a new file beside a waiting second one's.
            os.close(self._handle)
            self._handle = None
