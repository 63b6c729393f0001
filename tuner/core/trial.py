"""Trial, attempt, lease: one request to measure one configuration, and the tries at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tuner.core.observation import Intermediate, Observation, Run
from tuner.core.space import Configuration


class Purpose(str, Enum):
    """Why a trial exists. Only explore trials use up the budget."""

    DEFAULT = "default"
    EXPLORE = "explore"
    REPLICATE = "replicate"
    REFERENCE = "reference"
    CONFIRM = "confirm"
    IMPORTED = "imported"


class TrialState(str, Enum):
    """Life of a trial."""

    QUEUED = "queued"
    LEASED = "leased"
    RUNNING = "running"
    STOPPING = "stopping"
    COMPLETED = "completed"
    INFEASIBLE = "infeasible"
    FAILED = "failed"
    STOPPED = "stopped"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether it never changes again."""
        return not TRIAL_TRANSITIONS[self]

    @property
    def held(self) -> bool:
        """Whether a worker holds it under a lease."""
        return self in (TrialState.LEASED, TrialState.RUNNING, TrialState.STOPPING)


_ENDED = frozenset(
    {
        TrialState.COMPLETED,
        TrialState.INFEASIBLE,
        TrialState.FAILED,
        TrialState.STOPPED,
        TrialState.CANCELLED,
    }
)

TRIAL_TRANSITIONS: Mapping[TrialState, frozenset[TrialState]] = {
    # A queued trial completes when a late result of a lost attempt arrives, and fails when no attempt is left.
    TrialState.QUEUED: frozenset({TrialState.LEASED}) | _ENDED - {TrialState.STOPPED},
    TrialState.LEASED: frozenset({TrialState.RUNNING, TrialState.STOPPING, TrialState.QUEUED}) | _ENDED,
    TrialState.RUNNING: frozenset({TrialState.STOPPING, TrialState.QUEUED}) | _ENDED,
    TrialState.STOPPING: _ENDED,
    **{state: frozenset() for state in _ENDED},
}

COUNTED = frozenset({TrialState.COMPLETED, TrialState.INFEASIBLE, TrialState.FAILED, TrialState.STOPPED})
"""States in which an explore trial has used up its share of the budget."""


class AttemptState(str, Enum):
    """Life of an attempt. OFFERED: members are still being gathered. LOST: its lease ran out or was given back."""

    OFFERED = "offered"
    LEASED = "leased"
    RUNNING = "running"
    FINISHED = "finished"
    LOST = "lost"
    RELEASED = "released"

    @property
    def live(self) -> bool:
        """Whether it holds its trial."""
        return self in (AttemptState.OFFERED, AttemptState.LEASED, AttemptState.RUNNING)


class CauseKind(str, Enum):
    """What ended a trial that was not completed. REFUSED is a property of the configuration and makes it INFEASIBLE."""

    REFUSED = "refused"
    CRASHED = "crashed"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    BAD_OUTPUT = "bad output"
    WRONG_RESULT = "wrong result"
    UNAVAILABLE = "unavailable"
    LOST = "lost"
    STOPPED = "stopped"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Cause:
    """Why a trial did not complete."""

    kind: CauseKind
    message: str = ""

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.message}" if self.message else self.kind.value


@dataclass(frozen=True)
class Origin:
    """Where a configuration came from.

    Attributes:
        engine: the engine that proposed it, "default", "user" or "plan".
        seen: the last event of the store that the engine had seen.
        note: what a person should know, such as "fallback: gp was late".
        predicted: the engine's prediction (mean, standard deviation) per objective's key, where it made one.
    """

    engine: str
    seen: int = 0
    note: str = ""
    predicted: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """One request to measure one configuration in one environment.

    Attributes:
        study_id: "NAME/RUN".
        number: counts within the study, from 1.
        environment: id of the environment; None until the first worker pins the study.
        wanted: keys of the metrics that a completion must carry, and no others but declared auxiliary ones.
        plan: for a final check, the arms in the order in which they are measured; else empty.
            Arm "default" measures ``configuration`` of the default, "recommended" that of this trial.
        baseline: for a final check, the default configuration.
        members: workers that an attempt needs (1 but for gangs), and their roles.
        attempts: attempts made so far.
        cause: why it did not complete; None while it lives or when it completed.
    """

    study_id: str
    number: int
    configuration: Configuration
    purpose: Purpose
    state: TrialState
    origin: Origin
    created_at: float
    environment: str | None = None
    wanted: tuple[str, ...] = ()
    fidelity: float | None = None
    plan: tuple[str, ...] = ()
    baseline: Configuration | None = None
    members: tuple[str, ...] = ("main",)
    attempts: int = 0
    started_at: float | None = None
    ended_at: float | None = None
    cause: Cause | None = None

    @property
    def id(self) -> str:
        """ "NAME/RUN/NUMBER"."""
        return f"{self.study_id}/{self.number}"


@dataclass(frozen=True)
class Member:
    """One worker's place in an attempt.

    Attributes:
        token: fencing token: only who holds it may report for this place. A secret of tuner and worker.
        address: where the other members reach it; "" for a lone member.
    """

    worker_id: str
    role: str
    rank: int
    token: str
    address: str = ""


@dataclass(frozen=True)
class Attempt:
    """One try at a trial under one lease.

    Attributes:
        number: counts within the trial, from 1; a later attempt fences off the earlier ones.
        expires_at: when the lease runs out unless a heartbeat renews it, by the server's clock.
    """

    study_id: str
    trial: int
    number: int
    state: AttemptState
    members: tuple[Member, ...]
    leased_at: float
    expires_at: float
    ended_at: float | None = None
    cause: Cause | None = None

    @property
    def trial_id(self) -> str:
        """ "NAME/RUN/NUMBER" of its trial."""
        return f"{self.study_id}/{self.trial}"


@dataclass(frozen=True)
class Result:
    """What an attempt found, as the worker reports it and the store keeps it: exactly once, keyed by attempt.

    ``state`` is COMPLETED, INFEASIBLE, FAILED or STOPPED; observations are there for COMPLETED, and may be for STOPPED.
    """

    state: TrialState
    observations: tuple[Observation, ...] = ()
    runs: tuple[Run, ...] = ()
    intermediates: tuple[Intermediate, ...] = ()
    cause: Cause | None = None
    cost: float = 0.0
