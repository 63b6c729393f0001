"""Every meter that ships keeps every promise of the contract. RAPL is on a fake tree: a virtual machine has none."""

from __future__ import annotations

from pathlib import Path

import pytest
from tuner_workers.meters.base import Meter
from tuner_workers.meters.clock import WallMeter
from tuner_workers.meters.cpu import CpuMeter
from tuner_workers.meters.energy import ModelledEnergyMeter, RaplMeter
from tuner_workers.meters.memory import MemoryMeter
from tuner_workers.testing.meter import MeterTestCase

from tuner.core.clock import SteadyClock


class TestWall(MeterTestCase):
    @pytest.fixture
    def meter(self) -> Meter:
        return WallMeter(SteadyClock())


class TestCpu(MeterTestCase):
    @pytest.fixture
    def meter(self) -> Meter:
        return CpuMeter()


class TestMemory(MeterTestCase):
    @pytest.fixture
    def meter(self) -> Meter:
        return MemoryMeter()


class TestModelledEnergy(MeterTestCase):
    @pytest.fixture
    def meter(self) -> Meter:
        return ModelledEnergyMeter(watts_per_core=7.5)


class TestRaplOfThisDevice(MeterTestCase):
    @pytest.fixture
    def meter(self) -> Meter:
        return RaplMeter()


class TestRaplOnAFakeTree(MeterTestCase):
    @pytest.fixture
    def meter(self, tmp_path: Path) -> Meter:
        folder = tmp_path / "sys/class/powercap/intel-rapl:0"
        folder.mkdir(parents=True)
        for name, text in {"name": "package-0", "energy_uj": "5", "max_energy_range_uj": "262143328850"}.items():
            (folder / name).write_text(text + "\n")
        return RaplMeter(tmp_path)
