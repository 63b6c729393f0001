"""The live view: progress, best so far, what each worker does, why trials failed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from tuner_protos.v1 import data_pb2, trials_pb2

from tuner.report.change import change
from tuner.report.numbers import configuration_text, duration, quantity
from tuner.report.page import notes
from tuner.report.plot import sparkline
from tuner.report.snapshot import Snapshot, label, observation
from tuner.report.words import cause, coloured, environment, purpose, study_state, worker_state

CAUSES_SHOWN = 3


def live(snapshot: Snapshot) -> Group:
    """The whole view."""
    parts: list[RenderableType] = [progress_line(snapshot), _bar(snapshot)]
    several = len(snapshot.optimal) > 1
    parts += [_best(snapshot, optimal, several) for optimal in snapshot.optimal]
    parts += [worker_line(snapshot, worker) for worker in shown_workers(snapshot)]
    parts += failure_lines(snapshot)
    return Group(*parts, *notes(snapshot))


def progress_line(snapshot: Snapshot) -> Text:
    """ "digits/1 active  12 of 30 trials  1 min 20 s, about 2 min 10 s left"."""
    study, progress = snapshot.study, snapshot.study.progress
    budget = f" of {progress.trials}" if progress.HasField("trials") else ""
    left = f", about {duration(progress.left)} left" if progress.HasField("left") else ""
    return Text.assemble(
        (study.id, "bold"),
        "  ",
        coloured(study_state(study)),
        f"  {progress.counted}{budget} trials  {duration(progress.elapsed)}{left}",
    )


def shown_workers(snapshot: Snapshot) -> Sequence[data_pb2.Worker]:
    """Workers that are there, or should be."""
    return [worker for worker in snapshot.workers if worker.state != data_pb2.WORKER_STATE_OFFLINE]


def worker_line(snapshot: Snapshot, worker: data_pb2.Worker) -> Text:
    """What a worker does now."""
    line = Text(worker.name or worker.id, style="bold")
    if worker.state != data_pb2.WORKER_STATE_ONLINE:
        line = Text.assemble(line, " is ", coloured(worker_state(worker)))
    if worker.reason:
        line = Text.assemble(line, f" ({worker.reason})")
    if not worker.trial:
        return Text.assemble(line, "  waits")
    study_id, _, number = worker.trial.rpartition("/")
    trial = snapshot.trials.get(int(number)) if study_id == snapshot.study.id and number.isdecimal() else None
    if trial is None:
        return Text.assemble(line, f"  measures {worker.trial}")
    return Text.assemble(line, f"  {activity(trial)}")


def activity(trial: data_pb2.Trial) -> str:
    """What measuring this trial is for."""
    what = {
        data_pb2.PURPOSE_DEFAULT: "measures the default",
        data_pb2.PURPOSE_REPLICATE: f"measures again (trial {trial.number})",
        data_pb2.PURPOSE_REFERENCE: "measures the reference",
        data_pb2.PURPOSE_CONFIRM: "checks default against recommended",
    }.get(trial.purpose, f"tries {trial.number}")
    return f"{what}: {configuration_text(trial.configuration)}"


def failure_lines(snapshot: Snapshot) -> list[Text]:
    """How many trials did not complete, and why the latest did not."""
    progress = snapshot.study.progress
    counts = ((progress.failed, "failed"), (progress.infeasible, "infeasible"), (progress.stopped, "stopped early"))
    shown = ", ".join(f"{count} {word}" for count, word in counts if count)
    if not shown:
        return []
    latest = snapshot.failures()[:CAUSES_SHOWN]
    return [Text(shown, style="yellow"), *(failure_line(trial) for trial in latest)]


def failure_line(trial: data_pb2.Trial) -> Text:
    """Why one trial did not complete, in one line."""
    reason = cause(trial.cause).splitlines() or ["no cause given"]
    return Text(f"  trial {trial.number} {purpose(trial)}: {reason[0]}", style="dim", overflow="ellipsis", no_wrap=True)


def _bar(snapshot: Snapshot) -> RenderableType:
    progress = snapshot.study.progress
    shares = []
    if progress.HasField("trials") and progress.trials > 0:
        shares.append(progress.counted / progress.trials)
    if progress.HasField("time") and progress.time > 0:
        shares.append(progress.elapsed / progress.time)
    return ProgressBar(total=1.0, completed=min(1.0, max(shares))) if shares else Text()


def _best(snapshot: Snapshot, optimal: trials_pb2.Optimal, titled: bool) -> Table:
    names = {each.id: environment(each) for each in snapshot.study.environments}
    title = Text(names.get(optimal.environment) or optimal.environment) if titled else None
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("objective", "default", "best so far", "recommended", "change", "course"):
        justify = "right" if name in ("default", "best so far", "recommended") else "left"
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for objective in snapshot.study.objectives:
        table.add_row(*_best_row(snapshot, optimal, objective))
    return table


def _best_row(snapshot: Snapshot, optimal: trials_pb2.Optimal, objective: data_pb2.Objective) -> list[Text]:
    key = objective.metric.key
    default = observation(optimal.default, key) if optimal.HasField("default") else None
    recommended = observation(optimal.recommended, key) if optimal.HasField("recommended") else None
    on_front = [each for trial in optimal.front if (each := observation(trial, key))]
    best = (max if objective.maximize else min)(on_front, key=lambda each: each.mean) if on_front else None
    course = snapshot.best_so_far(objective, optimal.environment)
    cells = [
        label(objective.metric),
        quantity(default.mean, default.unit) if default else "not yet",
        quantity(best.mean, best.unit) if best else "–",
        quantity(recommended.mean, recommended.unit) if recommended else "–",
        change(default.mean, recommended.mean, maximize=objective.maximize, unit=recommended.unit)
        if default and recommended
        else "",
        sparkline(course, 16),
    ]
    return [Text(cell) for cell in cells]
