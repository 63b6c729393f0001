"""Core values to messages and back.

What comes off the wire is checked here: enumerations that are not set, numbers that are not finite, values without a
kind. Everything wrong with a message is an ``InvalidInput`` that names the field.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import TypeVar

from tuner.core.environment import Environment, Fingerprint
from tuner.core.errors import InvalidInput, Problem
from tuner.core.event import Event
from tuner.core.expression import Value
from tuner.core.observation import Intermediate, Metric, Observation, Run
from tuner.core.param import MAX_INT
from tuner.core.study import StudyState
from tuner.core.trial import Cause, CauseKind, Purpose, Result, TrialState
from tuner.core.worker import Inventory, Offer, Worker, WorkerState
from tuner_protos.v1 import data_pb2 as pb

Member = TypeVar("Member", bound=Enum)
Source = TypeVar("Source")
Target = TypeVar("Target")

_PREFIXES: Mapping[type[Enum], str] = {
    TrialState: "TRIAL_STATE_",
    StudyState: "STUDY_STATE_",
    WorkerState: "WORKER_STATE_",
    Purpose: "PURPOSE_",
    CauseKind: "CAUSE_KIND_",
}
_WIRE_ENUMS = {
    TrialState: pb.TrialState,
    StudyState: pb.StudyState,
    WorkerState: pb.WorkerState,
    Purpose: pb.Purpose,
    CauseKind: pb.CauseKind,
}


def enum_to_proto(member: Enum) -> int:
    """The number on the wire of a member of one of core's enumerations."""
    return int(_WIRE_ENUMS[type(member)].Value(_PREFIXES[type(member)] + member.name))


def enum_from_proto(kind: type[Member], number: int, field: str) -> Member:
    """The member of ``kind`` with that number on the wire.

    Raises:
        InvalidInput: the number is unspecified or unknown; ``field`` is the name to give it.
    """
    wire = _WIRE_ENUMS[kind]
    if number and number in wire.values():
        return kind[wire.Name(number)[len(_PREFIXES[kind]) :]]
    raise InvalidInput(Problem(field, "is not set or unknown", number, "one of " + ", ".join(wire.keys()[1:])))


def value_to_proto(value: Value) -> pb.Value:
    """A parameter's value as a message."""
    if isinstance(value, bool):
        return pb.Value(bool_value=value)
    if isinstance(value, int):
        return pb.Value(int_value=value)
    if isinstance(value, float):
        return pb.Value(double_value=value)
    return pb.Value(string_value=value)


def value_from_proto(message: pb.Value, field: str = "value") -> Value:
    """A parameter's value.

    Raises:
        InvalidInput: it has no kind, is not finite, or is an integer that a float cannot hold exactly.
    """
    kind = message.WhichOneof("kind")
    if kind is None:
        raise InvalidInput(Problem(field, "is empty", None, "a bool, integer, number or text"))
    value: Value = getattr(message, kind)
    if isinstance(value, float):
        return _finite(value, field)
    if not isinstance(value, (bool, str)) and abs(value) > MAX_INT:
        raise InvalidInput(Problem(field, "is too large", value, f"an integer of magnitude up to {MAX_INT}"))
    return value


def values_to_proto(values: Mapping[str, Value]) -> dict[str, pb.Value]:
    """A mapping of values, ready for a ``map<string, Value>`` field."""
    return {name: value_to_proto(value) for name, value in values.items()}


def values_from_proto(messages: Mapping[str, pb.Value], field: str = "configuration") -> dict[str, Value]:
    """The values of a ``map<string, Value>`` field, by name: a map on the wire has no order of its own.

    Raises:
        InvalidInput: as ``value_from_proto``.
    """
    return {name: value_from_proto(messages[name], f"{field}.{name}") for name in sorted(messages)}


def metric_to_proto(metric: Metric) -> pb.Metric:
    """A metric as a message."""
    return pb.Metric(key=metric.key, name=metric.name, statistic=metric.statistic)


def metric_from_proto(message: pb.Metric) -> Metric:
    """A metric."""
    return Metric(message.key, message.name, message.statistic or "mean")


def cause_to_proto(cause: Cause | None) -> pb.Cause | None:
    """A cause as a message; None stays None."""
    return None if cause is None else pb.Cause(kind=enum_to_proto(cause.kind), message=cause.message)  # type: ignore[arg-type]


def cause_from_proto(message: pb.Cause, field: str = "cause") -> Cause:
    """A cause.

    Raises:
        InvalidInput: its kind is not set.
    """
    return Cause(enum_from_proto(CauseKind, message.kind, f"{field}.kind"), message.message)


