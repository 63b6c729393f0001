"""The answer of a study in one environment: front, recommended configuration beside the default, final check."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from tuner_protos.v1 import data_pb2, trials_pb2

from tuner.report.change import change, checked_change, interval
from tuner.report.numbers import configuration_text, measured, quantity, spread, value_text
from tuner.report.plot import Axis, Point, Scatter, sparkline
from tuner.report.snapshot import Snapshot, label, observation
from tuner.report.words import coloured


def answer(snapshot: Snapshot, optimal: trials_pb2.Optimal) -> Group:
    """Everything that was found in one environment."""
    objectives = snapshot.study.objectives
    check = check_of(snapshot.study, optimal.environment)
    parts: list[RenderableType] = []
    if optimal.front:
        parts += [front_table(objectives, optimal), picture(snapshot, optimal)]
    if optimal.HasField("recommended") and not _default_is_best(optimal):
        parts.append(comparison(objectives, optimal))
    if check is not None:
        parts.append(check_table(objectives, check))
    parts.append(verdict(snapshot.study, optimal, check))
    return Group(*parts)


def check_of(study: data_pb2.Study, environment: str) -> data_pb2.Check | None:
    """The final check in an environment, if one was made."""
    return next((check for check in study.checks if check.environment == environment), None)


def front_table(objectives: Sequence[data_pb2.Objective], optimal: trials_pb2.Optimal) -> Table:
    """The default and the Pareto front; configurations show what differs from the default."""
    title = "Pareto front" if len(objectives) > 1 else "Best configuration"
    table = _table(title)
    table.add_column("trial", justify="right", no_wrap=True)
    for objective in objectives:
        table.add_column(Text(label(objective.metric)), justify="right")
    table.add_column("configuration (what differs from the default)", ratio=1, overflow="fold")
    baseline = optimal.default.configuration if optimal.HasField("default") else None
    if optimal.HasField("default"):
        table.add_row("default", *_measurements(objectives, optimal.default), _plain(optimal.default), style="dim")
    for trial in optimal.front:
        chosen = optimal.HasField("recommended") and trial.number == optimal.recommended.number
        table.add_row(
            f"{'★ ' if chosen else ''}{trial.number}",
            *_measurements(objectives, trial),
            Text(configuration_text(trial.configuration, baseline)),
            style="bold green" if chosen else "",
        )
    return table


def comparison(objectives: Sequence[data_pb2.Objective], optimal: trials_pb2.Optimal) -> Table:
    """The recommended configuration beside the default, parameter by parameter, and what both measured."""
    table = _table("Recommended")
    if optimal.rule:
        table.caption, table.caption_justify = Text(f"recommended: {optimal.rule}", style="dim"), "left"
    table.add_column("", overflow="fold")
    table.add_column("default", justify="right", overflow="fold")
    table.add_column("recommended", justify="right", overflow="fold")
    table.add_column("change", overflow="fold")
    default, recommended = optimal.default, optimal.recommended
    for name in sorted({*default.configuration, *recommended.configuration}):
        before, after = _setting(default, name), _setting(recommended, name)
        table.add_row(Text(name), Text(before), Text(after), "", style="" if before != after else "dim")
    table.add_section()
    for objective in objectives:
        before_value, after_value = (observation(trial, objective.metric.key) for trial in (default, recommended))
        table.add_row(
            Text(label(objective.metric)),
            quantity(before_value.mean, before_value.unit) if before_value else "not measured",
            quantity(after_value.mean, after_value.unit) if after_value else "not measured",
            change(before_value.mean, after_value.mean, maximize=objective.maximize, unit=after_value.unit)
            if before_value and after_value
            else "",
        )
    return table


def check_table(objectives: Sequence[data_pb2.Objective], check: data_pb2.Check) -> Table:
    """The final check: both configurations measured again, interleaved on one device."""
    maximized = {objective.metric.key: objective.maximize for objective in objectives}
    labels = {objective.metric.key: label(objective.metric) for objective in objectives}
    blocks = max((metric.n for metric in check.metrics), default=0)
    table = _table(f"Final check: both measured again, interleaved, {blocks} blocks")
    for name in ("", "default → recommended", "change (95% interval)", "verdict"):
        table.add_column(name, overflow="fold")
    for metric in check.metrics:
        table.add_row(
            Text(labels.get(metric.metric, metric.metric)),
            f"{quantity(metric.default_mean, metric.unit)} → {quantity(metric.recommended_mean, metric.unit)}",
            Text(_checked(metric, maximized.get(metric.metric, False))),
            coloured(metric.verdict),
        )
    return table


def verdict(study: data_pb2.Study, optimal: trials_pb2.Optimal, check: data_pb2.Check | None) -> Text:
    """One honest sentence: better only where the final check showed it."""
    if check is None:
        return Text(_unchecked(optimal, so_far="" if study.HasField("ended_at") else " so far"), style="yellow")
    verdicts = {metric.verdict for metric in check.metrics}
    improved = "better" in verdicts and "worse" not in verdicts
    return Text(check.conclusion, style="bold green" if improved else "bold yellow")


def _unchecked(optimal: trials_pb2.Optimal, so_far: str) -> str:
    if not optimal.HasField("default"):
        return f"The default is not measured{so_far}, and without it no improvement is claimed."
    if not optimal.HasField("recommended"):
        return f"No configuration keeps the constraints{so_far}."
    if _default_is_best(optimal):
        several = len(optimal.front) > 1
        why = "nothing is better in every objective" if several else "the default is the best that was measured"
        return f"No improvement found{so_far}: {why}."
    return f"Not checked{so_far}: the best of many measurements looks better than it is."


def _default_is_best(optimal: trials_pb2.Optimal) -> bool:
    return optimal.HasField("default") and optimal.recommended.configuration == optimal.default.configuration


def picture(snapshot: Snapshot, optimal: trials_pb2.Optimal) -> RenderableType:
    """Two objectives against each other, or the course of the best value of one."""
    objectives = snapshot.study.objectives
    if len(objectives) != 2:
        courses = [(each, snapshot.best_so_far(each, optimal.environment)) for each in objectives]
        return Text("\n").join(
            Text(f"best {label(objective.metric)} so far  {sparkline(course, 40)}")
            for objective, course in courses
            if len(course) > 1
        )
    x, y = objectives
    points = [
        point
        for trials, mark, style in _layers(snapshot, optimal)
        for point in _points(trials, optimal.environment, x.metric.key, y.metric.key, mark, style)
    ]
    legend = Text("· measured   ● front   D default   ★ recommended", style="dim")
    across, up = (Axis(label(each.metric), _unit(snapshot, each.metric.key)) for each in (x, y))
    return Group(Scatter(points, across, up), legend)


def _unit(snapshot: Snapshot, key: str) -> str:
    observed = (observation(trial, key) for trial in snapshot.trials.values())
    return next((each.unit for each in observed if each), "")


def _layers(snapshot: Snapshot, optimal: trials_pb2.Optimal) -> list[tuple[Iterable[data_pb2.Trial], str, str]]:
    return [
        (snapshot.trials.values(), "·", "dim"),
        (optimal.front, "●", "cyan"),
        ([optimal.default] if optimal.HasField("default") else [], "D", "bold yellow"),
        ([optimal.recommended] if optimal.HasField("recommended") else [], "★", "bold green"),
    ]


def _points(trials: Iterable[data_pb2.Trial], environment: str, x: str, y: str, mark: str, style: str) -> list[Point]:
    found = []
    for trial in trials:
        left, right = observation(trial, x), observation(trial, y)
        own = trial.environment in ("", environment) and trial.state == data_pb2.TRIAL_STATE_COMPLETED
        if own and left and right and math.isfinite(left.mean) and math.isfinite(right.mean):
            found.append(Point(left.mean, right.mean, mark, style))
    return found


def _table(title: str) -> Table:
    return Table(title=Text(title, style="bold"), title_justify="left", box=SIMPLE_HEAD, pad_edge=False, expand=False)


def _measurements(objectives: Sequence[data_pb2.Objective], trial: data_pb2.Trial) -> list[Text]:
    observed = [observation(trial, objective.metric.key) for objective in objectives]
    return [Text(measured(each) if each else "–") for each in observed]


def _setting(trial: data_pb2.Trial, name: str) -> str:
    return value_text(trial.configuration[name]) if name in trial.configuration else "–"


def _plain(trial: data_pb2.Trial) -> Text:
    return Text(configuration_text(trial.configuration))


def _checked(metric: data_pb2.CheckedMetric, maximize: bool) -> str:
    between = interval(metric.ci_low, metric.ci_high, metric.ratio)
    estimate = "modelled" if metric.method.startswith("modelled") else ""
    remark = ", ".join(filter(None, (between, estimate)))
    return checked_change(metric, maximize=maximize) + (f" ({remark})" if remark else "")


def provenance(optimal: trials_pb2.Optimal, check: data_pb2.Check | None) -> Table:
    """How each number was measured."""
    table = _table("How it was measured")
    for name in ("metric", "of", "n", "sd", "method"):
        table.add_column(name, overflow="fold", justify="right" if name in ("n", "sd") else "left")
    table.caption, table.caption_justify = Text("sd: deviation between the n runs or blocks", style="dim"), "left"
    measured_trials = (("default", optimal.default), ("recommended", optimal.recommended))
    for role, trial in measured_trials:
        for each in trial.observations:
            deviation = spread(each)
            shown = "–" if deviation is None else quantity(deviation, each.unit)
            table.add_row(Text(each.metric), role, str(each.n), shown, Text(each.method))
    for metric in check.metrics if check else ():
        table.add_row(Text(metric.metric), "final check", str(metric.n), "–", Text(metric.method))
    return table
