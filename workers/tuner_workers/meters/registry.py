"""The meters of this device."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tuner.core.clock import SteadyClock
from tuner_workers.meters.base import Meter
from tuner_workers.meters.clock import WallMeter
from tuner_workers.meters.cpu import CpuMeter
from tuner_workers.meters.energy import ModelledEnergyMeter, RaplMeter
from tuner_workers.meters.memory import MemoryMeter
from tuner_workers.policy import Policy


def meters(policy: Policy, root: Path = Path("/")) -> Mapping[str, Meter]:
    """The meters by name; one measures energy, the best that this device has.

    A meter whose ``probe`` says that it is not available must not be started.
    """
    found = [WallMeter(SteadyClock()), CpuMeter(), MemoryMeter(), _energy(policy, root)]
    return {meter.name: meter for meter in found}


def _energy(policy: Policy, root: Path) -> Meter:
    rapl = RaplMeter(root)
    refusal = rapl.probe()
    return rapl if refusal is None else ModelledEnergyMeter(policy.watts_per_core, instead_of=refusal)
