"""Ending processes that the worker has started, with everything they have started themselves."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil

from tuner.core.clock import Clock

KILL_TIME = 5.0
_TICK = 0.02


class Family:
    """A process group that the worker has started, and all that came of it.

    That is: members of the group and of the session of that number, descendants of these, and the processes in
    ``cgroups``, which must be the group's alone. Who was seen once is remembered, because a descendant cannot be told
    from others once its parents have ended; one that leaves session, parents and control groups behind before it was
    seen stays. Zombies count as ended.

    Args:
        group: process-group id, that of a child started in its own session.

    Raises:
        ValueError: the group is the caller's own, or nobody's.
    """

    def __init__(self, group: int, cgroups: Sequence[str] = ()) -> None:
        if group <= 1 or group == os.getpgrp():
            raise ValueError(f"process group {group} is not that of a child in its own session")
        self._group, self._cgroups = group, tuple(cgroups)
        self._seen: dict[int, psutil.Process] = {}

    def look(self) -> list[psutil.Process]:
        """Those that live now."""
        parents: dict[int, int] = {}
        found = set(self._seen)
        for process in psutil.process_iter(["ppid"]):
            parents[process.pid] = process.info["ppid"]
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if self._group in (os.getpgid(process.pid), os.getsid(process.pid)):
                    found.add(process.pid)
        for directory in self._cgroups:
            found.update(cgroup_processes(directory))
        found.update([pid for pid in parents if _descends(pid, found, parents)])
        found.discard(os.getpid())
        for pid in found - self._seen.keys():
            with contextlib.suppress(psutil.NoSuchProcess):
                self._seen[pid] = psutil.Process(pid)
        self._seen = {pid: process for pid, process in self._seen.items() if _lives(process)}
        return list(self._seen.values())

    def end(self, clock: Clock, grace: float) -> list[int]:
        """End them: SIGTERM, then SIGKILL to what is left after ``grace`` seconds; 0 sends SIGKILL at once. Idempotent.

        Returns:
            Processes that are still there ``KILL_TIME`` seconds after SIGKILL (in uninterruptible sleep, or another
            user's): empty when all is well.
        """
        if grace > 0:
            _signal(self.look(), signal.SIGTERM)
            deadline = clock.now() + grace
            while self.look() and clock.now() < deadline:
                time.sleep(_TICK)
        deadline = clock.now() + KILL_TIME
        while living := self.look():
            # Sent again each time: a process may have forked between the look and the signal.
            _signal(living, signal.SIGKILL)
            if clock.now() > deadline:
                break
            time.sleep(_TICK)
        return sorted(process.pid for process in living)


def cgroup_processes(directory: str) -> list[int]:
    """Processes in a control group; none when it is gone."""
    try:
        return [int(word) for word in Path(directory, "cgroup.procs").read_text(encoding="ascii").split()]
    except OSError:
        return []


def oom_kills(cgroups: Iterable[str]) -> int:
    """How often the kernel has killed for want of memory in these control groups (v1 and v2); 0 where none says so."""
    count = 0
    for directory in cgroups:
        for name in ("memory.oom_control", "memory.events"):
            with contextlib.suppress(OSError):
                for line in Path(directory, name).read_text(encoding="ascii").splitlines():
                    key, _, value = line.partition(" ")
                    count += int(value) if key == "oom_kill" else 0
    return count


def _descends(pid: int, found: set[int], parents: dict[int, int]) -> bool:
    seen: set[int] = set()
    while pid in parents and pid not in seen:
        seen.add(pid)
        pid = parents[pid]
        if pid in found:
            return True
    return False


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        # psutil compares start times first: a number that has been given to another process is not signalled.
        # One that may not be signalled is reported as still there.
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process.send_signal(number)
