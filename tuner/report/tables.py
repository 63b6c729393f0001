"""Lists: studies, trials, workers, and what a device offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text
from tuner_protos.v1 import data_pb2

from tuner.core.expression import Value
from tuner.core.worker import Offer
from tuner.report.numbers import configuration_text, duration, measured
from tuner.report.page import when
from tuner.report.snapshot import label, observation
from tuner.report.words import cause, coloured, environment, purpose, study_state, trial_state, worker_state


def studies_table(studies: Iterable[data_pb2.Study]) -> Table:
    """Studies, one a row."""
    table = _table("study", "state", "trials", "time", "submitted", "why", right=("trials", "time"))
    for study in studies:
        progress = study.progress
        trials = f"{progress.counted}/{progress.trials}" if progress.HasField("trials") else str(progress.counted)
        table.add_row(
            Text(study.id),
            coloured(study_state(study)),
            trials,
            duration(progress.elapsed),
            when(study.created_at),
            Text(study.reason),
        )
    return table


def trials_table(objectives: Sequence[data_pb2.Objective], trials: Iterable[data_pb2.Trial]) -> Table:
    """Trials, one a row, with what they measured or why they did not."""
    labels = [label(objective.metric) for objective in objectives]
    table = _table("trial", "purpose", "state", *labels, "configuration", "why", right=("trial", *labels))
    for trial in trials:
        observed = [observation(trial, objective.metric.key) for objective in objectives]
        broken = "breaks a constraint" if trial.HasField("feasible") and not trial.feasible else ""
        table.add_row(
            str(trial.number),
            purpose(trial),
            coloured(trial_state(trial)),
            *(
                Text(f"{measured(each)} {'' if each.unit == '1' else each.unit}".rstrip() if each else "")
                for each in observed
            ),
            Text(configuration_text(trial.configuration)),
            Text("; ".join(filter(None, (cause(trial.cause), broken, trial.note)))),
        )
    return table


def workers_table(workers: Iterable[data_pb2.Worker], now: float) -> Table:
    """Workers, one a row; ``now`` in seconds since the epoch."""
    table = _table("worker", "state", "seen", "device", "does", "why")
    for worker in workers:
        device = environment(data_pb2.Environment(fingerprint=worker.inventory.fingerprint))
        table.add_row(
            Text(f"{worker.name} ({worker.id})" if worker.name else worker.id),
            coloured(worker_state(worker)),
            f"{duration(now - worker.seen_at)} ago",
            Text(device),
            Text(worker.trial or "waits"),
            Text(worker.reason),
        )
    return table


def offers_table(title: str, offers: Iterable[Offer]) -> Table:
    """Knobs, meters or workloads that a device offers, and why it does not offer the others."""
    table = _table(title, "", "domain", "now", "remark")
    for offer in offers:
        metrics = ", ".join(f"{name} [{unit}]" for name, unit in offer.metrics.items())
        table.add_row(
            Text(offer.name),
            Text("yes", style="green") if offer.available else Text("no", style="dim"),
            Text(", ".join(filter(None, (offer.domain, metrics)))),
            Text("" if offer.current is None else _spelled(offer.current)),
            Text(offer.reason),
        )
    return table


def facts_table(facts: Mapping[str, str]) -> Table:
    """Names and values, one pair a row."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(Text(name), Text(value))
    return table


def _table(*names: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(Text(name), justify="right" if name in right else "left", overflow="fold")
    return table


def _spelled(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
