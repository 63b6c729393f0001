"""The page of one study: what it is, where it stands, what it found and how that was measured."""

from __future__ import annotations

import datetime

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from tuner.report.answer import answer, check_of, provenance
from tuner.report.numbers import duration
from tuner.report.snapshot import Snapshot, label
from tuner.report.words import coloured, environment, goal, study_state


def page(snapshot: Snapshot) -> Group:
    """The whole page."""
    parts: list[RenderableType] = [heading(snapshot), *notes(snapshot)]
    parts += answers(snapshot, with_provenance=True)
    return Group(*parts)


def answers(snapshot: Snapshot, *, with_provenance: bool = False) -> list[RenderableType]:
    """For each environment, its name where there are several, and its answer."""
    study = snapshot.study
    names = {each.id: environment(each) for each in study.environments}
    parts: list[RenderableType] = []
    for optimal in snapshot.optimal:
        if len(snapshot.optimal) > 1:
            parts.append(Rule(Text(names.get(optimal.environment) or optimal.environment), align="left"))
        parts.append(answer(snapshot, optimal))
        if with_provenance:
            parts.append(provenance(optimal, check_of(study, optimal.environment)))
    if not snapshot.optimal:
        parts.append(Text("Nothing is measured yet.", style="yellow"))
    return parts


def heading(snapshot: Snapshot) -> Table:
    """Facts, one a line."""
    study, progress = snapshot.study, snapshot.study.progress
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    state = coloured(study_state(study))
    facts.add_row("study", Text(study.id))
    facts.add_row("state", state.append(f": {study.reason}", style="default") if study.reason else state)
    facts.add_row("engine", Text(study.engine))
    facts.add_row(
        "objectives",
        Text(", ".join(f"{goal(objective)} {label(objective.metric)}" for objective in study.objectives)),
    )
    if study.outcome_constraints:
        facts.add_row("subject to", Text(" and ".join(study.outcome_constraints)))
    for each in study.environments:
        facts.add_row("measured on", Text(f"{environment(each)} [{each.id}]".lstrip()))
    facts.add_row("trials", Text(_trials(snapshot)))
    budget = f" of {duration(progress.time)}" if progress.HasField("time") else ""
    facts.add_row("time", Text(f"{duration(progress.elapsed)}{budget}"))
    facts.add_row("submitted", Text(when(study.created_at) + (f" by {study.owner}" if study.owner else "")))
    if study.HasField("ended_at"):
        facts.add_row("ended", Text(when(study.ended_at)))
    return facts


def notes(snapshot: Snapshot) -> list[RenderableType]:
    """What a person should know."""
    return [Text(f"! {note}", style="yellow") for note in snapshot.study.notes]


def next_steps(study: str, options: str = "") -> Text:
    """Where to look next; ``options`` are those that lead to the same store."""
    name = f"{study} {options}".rstrip()
    steps = (
        (f"tuner show {name}", "this page again, with how everything was measured"),
        (f"tuner trials {name}", "every trial, and why some failed"),
        (f"tuner best {name} --json", "for programs"),
    )
    width = max(len(command) for command, _ in steps)
    lines = "".join(f"\n  {command:<{width}}  {what}" for command, what in steps)
    return Text(f"Next:{lines}", style="dim")


def when(seconds: float) -> str:
    """A moment in local time, to the second."""
    return datetime.datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")


def _trials(snapshot: Snapshot) -> str:
    progress = snapshot.study.progress
    budget = f" of {progress.trials}" if progress.HasField("trials") else ""
    counts = (
        (progress.completed, "completed"),
        (progress.infeasible, "infeasible"),
        (progress.failed, "failed"),
        (progress.stopped, "stopped"),
        (progress.running, "being measured"),
        (progress.queued, "queued"),
    )
    shown = ", ".join(f"{count} {word}" for count, word in counts if count)
    return f"{progress.counted}{budget}" + (f": {shown}" if shown else "")
