"""Reading and writing the small files of sysfs, procfs and control groups."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from tuner_workers.knobs.base import KnobRefused, Unavailable

_REFUSALS = frozenset({errno.EINVAL, errno.ERANGE, errno.EOPNOTSUPP, errno.EBUSY, errno.ENOMEM})
"""What a kernel answers to a value it does not take; anything else is about the file, not the value."""


def read(path: Path) -> str:
    """The contents of ``path`` without the white space around it.

    Raises:
        OSError: it cannot be read.
    """
    return path.read_text(encoding="utf-8", errors="replace").strip()


def write(path: Path, value: str) -> None:
    """Write ``value`` and a newline in one call.

    Raises:
        KnobRefused: the kernel does not take the value.
        OSError: the file cannot be written.
    """
    try:
        path.write_text(f"{value}\n", encoding="ascii")
    except OSError as error:
        if error.errno in _REFUSALS:
            raise KnobRefused(f"{path} does not take {value!r}: {error.strerror}") from error
        raise


def writable(path: Path) -> Unavailable | None:
    """None when ``path`` is there and this process may write it, else why not and what would help."""
    if not path.exists():
        return Unavailable(f"{path} does not exist on this kernel")
    if not os.access(path, os.R_OK | os.W_OK):
        hint = "it is mounted read-only" if os.geteuid() == 0 else "run the worker as root"
        return Unavailable(f"{path} is not writable: {hint}")
    return None
