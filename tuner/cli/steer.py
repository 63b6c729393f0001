"""``tuner pause``, ``tuner resume`` and ``tuner cancel``."""

from __future__ import annotations

import click

from tuner.cli.reach import EPILOG, Reach, reach_options

_reason = click.option("--reason", default="", help="Kept with the study, for people.")


@click.command("pause", epilog=EPILOG)
@click.argument("study")
@_reason
@reach_options
def pause_command(study: str, reason: str, reach: Reach) -> None:
    """Let STUDY (NAME, or NAME/RUN) rest; trials being measured are finished."""
    with reach.client() as client:
        click.echo(f"{client.pause_study(study, reason).id} is paused; `tuner resume {study}` lets it go on")


@click.command("resume", epilog=EPILOG)
@click.argument("study")
@_reason
@reach_options
def resume_command(study: str, reason: str, reach: Reach) -> None:
    """Let a paused STUDY (NAME, or NAME/RUN) go on."""
    with reach.client() as client:
        click.echo(f"{client.resume_study(study, reason).id} goes on")


@click.command("cancel", epilog=EPILOG)
@click.argument("study")
@_reason
@reach_options
def cancel_command(study: str, reason: str, reach: Reach) -> None:
    """End STUDY (NAME, or NAME/RUN); what was measured stays."""
    with reach.client() as client:
        click.echo(f"{client.cancel_study(study, reason).id} is cancelled")
