"""``tuner worker``."""

from __future__ import annotations

from pathlib import Path

import click

from tuner.cli.reach import DEFAULT_SERVER, READABLE, Reach, connection_options


@click.command("worker")
@connection_options
@click.option("--policy", type=READABLE, help="What this device allows: knobs with ranges, workloads, commands.")
@click.option("--own-device", is_flag=True, help="Without a policy file: allow every knob that is not dangerous.")
@click.option("--state-directory", type=click.Path(file_okay=False, path_type=Path), help="Journal, spool, artifacts.")
@click.option("--name", help="What people call this worker; default: the host name.")
@click.option(
    "--device-lock",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="TUNER_DEVICE_LOCK",
    help="One worker holds it at a time; default: one for the whole machine.",
)
@click.option("--until-stdin-closes", is_flag=True, help="End when standard input closes.")
def worker_command(
    reach: Reach,
    policy: Path | None,
    own_device: bool,
    state_directory: Path | None,
    name: str | None,
    device_lock: Path | None,
    until_stdin_closes: bool,
) -> None:
    """Run a worker on this device until SIGTERM or Ctrl-C; it leaves the device as it was found.

    Without --policy or --own-device it allows nothing that outlives a workload's process.
    """
    from tuner_workers.identity import default_name
    from tuner_workers.main import run_worker
    from tuner_workers.paths import default_state_directory

    from tuner.cli.policy import chosen_policy

    code = run_worker(
        reach.server or DEFAULT_SERVER,
        policy=chosen_policy(policy, own_device=own_device),
        state_directory=state_directory or default_state_directory(),
        name=name or default_name(),
        token=reach.token(),
        root_certificates=reach.root_certificates,
        until_stdin_closes=until_stdin_closes,
        log=lambda line: click.echo(line, err=True),
        device_lock=device_lock,
    )
    click.get_current_context().exit(code)
