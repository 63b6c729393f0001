"""Kernel settings under /proc/sys, as data. One row is one knob.

Meanings and bounds: Linux kernel documentation, admin-guide/sysctl/vm.rst and kernel.rst.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tuner.core.expression import Value
from tuner_workers.knobs import files
from tuner_workers.knobs.base import Domain, KnobRefused, SystemKnob, Unavailable


@dataclass(frozen=True)
class Setting:
    """One kernel setting that holds a whole number.

    Attributes:
        name: as ``sysctl`` calls it; the knob has the same name.
        low, high: what is sane; the kernel may take less and then refuses.
        excludes: a setting that is in force instead of this one while it is not 0.
    """

    name: str
    low: int
    high: int
    unit: str = ""
    excludes: str | None = None
    dangerous: bool = False


SETTINGS = (
    Setting("vm.swappiness", 0, 200),  # kernels before 5.8 refuse more than 100
    Setting("vm.vfs_cache_pressure", 1, 1000),  # at 0 the kernel never gives this memory back
    Setting("vm.dirty_ratio", 1, 100, "% of free memory", excludes="vm.dirty_bytes"),
    Setting("vm.dirty_background_ratio", 1, 100, "% of free memory", excludes="vm.dirty_background_bytes"),
    Setting("vm.overcommit_memory", 0, 1, dangerous=True),  # 2 makes programs fail that run today
    Setting("kernel.numa_balancing", 0, 1),
)


class SysctlKnob(SystemKnob):
    """A whole number in a file under /proc/sys."""

    def __init__(self, setting: Setting, root: Path = Path("/")) -> None:
        self.name, self.dangerous = setting.name, setting.dangerous
        self._setting = setting
        self._root = root

    def _path(self, name: str) -> Path:
        return self._root / "proc/sys" / name.replace(".", "/")

    @property
    def path(self) -> Path:
        """The file behind this setting."""
        return self._path(self.name)

    def probe(self) -> Domain | Unavailable:
        refusal = files.writable(self.path)
        if refusal is not None:
            return refusal
        excludes = self._setting.excludes
        # Writing one of such a pair zeroes the other, so the knob keeps out where the other is in use.
        if excludes is not None and (amount := files.read(self._path(excludes))) != "0":
            return Unavailable(f"{excludes} is set to {amount} and takes its place; set it to 0 first")
        return self._domain()

    def _domain(self) -> Domain | Unavailable:
        return Domain("int", self._setting.low, self._setting.high, unit=self._setting.unit)

    def read(self) -> int:
        text = files.read(self.path)
        try:
            return int(text)
        except ValueError as error:
            raise OSError(f"{self.path} holds {text!r}, not a whole number") from error

    def apply(self, value: Value) -> None:
        files.write(self.path, str(value))
        if (found := self.read()) != value:
            raise KnobRefused(f"{self.path} was given {value} and now holds {found}")


class HugePagesKnob(SysctlKnob):
    """Persistent huge pages. The kernel gives as many as it finds memory for; fewer than asked for is a refusal."""

    def __init__(self, root: Path = Path("/")) -> None:
        super().__init__(Setting("vm.nr_hugepages", 0, 0, "pages", dangerous=True), root)

    def _domain(self) -> Domain | Unavailable:
        sizes = dict(line.split(":", 1) for line in files.read(self._root / "proc/meminfo").splitlines())
        if "Hugepagesize" not in sizes:
            return Unavailable("this kernel has no huge pages")
        total, page = (int(sizes[key].split()[0]) for key in ("MemTotal", "Hugepagesize"))
        # Pages set aside are lost to everyone else: half of the memory stays.
        return Domain("int", 0, total // 2 // page, unit=self._setting.unit)


def sysctl_knobs(root: Path = Path("/")) -> list[SystemKnob]:
    """Every kernel setting known here."""
    return [*(SysctlKnob(setting, root) for setting in SETTINGS), HugePagesKnob(root)]
