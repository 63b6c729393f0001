"""``tuner workers``."""

from __future__ import annotations

import click

from tuner.cli.output import emit, show
from tuner.cli.reach import EPILOG, Reach, json_option, reach_options


@click.command("workers", epilog=EPILOG)
@reach_options
@json_option
def workers_command(reach: Reach, as_json: bool) -> None:
    """List the workers that a server knows, what they do and what they offer.

    --json: a list of workers: id, name, state, reason, trial, registered_at, seen_at, device, software, labels, and
    knobs, meters, workloads [{name, available, domain, reason, current, low, high, values, metrics}].
    """
    from tuner_protos.convert import inventory_from_proto

    from tuner.core.clock import SteadyClock
    from tuner.report.records import worker_record
    from tuner.report.tables import workers_table

    with reach.client() as client:
        workers = client.workers()
    if as_json:
        emit([worker_record(worker, inventory_from_proto(worker.inventory)) for worker in workers])
    elif workers:
        show(workers_table(workers, SteadyClock().now()))
    else:
        click.echo("no worker has registered; `tuner worker --server HOST:PORT` starts one")
