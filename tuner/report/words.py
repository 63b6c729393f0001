"""Enumerations of the wire as words, and the colours that go with them."""

from __future__ import annotations

from rich.text import Text
from tuner_protos.v1 import data_pb2

_STYLES = {
    "active": "cyan",
    "confirming": "cyan",
    "running": "cyan",
    "leased": "cyan",
    "online": "green",
    "completed": "green",
    "better": "green",
    "paused": "yellow",
    "stopping": "yellow",
    "stopped": "yellow",
    "draining": "yellow",
    "infeasible": "yellow",
    "failed": "red",
    "quarantined": "red",
    "worse": "red",
    "cancelled": "dim",
    "offline": "dim",
    "queued": "dim",
}


def study_state(study: data_pb2.Study) -> str:
    """ "active", "completed", ..."""
    return _word(data_pb2.StudyState.Name(study.state), "STUDY_STATE_")


def trial_state(trial: data_pb2.Trial) -> str:
    """ "queued", "completed", ..."""
    return _word(data_pb2.TrialState.Name(trial.state), "TRIAL_STATE_")


def worker_state(worker: data_pb2.Worker) -> str:
    """ "online", "quarantined", ..."""
    return _word(data_pb2.WorkerState.Name(worker.state), "WORKER_STATE_")


def purpose(trial: data_pb2.Trial) -> str:
    """ "explore", "confirm", ..."""
    return _word(data_pb2.Purpose.Name(trial.purpose), "PURPOSE_")


def cause(message: data_pb2.Cause) -> str:
    """ "timed out: no answer within 60 s"; "" where there is none."""
    if not message.kind:
        return message.message
    kind = _word(data_pb2.CauseKind.Name(message.kind), "CAUSE_KIND_").replace("_", " ")
    return f"{kind}: {message.message}" if message.message else kind


def goal(objective: data_pb2.Objective) -> str:
    """ "maximize" or "minimize"."""
    return "maximize" if objective.maximize else "minimize"


def environment(message: data_pb2.Environment) -> str:
    """One line for people: what the device is, and the contexts."""
    facts = message.fingerprint.device
    cores = f"{facts['cores']} cores" if "cores" in facts else ""
    memory = f"{facts['memory_gib']} GiB" if "memory_gib" in facts else ""
    name = facts["board"] if facts.get("board") else facts.get("cpu_model", "")
    device = ", ".join(filter(None, (name, cores, memory)))
    contexts = " ".join(f"{key}={value}" for key, value in sorted(message.contexts.items()))
    return " ".join(filter(None, (device, contexts)))


def coloured(word: str) -> Text:
    """A state's word in its colour."""
    return Text(word, style=_STYLES.get(word, ""))


def _word(name: str, prefix: str) -> str:
    return name[len(prefix) :].lower()
