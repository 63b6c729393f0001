"""Every knob that ships keeps every promise of the contract, on the real kernel where it is there.

Root is needed for most system knobs; without it they are skipped and say so. CPU frequency and control groups of
version 2 are checked on a fake tree, because a virtual machine has neither.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from tuner_workers.knobs.base import Domain, Knob
from tuner_workers.knobs.cpufreq import CpufreqKnob, cpufreq_knobs
from tuner_workers.knobs.registry import built_in
from tuner_workers.testing.knob import KnobTestCase, ordinary_values

from tuner.core.expression import Value

DEVICE = {knob.name: knob for knob in built_in()}

GENTLE: dict[str, Sequence[Value]] = {
    "vm.nr_hugepages": (0, 2),
    "cgroup.memory_mb": (64, 128),
    "cgroup.cpu_quota": (0.25, 0.5, 1.0),
}
"""Instead of the ends of the domain, which would take half of the machine's memory, or starve the child."""

FILES = {
    "vm.swappiness": "proc/sys/vm/swappiness",
    "thp.enabled": "sys/kernel/mm/transparent_hugepage/enabled",
    "vm.dirty_ratio": "proc/sys/vm/dirty_ratio",
}


class TestOnThisDevice(KnobTestCase):
    @pytest.fixture(params=sorted(DEVICE))
    def knob(self, request: pytest.FixtureRequest) -> Knob:
        return DEVICE[request.param]

    @pytest.fixture
    def values(self, knob: Knob, domain: Domain) -> Sequence[Value]:
        return GENTLE.get(knob.name) or ordinary_values(domain)

    @pytest.fixture
    def files(self, knob: Knob) -> Sequence[Path]:
        return [Path("/", FILES[knob.name])] if knob.name in FILES else []


def test_as_root_the_kernels_own_settings_are_really_turned():
    """So that a machine on which everything is skipped does not pass for one on which everything works."""
    if os.geteuid() != 0 or not os.access("/proc/sys/vm/swappiness", os.W_OK):
        pytest.skip("needs root and a writable /proc/sys")
    assert isinstance(DEVICE["vm.swappiness"].probe(), Domain)


FREQUENCY_FILES = {
    "scaling_governor": "schedutil",
    "scaling_available_governors": "performance powersave userspace schedutil",
    "cpuinfo_min_freq": "345600",
    "cpuinfo_max_freq": "2035200",
    "scaling_min_freq": "345600",
    "scaling_max_freq": "2035200",
}


class TestFrequencyOnAFakeTree(KnobTestCase):
    """No driver answers here, so what it would refuse is not seen; what is written and put back is."""

    @pytest.fixture(params=["cpufreq.governor", "cpufreq.min_khz", "cpufreq.max_khz"])
    def knob(self, request: pytest.FixtureRequest, tmp_path: Path) -> Knob:
        for policy in ("policy0", "policy4"):
            folder = tmp_path / "sys/devices/system/cpu/cpufreq" / policy
            folder.mkdir(parents=True)
            for name, text in FREQUENCY_FILES.items():
                (folder / name).write_text(text + "\n")
        return next(knob for knob in cpufreq_knobs(tmp_path) if knob.name == request.param)

    def test_a_refusal_leaves_it_restorable(self, knob: Knob, domain: Domain) -> None:
        """The second policy's file cannot be written: the first has changed by then, and can be put back."""
        assert isinstance(knob, CpufreqKnob)
        first, second = (policy / knob.file for policy in knob.policies())
        before, original = first.read_bytes(), knob.capture()
        held = second.read_bytes()
        second.unlink()
        second.symlink_to("/dev/full")
        value = ordinary_values(domain)[1]
        with pytest.raises(OSError, match="No space left"):
            knob.apply(value)
        assert first.read_text() == f"{value}\n"
        second.unlink()
        second.write_bytes(held)
        knob.restore(original)
        assert (first.read_bytes(), second.read_bytes()) == (before, held)

    @pytest.fixture
    def files(self, tmp_path: Path) -> Sequence[Path]:
        return sorted(tmp_path.glob("sys/devices/system/cpu/cpufreq/*/*"))