def observation_to_proto(observation: Observation) -> pb.Observation:
    """An observation as a message."""
    return pb.Observation(
        metric=observation.metric,
        mean=observation.mean,
        variance=observation.variance,
        n=observation.n,
        unit=observation.unit,
        method=observation.method,
    )


def observation_from_proto(message: pb.Observation, field: str = "observation") -> Observation:
    """An observation.

    Raises:
        InvalidInput: the mean or variance is not finite, n is not positive, the metric has no name.
    """
    if not message.metric:
        raise InvalidInput(Problem(f"{field}.metric", "is empty", None, "the key of a metric"))
    try:
        return Observation(
            message.metric,
            message.mean,
            message.variance if message.HasField("variance") else None,
            message.n,
            message.unit,
            message.method,
        )
    except ValueError as error:
        raise InvalidInput(Problem(f"{field}.{message.metric}", str(error))) from error


def run_to_proto(run: Run) -> pb.Run:
    """A run as a message."""
    return pb.Run(
        index=run.index,
        started_at=run.started_at,
        duration=run.duration,
        values=dict(run.values),
        knobs=values_to_proto(run.knobs),
        flags=run.flags,
        arm=run.arm,
        block=run.block,
        histograms={
            name: pb.Histogram(bounds=bounds, counts=counts) for name, (bounds, counts) in run.histogram.items()
        },
    )


def run_from_proto(message: pb.Run, field: str = "run") -> Run:
    """A run.

    Raises:
        InvalidInput: a number in it is not finite, or a histogram has more counts than bounds, or fewer.
    """
    return Run(
        index=message.index,
        started_at=_finite(message.started_at, f"{field}.started_at"),
        duration=_finite(message.duration, f"{field}.duration"),
        values={name: _finite(value, f"{field}.values.{name}") for name, value in message.values.items()},
        knobs=values_from_proto(message.knobs, f"{field}.knobs"),
        flags=tuple(message.flags),
        arm=message.arm,
        block=message.block,
        histogram={name: _histogram(h, f"{field}.histograms.{name}") for name, h in message.histograms.items()},
    )


def _histogram(message: pb.Histogram, field: str) -> tuple[tuple[float, ...], tuple[int, ...]]:
    if len(message.bounds) != len(message.counts):
        raise InvalidInput(
            Problem(field, "has not one count for each bound", len(message.counts), str(len(message.bounds)))
        )
    return tuple(_finite(bound, field) for bound in message.bounds), tuple(message.counts)


def intermediate_to_proto(value: Intermediate) -> pb.Intermediate:
    """A point of a learning curve as a message."""
    return pb.Intermediate(step=value.step, elapsed=value.elapsed, metric=value.metric, value=value.value)


def intermediate_from_proto(message: pb.Intermediate, field: str = "intermediate") -> Intermediate:
    """A point of a learning curve.

    Raises:
        InvalidInput: a number in it is not finite, or the metric has no name.
    """
    if not message.metric:
        raise InvalidInput(Problem(f"{field}.metric", "is empty", None, "the name of a metric"))
    return Intermediate(
        message.step,
        _finite(message.elapsed, f"{field}.elapsed"),
        message.metric,
        _finite(message.value, f"{field}.value"),
    )


def result_to_proto(result: Result) -> pb.Result:
    """A result as a message."""
    return pb.Result(
        state=enum_to_proto(result.state),  # type: ignore[arg-type]
        observations=map(observation_to_proto, result.observations),
        runs=map(run_to_proto, result.runs),
        intermediates=map(intermediate_to_proto, result.intermediates),
        cause=cause_to_proto(result.cause),
        cost=result.cost,
    )


def result_from_proto(message: pb.Result) -> Result:
    """A result.

    Raises:
        InvalidInput: everything that is wrong with it, at once.
    """
    problems: list[Problem] = []
    observations = _gather(observation_from_proto, message.observations, "observations", problems)
    runs = _gather(run_from_proto, message.runs, "runs", problems)
    intermediates = _gather(intermediate_from_proto, message.intermediates, "intermediates", problems)
    cause = _convert(cause_from_proto, message.cause, "cause", problems) if message.HasField("cause") else None
    state = _convert(_trial_state, message.state, "state", problems)
    cost = _convert(_finite, message.cost, "cost", problems)
    if problems or state is None or cost is None:
        raise InvalidInput(problems)
    return Result(state, observations, runs, intermediates, cause, cost)


def _trial_state(number: int, field: str) -> TrialState:
    return enum_from_proto(TrialState, number, field)


