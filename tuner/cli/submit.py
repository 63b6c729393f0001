"""``tuner submit``."""

from __future__ import annotations

from pathlib import Path

import click

from tuner.cli.files import read_study
from tuner.cli.interruptions import Interruptions
from tuner.cli.output import emit
from tuner.cli.reach import READABLE, Reach, connection_options, json_option
from tuner.cli.user import user_name


@click.command("submit")
@click.argument("file", type=READABLE)
@click.option("--watch", is_flag=True, help="Follow the study until it ends.")
@connection_options
@json_option
def submit_command(file: Path, watch: bool, reach: Reach, as_json: bool) -> None:
    """Submit the study in FILE to a server. The same name with the same contents resumes; a finished study starts anew.

    --json: study (as `tuner show --json` prints it), created (false when it was resumed), notes.
    """
    from tuner.report.records import study_record
    from tuner.spec.yaml import parse_study

    source = read_study(file)
    # Here, so that a file with more problems than fit a status shows them all; the server judges it again.
    parse_study(source, str(file))
    with Interruptions() as interruptions, reach.remote() as client:
        answer = client.create_study(source, file_name=str(file), owner=user_name())
        if as_json:
            emit(
                {"study": study_record(answer.study), "created": answer.created, "notes": list(answer.notes)},
            )
        else:
            click.echo(f"{answer.study.id} {'submitted' if answer.created else 'goes on'}")
            for note in answer.notes:
                click.echo(f"! {note}")
        if not watch:
            return
        from tuner.cli.view import display, final_report, follow

        snapshot = follow(client, answer.study.id, display(as_json=as_json), stopped=interruptions.requested)
    if snapshot is None:
        click.echo(f"{answer.study.id} goes on; `tuner watch {answer.study.id}` follows it again", err=True)
        click.get_current_context().exit(interruptions.exit_code)
    if not as_json:
        final_report(snapshot)
