"""One line for each thing that happened: the live view of pipes, log files and ``tuner events``."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping

from tuner_protos.v1 import data_pb2

from tuner.core.event import EventKind
from tuner.report.numbers import configuration_text, quantity
from tuner.report.snapshot import Snapshot, label, observation
from tuner.report.words import cause, purpose, trial_state

_ENDS = frozenset({"completed", "infeasible", "failed", "stopped", "cancelled"})


def event_line(event: data_pb2.Event) -> str:
    """ "12:04:31  trial.state  trial 7  from=queued to=leased"."""
    data = json.loads(event.data_json or "{}")
    details = " ".join(f"{key}={_spelled(value)}" for key, value in data.items() if value not in ("", None))
    parts = (_clock(event.at), event.kind, f"trial {event.trial}" if event.trial else "", details)
    return "  ".join(filter(None, parts))


def progress_lines(snapshot: Snapshot, event: data_pb2.Event) -> list[str]:
    """What a person who follows a study wants to read of an event; mostly nothing."""
    data = json.loads(event.data_json or "{}")
    text = _progress(snapshot, event, data)
    return [f"{_clock(event.at)}  {line}" for line in text.splitlines()]


def _progress(snapshot: Snapshot, event: data_pb2.Event, data: Mapping[str, object]) -> str:
    if event.kind == EventKind.STUDY_STATE.value:
        reason = f": {data['reason']}" if data.get("reason") else ""
        return f"{event.study_id} is {data.get('to')}{reason}"
    if event.kind == EventKind.STUDY_NOTE.value:
        return f"! {data.get('text')}"
    if event.kind == EventKind.ATTEMPT_LOST.value:
        return f"trial {event.trial} was lost by its worker: {data.get('reason')}"
    trial = snapshot.trials.get(event.trial)
    if event.kind == EventKind.TRIAL_STATE.value and data.get("to") in _ENDS and trial is not None:
        return trial_line(snapshot, trial)
    return ""


def trial_line(snapshot: Snapshot, trial: data_pb2.Trial) -> str:
    """How one trial ended."""
    progress = snapshot.study.progress
    budget = f"/{progress.trials}" if progress.HasField("trials") else ""
    counted = snapshot.counted_until(trial)
    observed = [(each.metric, observation(trial, each.metric.key)) for each in snapshot.study.objectives]
    values = ", ".join(f"{label(metric)} {quantity(found.mean, found.unit)}" for metric, found in observed if found)
    broken = "breaks a constraint" if trial.HasField("feasible") and not trial.feasible else ""
    outcome = "; ".join(filter(None, (values, broken, cause(trial.cause))))
    return (
        f"[{counted}{budget}] trial {trial.number} {purpose(trial)} {trial_state(trial)}: {outcome}  "
        f"({configuration_text(trial.configuration)})"
    )


def _clock(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds).strftime("%H:%M:%S")


def _spelled(value: object) -> str:
    return value if isinstance(value, str) and value and " " not in value else json.dumps(value, ensure_ascii=False)