def _gather(
    convert: Callable[[Source, str], Target], items: Iterable[Source], field: str, problems: list[Problem]
) -> tuple[Target, ...]:
    converted = [_convert(convert, item, f"{field}[{index}]", problems) for index, item in enumerate(items)]
    return tuple(item for item in converted if item is not None)


def _convert(
    convert: Callable[[Source, str], Target], item: Source, field: str, problems: list[Problem]
) -> Target | None:
    """The item converted; None where it cannot be, which adds to the problems."""
    try:
        return convert(item, field)
    except InvalidInput as error:
        problems.extend(error.problems)
        return None


def fingerprint_to_proto(fingerprint: Fingerprint) -> pb.Fingerprint:
    """A fingerprint as a message."""
    return pb.Fingerprint(device=dict(fingerprint.device), software=dict(fingerprint.software))


def fingerprint_from_proto(message: pb.Fingerprint) -> Fingerprint:
    """A fingerprint."""
    return Fingerprint(dict(message.device), dict(message.software))


def environment_to_proto(environment: Environment) -> pb.Environment:
    """An environment as a message."""
    return pb.Environment(
        id=environment.id,
        fingerprint=fingerprint_to_proto(environment.fingerprint),
        contexts=dict(environment.contexts),
    )


def environment_from_proto(message: pb.Environment) -> Environment:
    """An environment."""
    return Environment(fingerprint_from_proto(message.fingerprint), dict(message.contexts))


def offer_to_proto(offer: Offer) -> pb.Offer:
    """An offer as a message."""
    return pb.Offer(
        name=offer.name,
        available=offer.available,
        domain=offer.domain,
        reason=offer.reason,
        current=None if offer.current is None else value_to_proto(offer.current),
        low=offer.low,
        high=offer.high,
        listed=offer.values is not None,
        values=[value_to_proto(value) for value in offer.values or ()],
        metrics=dict(offer.metrics),
    )


def offer_from_proto(message: pb.Offer) -> Offer:
    """An offer.

    Raises:
        InvalidInput: a value in it is not usable.
    """
    return Offer(
        name=message.name,
        available=message.available,
        domain=message.domain,
        reason=message.reason,
        current=value_from_proto(message.current, f"{message.name}.current") if message.HasField("current") else None,
        low=_finite(message.low, f"{message.name}.low") if message.HasField("low") else None,
        high=_finite(message.high, f"{message.name}.high") if message.HasField("high") else None,
        values=tuple(
            value_from_proto(value, f"{message.name}.values[{index}]") for index, value in enumerate(message.values)
        )
        if message.listed
        else None,
        metrics=dict(message.metrics),
    )


def inventory_to_proto(inventory: Inventory) -> pb.Inventory:
    """An inventory as a message."""
    return pb.Inventory(
        fingerprint=fingerprint_to_proto(inventory.fingerprint),
        knobs=map(offer_to_proto, inventory.knobs),
        meters=map(offer_to_proto, inventory.meters),
        workloads=map(offer_to_proto, inventory.workloads),
        labels=dict(inventory.labels),
    )


def inventory_from_proto(message: pb.Inventory) -> Inventory:
    """An inventory.

    Raises:
        InvalidInput: a value in it is not usable.
    """
    return Inventory(
        fingerprint_from_proto(message.fingerprint),
        tuple(map(offer_from_proto, message.knobs)),
        tuple(map(offer_from_proto, message.meters)),
        tuple(map(offer_from_proto, message.workloads)),
        dict(message.labels),
    )


def worker_to_proto(worker: Worker, trial: str = "") -> pb.Worker:
    """A worker as a message; ``trial`` is what it measures now."""
    return pb.Worker(
        id=worker.id,
        name=worker.name,
        state=enum_to_proto(worker.state),  # type: ignore[arg-type]
        inventory=inventory_to_proto(worker.inventory),
        registered_at=worker.registered_at,
        seen_at=worker.seen_at,
        reason=worker.reason,
        trial=trial,
    )


def event_to_proto(event: Event) -> pb.Event:
    """An event as a message."""
    return pb.Event(
        sequence=event.sequence,
        kind=event.kind.value,
        at=event.at,
        study_id=event.study_id,
        trial=event.trial,
        actor=event.actor,
        data_json=json.dumps(event.data, allow_nan=False, sort_keys=True),
    )


def _finite(value: float, field: str) -> float:
    if not math.isfinite(value):
        raise InvalidInput(Problem(field, "is not a finite number", value, "a finite number"))
    return value
