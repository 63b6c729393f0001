"""``tuner run``: server, worker and view in one command."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner.cli.children import POLL, Child
from tuner.cli.embedded import Interrupted, embedded_server, refuse_second_server
from tuner.cli.files import read_study
from tuner.cli.home import Home, default_home
from tuner.cli.interruptions import Interruptions
from tuner.cli.main import FAILED
from tuner.cli.reach import CALL_LIMIT, READABLE
from tuner.cli.user import user_name
from tuner.core.clock import SteadyClock
from tuner.core.errors import Unavailable

if TYPE_CHECKING:
    from tuner_protos.v1 import data_pb2

    from tuner.client.client import Client
    from tuner.report.snapshot import Snapshot

WORKER_START_LIMIT = 60.0
WORKER_GRACE = 60.0
"""Seconds that a worker gets to end its workload and restore the device."""

WORKER_GRACE_HURRIED = 20.0
"""The same, from a second Ctrl-C on: the workload is killed at once then, so this is the restore's alone."""


@click.command("run")
@click.argument("file", type=READABLE)
@click.option("--policy", type=READABLE, help="What this device allows; default: every knob that is not dangerous.")
@click.option("--store", metavar="URL", help="Where to keep what is measured; default: in the data directory.")
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), help="Data directory; $TUNER_HOME.")
def run_command(file: Path, policy: Path | None, store: str | None, home: Path | None) -> None:
    """Tune what the study in FILE says, on this machine.

    Starts a server and a worker, shows how it goes, and reports the answer. Ctrl-C at any moment leaves the device as
    it was found; the same command then continues where it stopped. What was measured is kept: see `tuner show`.
    """
    from tuner.cli.policy import chosen_policy
    from tuner.cli.view import final_report
    from tuner.cli.workload import check_on_device
    from tuner.spec.yaml import parse_study

    source = read_study(file)
    spec = parse_study(source, str(file))
    check_on_device(spec.workload, chosen_policy(policy, own_device=policy is None), source, str(file))
    own = Home(home or default_home())
    click.echo(f"starting a server and a worker; their logs are in {own.path / 'logs'}")
    with Interruptions() as interruptions:
        try:
            with _processes(own, store or own.store_url, policy, interruptions) as (client, children):
                snapshot = _tune(client, children, source, file, interruptions)
        except Interrupted:
            snapshot = None
        if snapshot is None:
            again = shlex.join(["tuner", "run", str(file), *_given(policy=policy, store=store, home=home)])
            click.echo(f"stopped; `{again}` continues where it stopped")
            click.get_current_context().exit(interruptions.exit_code)
    final_report(snapshot, shlex.join(_given(store=store, home=home)))
    if not _answered(snapshot):
        click.get_current_context().exit(FAILED)


@contextmanager
def _processes(
    home: Home, store_url: str, policy: Path | None, interruptions: Interruptions
) -> Iterator[tuple[Client, Sequence[Child]]]:
    """A server, a worker that has registered with it, and a client; all ended with the context, the worker first."""
    from tuner.client.client import Client

    refuse_second_server(home, store_url)
    with embedded_server(
        store_url,
        home.announcement(store_url),
        home.log("server"),
        stopped=interruptions.requested,
        hurried=interruptions.hurried,
    ) as (server, address):
        allowed = ["--own-device"] if policy is None else ["--policy", str(policy)]
        started_at = SteadyClock().now()
        worker = Child("worker", ["worker", "--server", address, *allowed, "--until-stdin-closes"], home.log("worker"))
        try:
            with Client(address, timeout=CALL_LIMIT) as client:
                _wait_for_worker(client, (server, worker), started_at, interruptions)
                yield client, (server, worker)
        finally:
            if interruptions.requested():
                click.echo("stopping; the worker leaves the device as it was found")
            if not worker.end(WORKER_GRACE, interruptions.hurried, WORKER_GRACE_HURRIED):
                click.echo(
                    "the worker did not end in time and was killed; "
                    "the next worker on this device restores it from the journal",
                    err=True,
                )


def _wait_for_worker(client: Client, children: Sequence[Child], since: float, interruptions: Interruptions) -> None:
    """Raises Unavailable when it has not registered in time, Interrupted when it is time to stop."""
    from tuner_protos.v1 import data_pb2

    clock = SteadyClock()
    deadline = clock.now() + WORKER_START_LIMIT
    while clock.now() < deadline:
        if interruptions.requested():
            raise Interrupted
        for child in children:
            child.check()
        # An earlier run's worker may still be known as online: only one seen since counts.
        seen = [worker for worker in client.workers() if worker.seen_at >= since]
        _refuse_quarantine(seen)
        if any(worker.state == data_pb2.WORKER_STATE_ONLINE for worker in seen):
            return
        time.sleep(POLL)
    worker = children[-1]
    raise Unavailable(
        f"the worker did not register within {WORKER_START_LIMIT:.0f} s; the end of {worker.log}:\n{worker.tail()}"
    )


def _tune(
    client: Client, children: Sequence[Child], source: str, file: Path, interruptions: Interruptions
) -> Snapshot | None:
    """Submit and follow; None when it is time to stop."""
    from tuner.cli.view import display, follow

    started_at = SteadyClock().now()
    answer = client.create_study(source, file_name=str(file), owner=user_name())
    if answer.created:
        click.echo(f"{answer.study.id} starts")
    else:
        click.echo(f"{answer.study.id} continues after {answer.study.progress.counted} trials")

    def check(snapshot: Snapshot | None) -> None:
        for child in children:
            child.check()
        _refuse_quarantine(snapshot.workers if snapshot else ())

    shown = display(since=started_at)
    return follow(client, answer.study.id, shown, stopped=interruptions.requested, check=check)


def _refuse_quarantine(workers: Sequence[data_pb2.Worker]) -> None:
    from tuner_protos.v1 import data_pb2

    for worker in workers:
        if worker.state == data_pb2.WORKER_STATE_QUARANTINED:
            raise Unavailable(
                f"worker {worker.name} is quarantined, for its device is not as it was found: {worker.reason}"
            )


def _answered(snapshot: Snapshot) -> bool:
    from tuner_protos.v1 import data_pb2

    return snapshot.study.state == data_pb2.STUDY_STATE_COMPLETED


def _given(**options: object) -> list[str]:
    return [part for name, value in options.items() if value is not None for part in (f"--{name}", str(value))]
