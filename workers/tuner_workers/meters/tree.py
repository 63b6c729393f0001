"""The processes beneath one."""

from __future__ import annotations

import psutil


def tree(pid: int) -> list[psutil.Process]:
    """``pid`` and its descendants now.

    Raises:
        ProcessLookupError: ``pid`` is gone.
    """
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(f"process {pid} has ended") from error
