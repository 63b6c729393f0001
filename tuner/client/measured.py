"""What ``ask``, ``best`` and ``front`` hand out, the same from a blocking client and from an asynchronous one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuner_protos import convert
from tuner_protos.v1 import data_pb2, trials_pb2

from tuner.core.errors import InvalidInput, Problem
from tuner.core.expression import Value
from tuner.core.observation import Observation


@dataclass(frozen=True)
class Asked:
    """A configuration to measure, held for the caller until it is told.

    Attributes:
        id: "NAME/RUN/NUMBER".
        note: what a person should know about where it came from.
    """

    id: str
    config: Mapping[str, Value]
    note: str = ""


@dataclass(frozen=True)
class Measured:
    """A configuration that was measured, with what was observed, by metric key."""

    id: str
    config: Mapping[str, Value]
    observations: Mapping[str, Observation]
    environment: str

    @property
    def values(self) -> dict[str, float]:
        """The means, by metric key."""
        return {key: observation.mean for key, observation in self.observations.items()}


def asked_of(message: data_pb2.Trial) -> Asked:
    """A trial as a configuration to measure."""
    return Asked(message.id, convert.values_from_proto(message.configuration), message.note)


def measured_of(message: data_pb2.Trial) -> Measured:
    """A completed trial as what it measured."""
    observations = [convert.observation_from_proto(observation) for observation in message.observations]
    return Measured(
        message.id,
        convert.values_from_proto(message.configuration),
        {observation.metric: observation for observation in observations},
        message.environment,
    )


def best_of(optimal: Sequence[trials_pb2.Optimal], environment: str | None) -> Measured | None:
    """The recommended configuration of an environment; None while there is none.

    Raises:
        InvalidInput: as ``front_of``.
    """
    chosen = _choose(optimal, environment)
    return measured_of(chosen.recommended) if chosen and chosen.HasField("recommended") else None


def front_of(optimal: Sequence[trials_pb2.Optimal], environment: str | None) -> list[Measured]:
    """The Pareto front of an environment; empty while nothing is measured.

    Raises:
        InvalidInput: the environment is unknown, or the study has several and none is named.
    """
    chosen = _choose(optimal, environment)
    return [measured_of(trial) for trial in chosen.front] if chosen else []


def _choose(optimal: Sequence[trials_pb2.Optimal], environment: str | None) -> trials_pb2.Optimal | None:
    if environment is None and len(optimal) <= 1:
        return optimal[0] if optimal else None
    for each in optimal:
        if each.environment == environment:
            return each
    known = ", ".join(each.environment for each in optimal) or "none yet"
    raise InvalidInput(Problem("environment", "each environment has its own answer", environment, f"one of: {known}"))
