"""The contract of an engine. ``tuner.testing.EngineTestCase`` checks what is promised here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tuner.core.errors import Problem
from tuner.core.expression import Value
from tuner.core.observation import Observation
from tuner.core.space import Configuration, Space
from tuner.core.study import Objective, OutcomeConstraint
from tuner.core.trial import Cause, TrialState


@dataclass(frozen=True)
class Evaluated:
    """One finished trial, as an engine sees it.

    Attributes:
        observations: by metric key; complete for a COMPLETED trial, possibly partial or empty otherwise.
        cost: seconds that the trial took, 0 where it is not known.
        cause: why it did not complete; INFEASIBLE, FAILED and STOPPED trials are there to learn from.
    """

    configuration: Configuration
    state: TrialState
    observations: Mapping[str, Observation] = field(default_factory=dict)
    environment: str = ""
    cost: float = 0.0
    fidelity: float | None = None
    cause: Cause | None = None
    is_default: bool = False


@dataclass(frozen=True)
class Source:
    """Measurements from elsewhere: a prior. ``space`` may differ from the study's own."""

    name: str
    space: Space
    environment: str
    trials: tuple[Evaluated, ...]


@dataclass(frozen=True)
class SuggestRequest:
    """All that an engine needs, in one value: no engine asks anything back, and none keeps what it could not redo.

    Attributes:
        completed: finished trials, of all environments of the study, oldest first.
        pending: configurations queued or being measured in ``environment``; not to be proposed again.
        environment: where the suggestions will be measured.
        count: how many are wanted.
        seed: the only source of randomness. It stays the same over a study, so that a sequence can be continued; an
            engine that draws anew each time mixes in how much it knows.
        deadline: seconds that the answer is worth waiting for; None for no bound. Advice, not a guillotine.
        sequence: the last event that this request has seen.
        options: the engine's options from the study file.
    """

    space: Space
    objectives: tuple[Objective, ...]
    outcome_constraints: tuple[OutcomeConstraint, ...] = ()
    completed: tuple[Evaluated, ...] = ()
    pending: tuple[Configuration, ...] = ()
    environment: str = ""
    priors: tuple[Source, ...] = ()
    count: int = 1
    seed: int = 0
    deadline: float | None = None
    sequence: int = 0
    options: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Suggestion:
    """A configuration worth measuring.

    ``predicted`` holds mean and standard deviation per objective key where the engine models them.
    """

    configuration: Configuration
    note: str = ""
    predicted: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Prediction:
    """What a model expects of a configuration: mean, and the standard deviation of a new measurement's mean."""

    mean: float
    deviation: float


class Engine(ABC):
    """Proposes configurations.

    Promises:
        * The same request gives the same suggestions, in this process or another.
        * Every suggestion is a valid configuration of the space: in its domain, active parameters only, every known
          constraint kept.
        * Suggestions differ from each other, from what is pending and from every configuration that ``completed``
          holds for the same environment, except in a space that is continuous where chance alone rules it out.
        * Fewer than ``count`` suggestions mean that the space holds no more; none at all raises SpaceExhausted.
        * No finite history breaks it: none, one trial, all failed, constant objectives, an outlier of any size.
    """

    name: str
    """The name under which it is registered."""

    def validate(
        self, space: Space, objectives: Sequence[Objective], options: Mapping[str, Value]
    ) -> Sequence[Problem]:
        """What about this space, these objectives or options it cannot work with; empty when all is well."""
        del space, objectives
        return [Problem(f"engine.options.{key}", "is no option of this engine", options[key]) for key in options]

    @abstractmethod
    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        """Propose ``request.count`` configurations, best first.

        Raises:
            SpaceExhausted: every valid configuration has been measured or is pending.
        """


class Predictor(ABC):
    """Optional capability of an engine: it has a model that can be asked."""

    @abstractmethod
    def predict(
        self, request: SuggestRequest, configurations: Sequence[Configuration]
    ) -> list[Mapping[str, Prediction]]:
        """For each configuration, a prediction per objective key, in the objective's own unit and direction.

        Raises:
            WrongState: there are too few completed trials to say anything.
        """
