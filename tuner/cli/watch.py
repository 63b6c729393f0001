"""``tuner watch`` and ``tuner events``."""

from __future__ import annotations

import click

from tuner.cli.interruptions import Interruptions
from tuner.cli.output import emit_line
from tuner.cli.reach import EPILOG, Reach, json_option, reach_options


@click.command("watch", epilog=EPILOG)
@click.argument("study")
@reach_options
@json_option
def watch_command(study: str, reach: Reach, as_json: bool) -> None:
    """Follow STUDY (NAME, or NAME/RUN) until it ends, then show its answer. Ctrl-C leaves it running.

    --json: every event of the study, one object a line: sequence, kind, at, study, trial, actor, data.
    """
    from tuner.cli.view import display, final_report, follow

    with Interruptions() as interruptions, reach.client() as client:
        snapshot = follow(client, study, display(as_json=as_json), stopped=interruptions.requested)
    if snapshot is None:
        click.get_current_context().exit(interruptions.exit_code)
    if not as_json:
        final_report(snapshot)


@click.command("events", epilog=EPILOG)
@click.argument("study")
@reach_options
@json_option
def events_command(study: str, reach: Reach, as_json: bool) -> None:
    """Print everything that has happened in STUDY (NAME, or NAME/RUN) so far.

    --json: one object a line: sequence, kind, at, study, trial, actor, data.
    """
    from tuner.report.lines import event_line
    from tuner.report.records import event_record

    with reach.client() as client:
        for response in client.watch(study, until_now=True):
            for event in response.events:
                if as_json:
                    emit_line(event_record(event))
                else:
                    click.echo(event_line(event))
