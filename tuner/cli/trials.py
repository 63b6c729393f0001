"""``tuner trials`` and ``tuner best``."""

from __future__ import annotations

import click

from tuner.cli.output import emit, show
from tuner.cli.reach import EPILOG, Reach, json_option, reach_options


@click.command("trials", epilog=EPILOG)
@click.argument("study")
@click.option("--number", type=click.IntRange(min=1), help="Only this trial, with --json also its runs.")
@reach_options
@json_option
def trials_command(study: str, number: int | None, reach: Reach, as_json: bool) -> None:
    """List the trials of STUDY (NAME, or NAME/RUN), or show one.

    --json: a list of trials: id, number, state, purpose, environment, configuration, observations {metric: {mean,
    variance, n, unit, method}}, feasible, cause, engine, worker, attempts, started_at, ended_at.
    """
    from tuner.report.records import trial_record
    from tuner.report.tables import trials_table

    with reach.client() as client:
        of = client.get_study(study)
        trials = list(client.trials(of.id)) if number is None else [client.trial(f"{of.id}/{number}")]
    if as_json:
        emit([trial_record(trial, whole=number is not None) for trial in trials])
    elif trials:
        show(trials_table(of.objectives, trials))
    else:
        click.echo(f"{of.id} has no trials yet")


@click.command("best", epilog=EPILOG)
@click.argument("study")
@reach_options
@json_option
def best_command(study: str, reach: Reach, as_json: bool) -> None:
    """Show the best configurations of STUDY (NAME, or NAME/RUN) in each environment, and its final check.

    --json: a list, one for each environment: environment, rule, default, recommended, front (each a trial), and check
    [{metric, default, recommended, ratio, ci95, pi95, n, unit, method, verdict}].
    """
    from tuner.cli.follow import snapshot_of
    from tuner.report.answer import check_of
    from tuner.report.page import answers
    from tuner.report.records import check_records, optimal_record

    with reach.client() as client:
        snapshot = snapshot_of(client, study)
    if not as_json:
        show(*answers(snapshot))
        return
    records = []
    for optimal in snapshot.optimal:
        check = check_of(snapshot.study, optimal.environment)
        records.append({**optimal_record(optimal), "check": check_records(check) if check else []})
    emit(records)
