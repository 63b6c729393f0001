"""A worker as the server knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tuner.core.environment import Fingerprint


class WorkerState(str, Enum):
    """Life of a worker. QUARANTINED: it could not verify that its device was restored."""

    ONLINE = "online"
    DRAINING = "draining"
    OFFLINE = "offline"
    QUARANTINED = "quarantined"


@dataclass(frozen=True)
class Offer:
    """Something a device offers or lacks: a knob, a meter, a workload.

    Attributes:
        name: registered name, such as ``cgroup.cpu_quota``.
        available: whether it can be used now, by this worker, under its policy.
        domain: for a knob: its kind and range in words; for a meter: metrics; for a workload: settings.
        reason: why it is not available, or how good it is ("modelled: cpu time x 12 W").
        current: for a knob, the value read on the device.
        low, high, values: for a knob, what policy and device allow together (None: not bounded, or not listed).
        metrics: for a meter or workload, the metrics it declares, with their units.
    """

    name: str
    available: bool
    domain: str = ""
    reason: str = ""
    current: bool | int | float | str | None = None
    low: float | None = None
    high: float | None = None
    values: tuple[bool | int | float | str, ...] | None = None
    metrics: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Inventory:
    """What a device is and what it offers."""

    fingerprint: Fingerprint
    knobs: tuple[Offer, ...] = ()
    meters: tuple[Offer, ...] = ()
    workloads: tuple[Offer, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Worker:
    """A registered worker. ``id`` is chosen by the worker once and kept in its state directory."""

    id: str
    name: str
    state: WorkerState
    inventory: Inventory
    registered_at: float
    seen_at: float
    reason: str = ""
