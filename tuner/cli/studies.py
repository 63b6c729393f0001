"""``tuner list`` and ``tuner show``."""

from __future__ import annotations

import click

from tuner.cli.output import emit, show
from tuner.cli.reach import EPILOG, Reach, json_option, reach_options


@click.command("list", epilog=EPILOG)
@reach_options
@json_option
def list_command(reach: Reach, as_json: bool) -> None:
    """List studies.

    --json: a list of studies, as `tuner show --json` prints one.
    """
    from tuner.report.records import study_record
    from tuner.report.tables import studies_table

    with reach.client() as client:
        studies = client.studies()
    if as_json:
        emit([study_record(study) for study in studies])
    elif studies:
        show(studies_table(studies))
    else:
        click.echo("no studies yet; `tuner run study.yaml` starts one")


@click.command("show", epilog=EPILOG)
@click.argument("study")
@reach_options
@json_option
def show_command(study: str, reach: Reach, as_json: bool) -> None:
    """Show STUDY (NAME, or NAME/RUN): what it is, where it stands, what it found.

    --json: id, name, run, state, reason, objectives, progress {counted, trials, elapsed, left, ...}, environments,
    notes, check [{metric, default, recommended, ratio, ci95, pi95, n, unit, method, verdict}] and
    optimal [{environment, rule, default, recommended, front}].
    """
    from tuner.cli.follow import snapshot_of
    from tuner.report.page import page
    from tuner.report.records import optimal_record, study_record

    with reach.client() as client:
        snapshot = snapshot_of(client, study)
    if as_json:
        emit({**study_record(snapshot.study), "optimal": [optimal_record(each) for each in snapshot.optimal]})
    else:
        show(page(snapshot))
