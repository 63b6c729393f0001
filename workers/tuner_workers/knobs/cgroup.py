"""Limits that a control group puts on the workload's processes: CPU time and memory."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

from tuner.core.expression import Value
from tuner_workers.knobs import files
from tuner_workers.knobs.base import Domain, KnobRefused, Launch, LaunchKnob, Unavailable
from tuner_workers.knobs.control_groups import ControlGroups
from tuner_workers.knobs.undo import remove_group

_MIB = 2**20


class CgroupKnob(LaunchKnob):
    """A limit. The greatest value, what the worker itself may use, is "no further limit"."""

    controller: str

    def __init__(self, groups: ControlGroups) -> None:
        self._groups = groups

    def probe(self) -> Domain | Unavailable:
        planned = self._groups.planned(self.controller)
        return planned if isinstance(planned, Unavailable) else self._domain(self.read())

    def read(self) -> Value:
        return self._in_force("self")

    def read_child(self, pid: int) -> Value:
        return self._in_force(pid)

    def shape(self, launch: Launch, value: Value) -> None:
        planned = self._groups.planned(self.controller)
        hierarchy = self._groups.hierarchy(self.controller)
        if isinstance(planned, Unavailable) or hierarchy is None:
            raise KnobRefused(f"{self.name}: {planned}")
        planned.mkdir(exist_ok=True)
        if str(planned) not in launch.cgroups:
            launch.cgroups.append(str(planned))
        limited = float(value) < float(self.read())
        self._write(planned, hierarchy.version, float(value) if limited else None)

    def created(self) -> Sequence[str]:
        planned = self._groups.planned(self.controller)
        return () if isinstance(planned, Unavailable) else (str(planned),)

    def cleanup(self) -> None:
        for group in self.created():
            if (problem := remove_group(Path(group))) is not None:
                raise OSError(problem)

    def _in_force(self, pid: int | str) -> Value:
        hierarchy = self._groups.hierarchy(self.controller)
        if hierarchy is None:
            raise OSError(f"no mounted cgroup hierarchy has the {self.controller} controller")
        group = self._groups.of(pid, hierarchy, self.controller)
        limits = [self._limit(each, hierarchy.version) for each in hierarchy.lineage(group)]
        return self._least([limit for limit in limits if limit is not None])

    @abstractmethod
    def _domain(self, most: Value) -> Domain: ...

    @abstractmethod
    def _least(self, limits: list[float]) -> Value:
        """The limit in force, where each of ``limits`` holds; without any, what the device has."""

    @abstractmethod
    def _limit(self, group: Path, version: int) -> float | None:
        """The limit that ``group`` itself sets, in the knob's unit."""

    @abstractmethod
    def _write(self, group: Path, version: int, value: float | None) -> None:
        """Set the limit of ``group``, or none."""


class CpuQuotaKnob(CgroupKnob):
    """Share of the time of all online CPUs together: 0.5 on four CPUs is the time of two; 1 is no limit."""

    name = "cgroup.cpu_quota"
    controller = "cpu"
    _period = 100_000  # microseconds; the kernel's own default
    _least_share = 0.01  # the kernel takes no quota under 1 ms: 0.01 of one CPU's period

    def _domain(self, most: Value) -> Domain:
        return Domain("float", self._least_share, float(most), unit="of all CPUs")

    def _least(self, limits: list[float]) -> float:
        return min([1.0, *limits])

    def _limit(self, group: Path, version: int) -> float | None:
        if version == 1:
            quota, period = (files.read(group / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
        elif (group / "cpu.max").exists():  # the top of the tree has none
            quota, period = files.read(group / "cpu.max").split()
        else:
            return None
        return None if quota in ("-1", "max") else round(int(quota) / int(period) / _online(), 6)

    def _write(self, group: Path, version: int, value: float | None) -> None:
        quota = None if value is None else round(value * _online() * self._period)
        if version == 1:
            files.write(group / "cpu.cfs_period_us", str(self._period))
            files.write(group / "cpu.cfs_quota_us", "-1" if quota is None else str(quota))
        else:
            files.write(group / "cpu.max", f"{'max' if quota is None else quota} {self._period}")


class MemoryKnob(CgroupKnob):
    """Memory in MiB (2^20 bytes), swap included. A workload that needs more is killed by the kernel."""

    name = "cgroup.memory_mb"
    controller = "memory"
    _least_mib = 16

    def _domain(self, most: Value) -> Domain:
        return Domain("int", self._least_mib, int(most), unit="MiB")

    def _least(self, limits: list[float]) -> int:
        total = next(
            line.split()[1]
            for line in files.read(self._groups.root / "proc/meminfo").splitlines()
            if line.startswith("MemTotal:")
        )
        return int(min([int(total) // 1024, *limits]))

    def _limit(self, group: Path, version: int) -> float | None:
        path = group / ("memory.limit_in_bytes" if version == 1 else "memory.max")
        text = files.read(path) if path.exists() else "max"
        return None if text == "max" else int(text) // _MIB

    def _write(self, group: Path, version: int, value: float | None) -> None:
        limit = None if value is None else str(int(value) * _MIB)
        if version == 1:
            files.write(group / "memory.limit_in_bytes", limit or "-1")
            with_swap, swap = group / "memory.memsw.limit_in_bytes", limit or "-1"
        else:
            files.write(group / "memory.max", limit or "max")
            with_swap, swap = group / "memory.swap.max", "max" if limit is None else "0"
        if with_swap.exists():  # swap accounting can be left out of a kernel
            files.write(with_swap, swap)


def _online() -> int:
    return os.sysconf("SC_NPROCESSORS_ONLN")


def cgroup_knobs(root: Path = Path("/")) -> list[LaunchKnob]:
    """CPU share and memory."""
    groups = ControlGroups(root)
    return [CpuQuotaKnob(groups), MemoryKnob(groups)]
