from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tuner_workers.knobs.base import Unavailable
from tuner_workers.meters.clock import WallMeter
from tuner_workers.meters.cpu import CpuMeter
from tuner_workers.meters.energy import ModelledEnergyMeter, RaplMeter
from tuner_workers.meters.memory import MemoryMeter
from tuner_workers.meters.registry import meters
from tuner_workers.policy import Policy


class FixedClock:
    def __init__(self, *times: float) -> None:
        self._times = iter(times)

    def now(self) -> float:
        return next(self._times)


def test_wall_time_is_the_clocks():
    meter = WallMeter(FixedClock(0.0, 10.0, 12.5))
    meter.start(1)
    assert meter.stop()["wall_s"].value == 2.5


# A fake tree, because no virtual machine has RAPL


def packages(root: Path, *energies: int, names: tuple[str, ...] = ()) -> Path:
    for index, energy in enumerate(energies):
        folder = root / f"sys/class/powercap/intel-rapl:{index}"
        folder.mkdir(parents=True, exist_ok=True)
        name = names[index] if names else f"package-{index}"
        for file, text in {"name": name, "energy_uj": energy, "max_energy_range_uj": 9_999_999}.items():
            (folder / file).write_text(f"{text}\n")
    return root


def test_packages_are_summed_and_their_parts_are_not(tmp_path: Path):
    packages(tmp_path, 1_000_000, 2_000_000)
    (tmp_path / "sys/class/powercap/intel-rapl:0:0").mkdir()
    meter = RaplMeter(tmp_path)
    meter.start(1)
    packages(tmp_path, 1_500_000, 4_000_000)
    reading = meter.stop()["energy_j"]
    assert reading.value == pytest.approx(2.5)
    assert (reading.unit, reading.method) == ("J", "measured: RAPL, 2 CPU package(s)")


def test_the_whole_platform_is_not_added_to_its_packages(tmp_path: Path):
    names = ("package-0", "psys")
    meter = RaplMeter(packages(tmp_path, 0, 0, names=names))
    meter.start(1)
    packages(tmp_path, 1_000_000, 9_000_000, names=names)
    assert meter.stop()["energy_j"].value == pytest.approx(1.0)


def test_a_counter_that_wrapped_is_mended(tmp_path: Path):
    meter = RaplMeter(packages(tmp_path, 9_999_999))
    meter.start(1)
    packages(tmp_path, 1_999_999)
    assert meter.stop()["energy_j"].value == pytest.approx(2.0)


@pytest.mark.parametrize("text", ["", "not a number\n"])
def test_a_counter_that_cannot_be_read_is_no_meter(text: str, tmp_path: Path):
    packages(tmp_path, 0)
    (tmp_path / "sys/class/powercap/intel-rapl:0/energy_uj").write_text(text)
    assert isinstance(RaplMeter(tmp_path).probe(), Unavailable)


def test_a_counter_for_root_alone_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The refusal is feigned, because root may read everything."""

    def refuse(path: Path, *args: object, **kwargs: object) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    packages(tmp_path, 0)
    monkeypatch.setattr(Path, "read_text", refuse)
    probed = RaplMeter(tmp_path).probe()
    assert isinstance(probed, Unavailable)
    assert "is not readable: run the worker as root" in probed.reason


def test_energy_is_measured_where_it_can_be_and_else_modelled(tmp_path: Path):
    policy = Policy("test", {}, frozenset(), watts_per_core=12)
    modelled = meters(policy, tmp_path)
    assert modelled.keys() == {"wall", "cpu", "memory", "modelled_energy"}
    declared = modelled["modelled_energy"].declares()["energy_j"]
    assert declared.method == "modelled: cpu time x 12 W per core"
    assert "RAPL" in modelled["modelled_energy"].note()
    measured = meters(policy, packages(tmp_path, 0))
    assert measured.keys() == {"wall", "cpu", "memory", "rapl"}


# Real processes

WORK = """
import os, sys
block = b""
for line in sys.stdin:
    what = line.strip()
    if what == "spin":
        end = sum(os.times()[:2]) + 0.1
        while sum(os.times()[:2]) < end: pass
    elif what == "child":
        import subprocess
        subprocess.run([sys.executable, "-S", "-c", "import os\\nwhile sum(os.times()[:2]) < 0.1: pass"])
    elif what == "memory":
        block = bytearray(50_000_000)
    elif what == "free":
        block = b""
    print(what, flush=True)
"""


class Program:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-c", WORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self.process.pid

    def do(self, what: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == what + "\n"


@pytest.fixture
def program() -> Iterator[Program]:
    program = Program()
    program.do("nothing")
    yield program
    program.process.communicate()


def test_cpu_time_is_that_of_the_process_not_of_the_wall(program: Program):
    """The process spins until it has used 100 ms more; the kernel's own total is the reference."""
    meter = CpuMeter()
    before = time.clock_gettime((~program.pid << 3) | 2)
    meter.start(program.pid)
    program.do("spin")
    used = meter.stop()["cpu_s"].value
    assert used == pytest.approx(time.clock_gettime((~program.pid << 3) | 2) - before, abs=0.005)
    assert used >= 0.09  # it knows its own time to one tick


def test_cpu_time_counts_children_that_have_ended(program: Program):
    meter = CpuMeter()
    meter.start(program.pid)
    program.do("child")
    assert meter.stop()["cpu_s"].value >= 0.09  # the child leaves at 100 ms, known to one tick


def test_modelled_energy_is_cpu_time_times_watts(program: Program):
    cpu, energy = CpuMeter(), ModelledEnergyMeter(watts_per_core=20)
    energy.start(program.pid)
    cpu.start(program.pid)
    program.do("spin")
    seconds = cpu.stop()["cpu_s"].value
    assert energy.stop()["energy_j"].value == pytest.approx(20 * seconds, rel=0.1)


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="this kernel cannot reset peak memory")
def test_the_peak_of_memory_is_kept_and_counts_anew(program: Program):
    meter = MemoryMeter()
    meter.start(program.pid)
    program.do("memory")
    program.do("free")
    assert meter.stop()["rss_mb"].value > 50
    meter.start(program.pid)
    assert meter.stop()["rss_mb"].value < 50


@pytest.mark.parametrize("meter", [CpuMeter(), MemoryMeter(), ModelledEnergyMeter(1.0)])
def test_a_process_that_is_gone_is_an_error(meter: CpuMeter):
    program = Program()
    program.process.communicate()
    with pytest.raises(OSError, match=f"process {program.pid} has ended"):
        meter.start(program.pid)
