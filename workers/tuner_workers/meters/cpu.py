"""CPU time of a process tree."""

from __future__ import annotations

import time
from collections.abc import Mapping

import psutil

from tuner_workers.knobs.base import Unavailable
from tuner_workers.meters.base import Declared, Meter, Quantity
from tuner_workers.meters.tree import tree

_CPU = Declared("s", "CPU clocks of the process and its descendants")


class CpuMeter(Meter):
    """CPU seconds, user and system, that the process and its descendants used.

    A live process is read by its own CPU clock, in nanoseconds (clock_getcpuclockid(3)); one that has ended by what
    the kernel adds to the parent that waited for it, in clock ticks (``cutime``, proc(5)). A descendant that leaves
    the tree, adopted by init, takes its time along.
    """

    name = "cpu"

    def __init__(self) -> None:
        self._pid = 0
        self._before = 0.0

    def probe(self) -> Unavailable | None:
        return None

    def declares(self) -> Mapping[str, Declared]:
        return {"cpu_s": _CPU}

    def start(self, pid: int) -> None:
        self._pid, self._before = pid, _used(pid)

    def stop(self) -> Mapping[str, Quantity]:
        # Ticks are coarser than the clock: a child's end can seem to take back what it had used.
        used = max(0.0, _used(self._pid) - self._before)
        return {"cpu_s": Quantity(used, _CPU.unit, _CPU.method)}


def _used(pid: int) -> float:
    """Seconds used so far.

    Raises:
        ProcessLookupError: ``pid`` is gone.
    """
    seconds = 0.0
    for process in tree(pid):
        try:
            ended = process.cpu_times()
            seconds += time.clock_gettime(_cpu_clock(process.pid)) + ended.children_user + ended.children_system
        except (OSError, psutil.NoSuchProcess) as error:
            if process.pid == pid:
                raise ProcessLookupError(f"process {pid} has ended") from error
            # A descendant that ended meanwhile: its parent has its time, now or once it waits for it.
    return seconds


def _cpu_clock(pid: int) -> int:
    """Linux's id of the CPU clock of ``pid``: the pid's complement, and 2 for scheduler time of the whole process."""
    return (~pid << 3) | 2
