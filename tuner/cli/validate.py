"""``tuner validate`` and ``tuner schema``."""

from __future__ import annotations

from pathlib import Path

import click

from tuner.cli.files import read_study
from tuner.cli.main import BAD_USAGE
from tuner.cli.output import emit
from tuner.cli.reach import READABLE, Reach, connection_options, json_option


@click.command("validate")
@click.argument("file", type=READABLE)
@connection_options
@json_option
def validate_command(file: Path, reach: Reach, as_json: bool) -> None:
    """Check the study in FILE; with --server also against that server's engines and registered workers.

    Every problem is reported at once as FILE:LINE: field: what is wrong; the exit code is then 2. Nothing is stored.

    --json: valid (true or false), problems, notes (lists of sentences).
    """
    from tuner.cli.workload import check_settings
    from tuner.core.errors import InvalidInput
    from tuner.spec.yaml import parse_study

    source, notes = read_study(file), []
    try:
        check_settings(parse_study(source, str(file)).workload, source, str(file))
        problems: list[str] = []
    except InvalidInput as error:
        problems = [str(problem) for problem in error.problems]
    if not problems and reach.server is not None:
        with reach.remote() as client:
            answer = client.validate_study(source, file_name=str(file))
        problems, notes = list(answer.problems), list(answer.notes)
    if as_json:
        emit({"valid": not problems, "problems": problems, "notes": notes})
    else:
        for line in problems:
            click.echo(line, err=True)
        for line in notes:
            click.echo(line)
        if not problems:
            click.echo(f"{file} is valid")
    if problems:
        click.get_current_context().exit(BAD_USAGE)


@click.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of study files, for editors that complete and check them."""
    from tuner.spec.schema import json_schema

    emit(json_schema())
