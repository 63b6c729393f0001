"""Energy: measured where the device can, else modelled, and called so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tuner_workers.knobs.base import Unavailable
from tuner_workers.meters.base import Declared, Meter, Quantity
from tuner_workers.meters.cpu import CpuMeter

_PACKAGE = re.compile(r"intel-rapl:\d+")


@dataclass(frozen=True)
class _Zone:
    """One package's counter: microjoules that start again at 0 beyond ``wraps_at``."""

    energy: Path
    wraps_at: int

    def read(self) -> int:
        return int(self.energy.read_text())


class RaplMeter(Meter):
    """The energy counters of the CPU packages (Linux kernel documentation, power/powercap/powercap.rst), in J.

    The whole device's, whoever uses it. Packages are summed; their parts (core, dram) are not counted again, nor is
    "psys", which contains them. A counter that wrapped once is mended; one that wrapped twice cannot be told from it:
    at 100 W that takes more than an hour.
    """

    name = "rapl"

    def __init__(self, root: Path = Path("/")) -> None:
        self._folder = root / "sys/class/powercap"
        self._before: list[tuple[_Zone, int]] = []

    def _zones(self) -> list[_Zone]:
        if not self._folder.is_dir():
            return []
        folders = sorted(entry for entry in self._folder.iterdir() if _PACKAGE.fullmatch(entry.name))
        return [
            _Zone(folder / "energy_uj", int((folder / "max_energy_range_uj").read_text()))
            for folder in folders
            if (folder / "name").read_text().startswith("package")
        ]

    def probe(self) -> Unavailable | None:
        try:
            zones = self._zones()
            for zone in zones:
                zone.read()
        except PermissionError as error:
            return Unavailable(f"RAPL: {error.filename} is not readable: run the worker as root")
        except (OSError, ValueError) as error:
            return Unavailable(f"RAPL: {error}")
        return None if zones else Unavailable(f"RAPL: {self._folder} has no CPU package (usual in a virtual machine)")

    def declares(self) -> Mapping[str, Declared]:
        return {"energy_j": Declared("J", f"measured: RAPL, {len(self._zones())} CPU package(s)")}

    def start(self, pid: int) -> None:
        self._before = [(zone, zone.read()) for zone in self._zones()]

    def stop(self) -> Mapping[str, Quantity]:
        # Modulo: a counter that is lower than before has wrapped.
        used = sum((zone.read() - before) % (zone.wraps_at + 1) for zone, before in self._before)
        return {name: Quantity(used / 1e6, it.unit, it.method) for name, it in self.declares().items()}


class ModelledEnergyMeter(Meter):
    """CPU seconds of the workload times a stated power: an estimate, and no better than that number.

    Args:
        watts_per_core: power in W that a busy core is taken to draw.
        instead_of: why energy is not measured.
    """

    name = "modelled_energy"

    def __init__(self, watts_per_core: float, instead_of: Unavailable | None = None) -> None:
        self._watts = watts_per_core
        self._declared = Declared("J", f"modelled: cpu time x {watts_per_core:g} W per core")
        self._instead_of = instead_of
        self._cpu = CpuMeter()

    def probe(self) -> Unavailable | None:
        return self._cpu.probe()

    def note(self) -> str:
        reason = "" if self._instead_of is None else f" ({self._instead_of.reason})"
        return f"{self._declared.method}{reason}"

    def declares(self) -> Mapping[str, Declared]:
        return {"energy_j": self._declared}

    def start(self, pid: int) -> None:
        self._cpu.start(pid)

    def stop(self) -> Mapping[str, Quantity]:
        joules = self._cpu.stop()["cpu_s"].value * self._watts
        return {"energy_j": Quantity(joules, self._declared.unit, self._declared.method)}
