"""Inventory and fingerprint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pytest
from tuner_workers.fingerprint import fingerprint
from tuner_workers.inventory import take
from tuner_workers.knobs.base import Domain, Launch, LaunchKnob, Unavailable
from tuner_workers.knobs.sysctl import Setting, SysctlKnob
from tuner_workers.meters.base import Declared, Meter, Quantity
from tuner_workers.meters.energy import ModelledEnergyMeter
from tuner_workers.policy import KnobRule, Policy

from tuner.core.worker import Offer


class Any(LaunchKnob):
    """A knob that probes as it is told."""

    def __init__(self, name: str, probed: Domain | Unavailable | Exception) -> None:
        self.name, self._probed = name, probed

    def probe(self) -> Domain | Unavailable:
        if isinstance(self._probed, Exception):
            raise self._probed
        return self._probed

    def read(self) -> int:
        return 3

    def shape(self, launch: Launch, value: object) -> None:
        raise AssertionError("to take an inventory changes nothing")

    def read_child(self, pid: int) -> int:
        return 3


class Absent(Meter):
    name = "absent"

    def probe(self) -> Unavailable | None:
        return Unavailable("no such thing here")

    def declares(self) -> Mapping[str, Declared]:
        raise AssertionError("what is not there declares nothing")

    def start(self, pid: int) -> None: ...

    def stop(self) -> Mapping[str, Quantity]:
        return {}


def offers(*knobs: Any, rules: Mapping[str, KnobRule] | None = None) -> dict[str, Offer]:
    rules = {knob.name: KnobRule() for knob in knobs} if rules is None else rules
    policy = Policy("policy.yaml", rules, frozenset())
    return {offer.name: offer for offer in take(policy, {knob.name: knob for knob in knobs}, {}, {}).knobs}


def test_each_knob_is_offered_with_what_policy_and_device_allow():
    found = offers(
        Any("a.int", Domain("int", 0, 9, unit="MiB")),
        Any("a.choice", Domain("choice", values=("x", "y"))),
        Any("a.bool", Domain("bool")),
        rules={"a.int": KnobRule(low=2), "a.choice": KnobRule(values=("y",)), "a.bool": KnobRule()},
    )
    assert found["a.int"] == Offer("a.int", True, domain="int 2..9 MiB", current=3, low=2, high=9)
    assert found["a.choice"] == Offer("a.choice", True, domain="y", current=3, values=("y",))
    assert found["a.bool"].values == (False, True)


def test_what_is_not_offered_has_its_reason():
    broken = SysctlKnob(Setting("vm.nothing", 0, 1), Path("/nowhere"))
    found = offers(
        Any("a.missing", Unavailable("no driver")),
        Any("a.raises", RuntimeError("driver bug")),
        Any("a.forbidden", Domain("int", 0, 9)),
        rules={"a.missing": KnobRule(), "a.raises": KnobRule()},
    )
    assert found["a.missing"] == Offer("a.missing", False, reason="no driver")
    assert found["a.raises"] == Offer("a.raises", False, reason="RuntimeError: driver bug")
    assert not found["a.forbidden"].available
    assert "policy.yaml does not allow a.forbidden" in found["a.forbidden"].reason
    assert (found["a.forbidden"].domain, found["a.forbidden"].current) == ("int 0..9", 3)
    assert isinstance(broken.probe(), Unavailable)


def test_meters_workloads_and_labels_are_in_it():
    policy = Policy("p", {}, frozenset(), labels={"site": "lab"})
    workloads = {"replay": Offer("replay", True)}
    meters = {"absent": Absent(), "modelled_energy": ModelledEnergyMeter(12, Unavailable("RAPL: none"))}
    inventory = take(policy, {}, meters, workloads)
    assert inventory.labels == {"site": "lab"}
    assert inventory.workloads == (Offer("replay", True),)
    absent, energy = inventory.meters
    assert absent == Offer("absent", False, reason="no such thing here")
    assert energy.reason == "modelled: cpu time x 12 W per core (RAPL: none)"
    assert energy.metrics == {"energy_j": "J"}


# Fingerprint, on fake trees


PLACES = {
    "cpuinfo": "proc/cpuinfo",
    "meminfo": "proc/meminfo",
    "present": "sys/devices/system/cpu/present",
    "model": "proc/device-tree/model",
    "vendor": "sys/class/dmi/id/sys_vendor",
    "product": "sys/class/dmi/id/product_name",
}


def tree(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / PLACES[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_this_device_has_a_fingerprint_that_stays():
    first, second = fingerprint(), fingerprint()
    assert first == second
    assert {"arch", "cores", "memory_gib"} <= first.device.keys()
    assert first.software["python"].startswith("3.")
    assert all(isinstance(fact, str) and fact for fact in first.device.values())


def test_an_arm_board_is_known_by_its_device_tree(tmp_path: Path):
    board = tree(
        tmp_path,
        cpuinfo="processor : 0\nCPU implementer : 0x41\nCPU part : 0xd07\n",
        present="0-5\n",
        model="NVIDIA Jetson TX2\0",
        meminfo="MemTotal: 8048456 kB\n",
    )
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvhost-gpu").touch()
    (tmp_path / "dev/apex_0").touch()
    device = fingerprint(board).device
    assert device["cpu_model"] == "implementer 0x41 part 0xd07"
    assert device["cores"] == "6"
    assert device["board"] == "NVIDIA Jetson TX2"
    assert device["memory_gib"] == "8"
    assert device["accelerators"] == "Tegra GPU, Edge TPU"


def test_a_server_is_known_by_dmi_and_its_gpus(tmp_path: Path):
    root = tree(tmp_path, cpuinfo="model name\t: Big CPU @ 2 GHz\n", present="0,2-3\n", vendor="ACME\n", product="R1\n")
    for bus in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / "proc/driver/nvidia/gpus" / bus).mkdir(parents=True)
    (tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0/information").write_text("Model: \t\t NVIDIA H200\nIRQ: 1\n")
    device = fingerprint(root).device
    assert device["cpu_model"] == "Big CPU @ 2 GHz"
    assert device["cores"] == "3"
    assert device["board"] == "ACME R1"
    assert device["accelerators"] == "NVIDIA H200, NVIDIA GPU"


@pytest.mark.parametrize("nominal", [1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512])
def test_boards_of_one_size_agree_whatever_the_firmware_keeps(nominal: int, tmp_path: Path):
    for kept in (0.0, 0.01, 0.03, 0.06, 0.1):
        tree(tmp_path, meminfo=f"MemTotal: {math.floor(nominal * (1 - kept) * 2**20)} kB\n")
        assert fingerprint(tmp_path).device["memory_gib"] == str(nominal)


@pytest.mark.parametrize("text", ["", "MemTotal: lots\n", "MemTotal: 0 kB\n"])
def test_what_a_device_does_not_tell_is_left_out(text: str, tmp_path: Path):
    device = fingerprint(tree(tmp_path, meminfo=text)).device
    assert device.keys() == {"arch", "cores"}
