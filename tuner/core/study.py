"""The study: what is asked. ``tuner.spec`` reads and writes it as YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from tuner.core.expression import Expression, Value
from tuner.core.observation import Metric
from tuner.core.space import Space

EXTERNAL = "external"
"""The workload kind of studies that a program measures by itself, over ask and tell: no worker may."""


class Goal(str, Enum):
    """Which way is better."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"

    @property
    def sign(self) -> float:
        """Factor that turns the metric into one to minimize."""
        return 1.0 if self is Goal.MINIMIZE else -1.0


@dataclass(frozen=True)
class Objective:
    """A metric and which way is better."""

    metric: Metric
    goal: Goal = Goal.MINIMIZE


@dataclass(frozen=True)
class OutcomeConstraint:
    """A bound on a measured metric: ``accuracy >= 0.95`` or ``latency_ms <= 1.1 * default``.

    In ``bound`` the name ``default`` stands for the metric's value at the default configuration in the same
    environment. Until that is measured a relative constraint is undecided.
    """

    metric: Metric
    operator: Literal["<=", ">="]
    bound: Expression

    @property
    def relative(self) -> bool:
        """Whether the bound depends on the default."""
        return bool(self.bound.names)

    def limit(self, default: float | None) -> float | None:
        """The bound as a number; None while it is undecided."""
        value = self.bound.evaluate({} if default is None else {"default": default})
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def margin(self, value: float, default: float | None) -> float | None:
        """By how much ``value`` keeps the bound (negative: breaks it), in the metric's unit; None while undecided."""
        limit = self.limit(default)
        if limit is None:
            return None
        return limit - value if self.operator == "<=" else value - limit

    def __str__(self) -> str:
        return f"{self.metric.key} {self.operator} {self.bound}"


@dataclass(frozen=True)
class Workload:
    """A registered workload kind and its settings; settings are checked by the worker that offers the kind."""

    kind: str
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Budget:
    """When to stop.

    Attributes:
        trials: explore trials that ended COMPLETED, INFEASIBLE, FAILED or STOPPED; None for no such bound.
        time: seconds of active wall time, a share of it kept for the final check; None for no such bound.
        max_attempts: attempts at one trial before it is FAILED as lost.
    """

    trials: int | None = None
    time: float | None = None
    max_attempts: int = 3


@dataclass(frozen=True)
class Measurement:
    """How one trial is measured.

    Attributes:
        warmup: runs thrown away before the first counted one, or "auto" (until the times are level).
        runs: counted runs in an attempt, or "auto" (a few; more while they differ).
        replicates: trials that measure a promising configuration anew, or "auto".
        timeout: seconds that an attempt may take before it is ended and FAILED.
        blocks: default/recommended pairs in the final check, at least 5; 0 for no final check.
    """

    warmup: int | Literal["auto"] = "auto"
    runs: int | Literal["auto"] = "auto"
    replicates: int | Literal["auto"] = "auto"
    timeout: float = 600.0
    blocks: int = 6


@dataclass(frozen=True)
class EngineChoice:
    """A registered engine by name ("auto", "gp", "optuna:tpe") and its options."""

    name: str = "auto"
    options: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class StudySpec:
    """Everything that a study.yaml says.

    Attributes:
        name: what the user calls it; together with the run number it names the study.
        contexts: declared contexts, each with its values; every combination is an environment of the study.
        each_device: False pins the study to the first worker's device type; True gives each type its own answer.
        priors: "auto", "none", or names of studies to learn from.
        workers: which workers may measure: fingerprint facts and labels that must match, as text.
        seed: makes suggestions reproducible.
    """

    name: str
    workload: Workload
    space: Space
    objectives: tuple[Objective, ...]
    outcome_constraints: tuple[OutcomeConstraint, ...] = ()
    budget: Budget = field(default_factory=Budget)
    measurement: Measurement = field(default_factory=Measurement)
    engine: EngineChoice = field(default_factory=EngineChoice)
    priors: Literal["auto", "none"] | tuple[str, ...] = "auto"
    contexts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    each_device: bool = False
    workers: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0

    @property
    def wanted(self) -> tuple[Metric, ...]:
        """The metrics that every trial must report, each once: objectives first, then constrained ones."""
        metrics = [o.metric for o in self.objectives] + [c.metric for c in self.outcome_constraints]
        return tuple({metric.key: metric for metric in metrics}.values())


class StudyState(str, Enum):
    """Life of a study."""

    ACTIVE = "active"
    PAUSED = "paused"
    CONFIRMING = "confirming"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def terminal(self) -> bool:
        """Whether it never changes again."""
        return not STUDY_TRANSITIONS[self]


STUDY_TRANSITIONS: Mapping[StudyState, frozenset[StudyState]] = {
    StudyState.ACTIVE: frozenset(
        {StudyState.PAUSED, StudyState.CONFIRMING, StudyState.COMPLETED, StudyState.CANCELLED, StudyState.FAILED}
    ),
    StudyState.PAUSED: frozenset({StudyState.ACTIVE, StudyState.CONFIRMING, StudyState.CANCELLED}),
    StudyState.CONFIRMING: frozenset(
        {StudyState.PAUSED, StudyState.COMPLETED, StudyState.CANCELLED, StudyState.FAILED}
    ),
    StudyState.COMPLETED: frozenset(),
    StudyState.CANCELLED: frozenset(),
    StudyState.FAILED: frozenset(),
}


@dataclass(frozen=True)
class Study:
    """A study as the store keeps it.

    Attributes:
        id: "NAME/RUN".
        run: counts submissions of the same contents after the earlier ones ended, from 1.
        source: the text that was submitted, for people and for comparison.
        active_seconds: wall time spent ACTIVE or CONFIRMING up to ``active_since``.
        active_since: when it last became active; None while it is paused or ended.
        reason: why it is in this state, for people.
        pinned: digest of the device type it is pinned to, once there is one.
    """

    id: str
    spec: StudySpec
    run: int
    state: StudyState
    created_at: float
    source: str = ""
    owner: str = ""
    active_seconds: float = 0.0
    active_since: float | None = None
    ended_at: float | None = None
    reason: str = ""
    pinned: str | None = None

    def elapsed(self, now: float) -> float:
        """Active wall time in seconds."""
        return self.active_seconds + (0.0 if self.active_since is None else max(0.0, now - self.active_since))
