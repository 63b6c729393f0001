"""Processes as /proc shows them: who they are, what they belong to, and how to end them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
MARK = "TUNER_WORKER_JOURNAL"
"""Variable in the environment of every process that a worker starts; it holds the path of the worker's journal."""


@dataclass(frozen=True)
class Process:
    """A process that cannot be mistaken for a later one with the same pid.

    Attributes:
        group: id of its process group.
        started: clock ticks from boot to its start (field 22 of /proc/PID/stat, proc(5)).
    """

    pid: int
    group: int
    started: int
    zombie: bool


def boot_id() -> str:
    """Identity of the running boot: pids and start times mean nothing beyond it."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def look_up(pid: int) -> Process | None:
    """The process that has ``pid`` now, or None."""
    try:
        # The command's name, in brackets, may hold anything: fields are counted from behind it.
        fields = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Process(pid, group=int(fields[2]), started=int(fields[19]), zombie=fields[0] in "ZX")


def everyone() -> Iterator[Process]:
    """Every process there is now."""
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (process := look_up(int(entry.name))) is not None:
            yield process


def marked(journal: Path) -> list[Process]:
    """The other processes whose environment says that ``journal``'s worker started them.

    It finds a child that was started and not yet journalled, and what left its process group. The processes of other
    users cannot be read, and are not among them.
    """
    mark = f"{MARK}={journal}".encode()
    return [process for process in everyone() if process.pid != os.getpid() and mark in _environment(process.pid)]


def group(leader: int, started: int, boot: str) -> list[Process]:
    """The members of the process group of ``leader``, while that is the process that started at ``started``.

    Without its leader a group is nobody's: the id may have gone to a stranger who has since made a group of it.
    """
    found = look_up(leader)
    if found is None or found.started != started or boot != boot_id():
        return []
    return [process for process in everyone() if process.group == leader]


def _environment(pid: int) -> list[bytes]:
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        return (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    return []


def in_cgroup(directory: Path) -> list[Process]:
    """The processes in a control group; none when it is gone."""
    try:
        pids = [int(word) for word in (directory / "cgroup.procs").read_text().split()]
    except FileNotFoundError:
        return []
    return [process for pid in pids if (process := look_up(pid)) is not None]


def end(
    find: Callable[[], Iterable[Process]],
    patience: float,
    now: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[set[int], list[Process]]:
    """SIGKILL what ``find`` finds, again and again until it finds nothing: a process may fork while it is looked at.

    Args:
        patience: seconds to try for.
        now, pause: a monotonic clock in seconds, and what waits for some.

    Returns:
        The pids that have ended, and the processes that are still there, or may not be killed.
    """
    deadline = now() + patience
    ended: set[int] = set()
    while left := [process for process in find() if not process.zombie]:
        if now() >= deadline:
            break
        for process in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, signal.SIGKILL)
        ended |= {process.pid for process in left}
        pause(0.005)
    return ended - {process.pid for process in left}, left
