"""The append-only record of what happened. Readers follow it with a cursor; engines name the last event they saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class EventKind(str, Enum):
    """What happened. The comment names the keys of ``data``."""

    STUDY_CREATED = "study.created"  # name, run
    STUDY_STATE = "study.state"  # from, to, reason
    STUDY_PINNED = "study.pinned"  # fingerprint, device, worker
    STUDY_NOTE = "study.note"  # text: something a person should know
    TRIAL_CREATED = "trial.created"  # purpose, environment, engine, note, configuration; how it can be proposed again
    TRIAL_STATE = "trial.state"  # from, to, attempt, cause
    ATTEMPT_LOST = "attempt.lost"  # attempt, worker, reason
    RESULT_STORED = "result.stored"  # attempt, worker, state, late
    WORKER_STATE = "worker.state"  # worker, from, to, reason


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Attributes:
        sequence: position in the store's one order of events, from 1; 0 before the store has set it.
        study_id: the study it belongs to, or "" (workers come and go outside of studies).
        trial: number of the trial, or 0.
        actor: who caused it: an owner, "worker:ID", "engine:NAME" or "tuner".
    """

    kind: EventKind
    at: float
    study_id: str = ""
    trial: int = 0
    actor: str = "tuner"
    data: Mapping[str, object] = field(default_factory=dict)
    sequence: int = 0
