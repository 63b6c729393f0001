"""``tuner doctor``."""

from __future__ import annotations

from pathlib import Path

import click

from tuner.cli.output import emit, show
from tuner.cli.reach import READABLE, json_option


@click.command("doctor")
@click.option("--policy", type=READABLE, help="What this device allows; default: every knob that is not dangerous.")
@json_option
def doctor_command(policy: Path | None, as_json: bool) -> None:
    """Show what this device offers under a policy: knobs with their domains and values now, meters, workloads, and why
    something is not available. Nothing is changed, and no server is needed.

    --json: policy, device, software, labels, and knobs, meters, workloads [{name, available, domain, reason, current,
    low, high, values, metrics}].
    """
    from tuner_workers import inventory
    from tuner_workers.knobs.registry import knobs
    from tuner_workers.meters.registry import meters
    from tuner_workers.workloads.registry import offers

    from tuner.cli.policy import chosen_policy
    from tuner.report.records import inventory_record
    from tuner.report.tables import facts_table, offers_table

    allowed = chosen_policy(policy, own_device=policy is None)
    found = inventory.take(allowed, knobs(), meters(allowed), {offer.name: offer for offer in offers(allowed)})
    if as_json:
        emit({"policy": allowed.source, **inventory_record(found)})
        return
    show(
        facts_table({**found.fingerprint.device, **found.fingerprint.software, "policy": allowed.source}),
        offers_table("knobs", found.knobs),
        offers_table("meters", found.meters),
        offers_table("workloads", found.workloads),
    )
