"""Lists: studies, trials, workers, and what a device offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
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
    table = _table("study", "state", "trials", "time", "submitted", "why", right=("trials", "time"), whole=("state",))
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
    table = _table(
        "trial", "purpose", "state", *labels, "configuration", "why", right=("trial", *labels), whole=("trial",)
    )
    for trial in trials:
        observed = [observation(trial, objective.metric.key) for objective in objectives]
        broken = "breaks a constraint" if trial.HasField("feasible") and not trial.feasible else ""
        table.add_row(
            str(trial.number),
            purpose(trial),
            coloured(trial_state(trial)),
            *(Text(measured(each) if each else "") for each in observed),
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
            Text(worker.trial or ("waits" if worker.state == data_pb2.WORKER_STATE_ONLINE else "")),
            Text(worker.reason),
        )
    return table


def offers_table(title: str, offers: Sequence[Offer]) -> Group:
    """Knobs, meters or workloads that a device offers, and why it does not offer the others."""
    table = _table(title, "domain", "now", "remark", whole=(title,))
    for offer in offers:
        if offer.available:
            metrics = ", ".join(f"{name} [{unit}]" for name, unit in offer.metrics.items())
            now = "" if offer.current is None else _spelled(offer.current)
            table.add_row(Text(offer.name), Text(metrics or offer.domain), Text(now), Text(offer.reason))
    missing = {offer.name: offer.reason for offer in offers if not offer.available}
    parts: list[RenderableType] = [table] if len(missing) < len(offers) else []
    if missing:
        parts += [Text(f" {title} that are not available", style="bold"), facts_table(missing), Text()]
    return Group(*parts)


def facts_table(facts: Mapping[str, str]) -> Table:
    """Names and values, one pair a row."""
    table = Table.grid(padding=(0, 2), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(Text(name), Text(value))
    return table


def _table(*names: str, right: Sequence[str] = (), whole: Sequence[str] = ()) -> Table:
    """``right``: columns of numbers; ``whole``: columns that are never folded."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(
            Text(name), justify="right" if name in right else "left", overflow="fold", no_wrap=name in whole
        )
    return table


def _spelled(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
