"""What else the device did during a run. A disturbed run counts, and says so."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

BUSY = 0.1
"""Share of the device's CPU time that others may use before a run is flagged as "busy"."""

SHORTEST = 0.2
"""Seconds below which CPU time, counted in ticks of 10 ms, says nothing about others."""


@dataclass(frozen=True)
class Sample:
    """Counters of the device at one moment.

    Attributes:
        used: CPU seconds that were not idle, over all cores; on a virtual machine with those stolen by its host.
        own: CPU seconds of the measured process and its descendants; None when it is gone.
        cores: number of cores.
        swapped: pages swapped in or out.
        throttled: times that a core was slowed down because of heat.
    """

    used: float
    own: float | None
    cores: int
    swapped: int = 0
    throttled: int = 0


def sample(pid: int, root: Path = Path("/")) -> Sample:
    """The counters now.

    Args:
        pid: the measured process.
        root: where the device's file system starts, for swapping and heat.
    """
    times = psutil.cpu_times()._asdict()
    idle = times["idle"] + times.get("iowait", 0.0)
    # Guest time is part of user time already (proc(5), /proc/stat).
    total = sum(seconds for name, seconds in times.items() if not name.startswith("guest"))
    return Sample(total - idle, _cpu_seconds(pid), psutil.cpu_count() or 1, _swapped(root), _throttled(root))


def disturbances(before: Sample, after: Sample, duration: float) -> tuple[str, ...]:
    """Flags for a run of ``duration`` seconds between two samples: "busy", "swapped", "throttled"."""
    flags = []
    if duration >= SHORTEST and before.own is not None and after.own is not None:
        others = (after.used - before.used) - (after.own - before.own)
        if others > BUSY * after.cores * duration:
            flags.append("busy")
    if after.swapped > before.swapped:
        flags.append("swapped")
    if after.throttled > before.throttled:
        flags.append("throttled")
    return tuple(flags)


def _cpu_seconds(pid: int) -> float | None:
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        own = process.cpu_times()
    except psutil.NoSuchProcess:
        return None
    seconds = own.children_user + own.children_system
    for member in family:
        with suppress(psutil.NoSuchProcess):
            times = member.cpu_times()
            seconds += times.user + times.system
    return float(seconds)


def _swapped(root: Path) -> int:
    pages = 0
    with suppress(OSError):
        for line in (root / "proc/vmstat").read_text(encoding="ascii").splitlines():
            name, _, count = line.partition(" ")
            if name in ("pswpin", "pswpout"):
                pages += int(count)
    return pages


def _throttled(root: Path) -> int:
    counts = 0
    for path in root.glob("sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/core_throttle_count"):
        with suppress(OSError):
            counts += int(path.read_text(encoding="ascii"))
    return counts
