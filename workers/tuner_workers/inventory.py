"""What this device is and offers, and why it does not offer the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tuner.core.worker import Inventory, Offer
from tuner_workers.fingerprint import fingerprint
from tuner_workers.knobs.base import Domain, Knob, Unavailable
from tuner_workers.meters.base import Meter
from tuner_workers.policy import Policy


def take(
    policy: Policy,
    knobs: Mapping[str, Knob],
    meters: Mapping[str, Meter],
    workloads: Mapping[str, Offer],
    root: Path = Path("/"),
) -> Inventory:
    """Look at everything without changing anything.

    Args:
        workloads: by kind, as the workloads' own registry offers them.
        root: where the device's file system starts.
    """
    return Inventory(
        fingerprint(root),
        knobs=tuple(_knob_offer(policy, name, knob) for name, knob in sorted(knobs.items())),
        meters=tuple(_meter_offer(name, meter) for name, meter in sorted(meters.items())),
        workloads=tuple(workloads[kind] for kind in sorted(workloads)),
        labels=policy.labels,
    )


def _knob_offer(policy: Policy, name: str, knob: Knob) -> Offer:
    try:
        probed = knob.probe()
        allowed = policy.domain(name, probed) if isinstance(probed, Domain) else probed
        current = knob.read() if isinstance(probed, Domain) else None
    except Exception as error:  # a knob of a third party may raise anything, and the other offers still stand
        return Offer(name, available=False, reason=f"{type(error).__name__}: {error}")
    if isinstance(allowed, Unavailable):
        domain = str(probed) if isinstance(probed, Domain) else ""
        return Offer(name, available=False, domain=domain, reason=allowed.reason, current=current)
    return Offer(
        name,
        available=True,
        domain=str(allowed),
        current=current,
        low=allowed.low,
        high=allowed.high,
        values=(False, True) if allowed.kind == "bool" else allowed.values if allowed.kind == "choice" else None,
    )


def _meter_offer(name: str, meter: Meter) -> Offer:
    try:
        refusal = meter.probe()
        declared = {} if refusal is not None else meter.declares()
    except Exception as error:  # as above
        return Offer(name, available=False, reason=f"{type(error).__name__}: {error}")
    if refusal is not None:
        return Offer(name, available=False, reason=refusal.reason)
    metrics = {metric: it.unit for metric, it in declared.items()}
    return Offer(name, available=True, domain=", ".join(metrics), reason=meter.note(), metrics=metrics)
