"""Properties that a process is given at its start: which CPUs it runs on, and its niceness."""

from __future__ import annotations

import os
from pathlib import Path

from tuner.core.expression import Value
from tuner_workers.knobs import files
from tuner_workers.knobs.base import Domain, Launch, LaunchKnob, Unavailable


class CpusKnob(LaunchKnob):
    """How many CPUs the workload may run on, of those that the worker may (sched_setaffinity(2)).

    A count, because a count is a number that a model can learn from. One hardware thread of every core comes before
    the second of any, so that fewer CPUs never means a shared core while another one is idle.
    """

    name = "process.cpus"

    def __init__(self, root: Path = Path("/")) -> None:
        self._topology = root / "sys/devices/system/cpu"

    def probe(self) -> Domain | Unavailable:
        return Domain("int", 1, self.read(), unit="CPUs")

    def read(self) -> int:
        return len(os.sched_getaffinity(0))

    def shape(self, launch: Launch, value: Value) -> None:
        launch.affinity = frozenset(self.order()[: int(value)])

    def order(self) -> list[int]:
        """The CPUs that the worker may run on, in the order in which they are given out."""
        return sorted(os.sched_getaffinity(0), key=lambda cpu: (self._thread(cpu), cpu))

    def _thread(self, cpu: int) -> int:
        """Which hardware thread of its core ``cpu`` is, from 0."""
        siblings = self._topology / f"cpu{cpu}/topology/thread_siblings_list"
        return expand(files.read(siblings)).index(cpu) if siblings.exists() else 0

    def read_child(self, pid: int) -> int:
        return len(os.sched_getaffinity(pid))


def expand(cpus: str) -> list[int]:
    """The numbers in a list as the kernel writes it: "0,4-6" is 0, 4, 5, 6."""
    ranges = (part.partition("-") for part in cpus.split(",") if part)
    return [cpu for low, _, high in ranges for cpu in range(int(low), int(high or low) + 1)]


class NiceKnob(LaunchKnob):
    """How far the workload yields to others, from -20 (first) to 19 (last) (sched(7)); below the worker's own only as
    root."""

    name = "process.nice"

    def probe(self) -> Domain | Unavailable:
        return Domain("int", -20 if os.geteuid() == 0 else self.read(), 19)

    def read(self) -> int:
        return os.getpriority(os.PRIO_PROCESS, 0)

    def shape(self, launch: Launch, value: Value) -> None:
        launch.niceness = int(value) - self.read()

    def read_child(self, pid: int) -> int:
        return os.getpriority(os.PRIO_PROCESS, pid)


def process_knobs(root: Path = Path("/")) -> list[LaunchKnob]:
    """Affinity and niceness."""
    return [CpusKnob(root), NiceKnob()]
