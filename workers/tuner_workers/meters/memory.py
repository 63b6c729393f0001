"""Memory of a process tree."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tuner_workers.knobs.base import Unavailable
from tuner_workers.meters.base import Declared, Meter, Quantity
from tuner_workers.meters.tree import tree

_RSS = Declared("MB", "sum of the peak resident sets of the process and its descendants")
_RESET_PEAK = "5"  # what makes clear_refs set VmHWM to the present resident set (proc(5))


class MemoryMeter(Meter):
    """The most physical memory that each process held since ``start``, summed, in MB (10^6 bytes).

    The kernel keeps the peaks, so none is missed between samples. The peaks of several processes need not fall
    together: the sum bounds the tree's true peak from above, and pages that they share count for each. A descendant
    that has ended is not counted.
    """

    name = "memory"

    def __init__(self) -> None:
        self._pid = 0

    def probe(self) -> Unavailable | None:
        if not os.access("/proc/self/clear_refs", os.W_OK):
            return Unavailable("this kernel cannot reset a process's peak memory (no writable /proc/PID/clear_refs)")
        return None

    def declares(self) -> Mapping[str, Declared]:
        return {"rss_mb": _RSS}

    def start(self, pid: int) -> None:
        self._pid = pid
        for process in tree(pid):
            try:
                Path(f"/proc/{process.pid}/clear_refs").write_text(_RESET_PEAK)
            except (FileNotFoundError, ProcessLookupError):
                if process.pid == pid:
                    raise

    def stop(self) -> Mapping[str, Quantity]:
        peak = sum(_peak(process.pid, required=process.pid == self._pid) for process in tree(self._pid))
        return {"rss_mb": Quantity(peak / 1e6, _RSS.unit, _RSS.method)}


def _peak(pid: int, required: bool) -> float:
    """Bytes; 0 for a process that has ended, which is an error where it is ``required``."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        lines = []
    for line in lines:
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) * 1024
    if required:  # a zombie has no memory any more
        raise ProcessLookupError(f"process {pid} has ended")
    return 0.0
