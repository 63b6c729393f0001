"""What the server asks a worker to measure, checked as it comes off the wire."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from tuner_protos import convert
from tuner_protos.v1 import workers_pb2 as pb

from tuner.core.errors import InvalidInput, Problem
from tuner.core.expression import Value
from tuner.core.observation import STATISTICS, Metric
from tuner.core.trial import Purpose

ARMS = ("default", "recommended")
"""Names that a final check's plan may hold."""


@dataclass(frozen=True)
class Assignment:
    """What to measure, complete in itself.

    Attributes:
        trial_id: "NAME/RUN/NUMBER".
        token: fencing token of this attempt; a secret.
        lease_term: seconds until the lease runs out unless a heartbeat renews it.
        workload: registered kind.
        knobs: parameters bound to knobs: parameter name to knob name.
        wanted: metrics that a completion must carry.
        warmup, runs: None for automatic.
        timeout: seconds for the whole attempt; in a final check, for each arm in its turn.
        plan: for a final check, the arms in the order in which they are measured; else empty.
        baseline: for a final check, the default configuration; else empty.
    """

    trial_id: str
    attempt: int
    token: str
    lease_term: float
    workload: str
    settings: Mapping[str, object]
    configuration: Mapping[str, Value]
    wanted: tuple[Metric, ...]
    timeout: float
    knobs: Mapping[str, str] = field(default_factory=dict)
    warmup: int | None = None
    runs: int | None = None
    contexts: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    purpose: Purpose = Purpose.EXPLORE
    plan: tuple[str, ...] = ()
    baseline: Mapping[str, Value] = field(default_factory=dict)

    def arm(self, name: str) -> Mapping[str, Value]:
        """The configuration of one of the final check's arms."""
        return self.baseline if name == "default" else self.configuration

    def knob_values(self, configuration: Mapping[str, Value]) -> dict[str, Value]:
        """The part of a configuration that is set on the device, by knob name. An inactive parameter sets nothing."""
        return {knob: configuration[name] for name, knob in self.knobs.items() if name in configuration}

    def arguments(self, configuration: Mapping[str, Value]) -> dict[str, Value]:
        """The part of a configuration that is passed to the workload."""
        return {name: value for name, value in configuration.items() if name not in self.knobs}


def assignment_from_proto(message: pb.Assignment) -> Assignment:
    """The assignment.

    Raises:
        InvalidInput: everything that is wrong with it, at once.
    """
    problems: list[Problem] = []
    configuration = _values(message.configuration, "configuration", problems)
    baseline = _values(message.baseline, "baseline", problems)
    settings = _settings(message.settings_json, problems)
    purpose = Purpose.EXPLORE
    try:
        purpose = convert.enum_from_proto(Purpose, message.purpose, "purpose")
    except InvalidInput as error:
        problems += error.problems
    wanted = tuple(map(convert.metric_from_proto, message.wanted))
    problems += _check(message, wanted)
    if problems:
        raise InvalidInput(problems)
    plan = message.measurement
    return Assignment(
        trial_id=message.trial_id,
        attempt=message.attempt,
        token=message.token,
        lease_term=message.lease_term,
        workload=message.workload,
        settings=settings,
        configuration=configuration,
        wanted=wanted,
        timeout=plan.timeout,
        knobs=dict(message.knobs),
        warmup=plan.warmup if plan.HasField("warmup") else None,
        runs=plan.runs if plan.HasField("runs") else None,
        contexts=dict(message.contexts),
        seed=message.seed,
        purpose=purpose,
        plan=tuple(message.plan),
        baseline=baseline,
    )


def _values(messages: Mapping[str, object], field: str, problems: list[Problem]) -> dict[str, Value]:
    try:
        return convert.values_from_proto(messages, field)  # type: ignore[arg-type]
    except InvalidInput as error:
        problems += error.problems
        return {}


def _settings(text: str, problems: list[Problem]) -> dict[str, object]:
    try:
        settings = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        problems.append(Problem("settings_json", f"is no JSON: {error}", text))
        return {}
    if not isinstance(settings, dict):
        problems.append(Problem("settings_json", "is no JSON object", text))
        return {}
    return settings


def _check(message: pb.Assignment, wanted: tuple[Metric, ...]) -> list[Problem]:
    plan = message.measurement
    problems = [
        Problem(f"wanted.{metric.key}", "has an unknown statistic", metric.statistic, ", ".join(STATISTICS))
        for metric in wanted
        if metric.statistic not in STATISTICS
    ]
    if not wanted:
        problems.append(Problem("wanted", "is empty", None, "the metrics to measure"))
    if len({metric.key for metric in wanted}) < len(wanted):
        problems.append(Problem("wanted", "has a key twice", [metric.key for metric in wanted]))
    if not (math.isfinite(plan.timeout) and plan.timeout > 0):
        problems.append(Problem("measurement.timeout", "is not positive", plan.timeout, "seconds"))
    if plan.HasField("warmup") and plan.warmup < 0:
        problems.append(Problem("measurement.warmup", "is negative", plan.warmup, "a number of runs"))
    if plan.HasField("runs") and plan.runs < 1:
        problems.append(Problem("measurement.runs", "is not positive", plan.runs, "a number of runs"))
    if len(set(message.knobs.values())) < len(message.knobs):
        problems.append(Problem("knobs", "binds two parameters to one knob", dict(message.knobs)))
    if set(message.plan) - set(ARMS) or len(message.plan) % 2:
        problems.append(Problem("plan", "is no plan of pairs", list(message.plan), f"pairs of {' and '.join(ARMS)}"))
    if message.HasField("fidelity"):
        problems.append(Problem("fidelity", "is not supported by this worker", message.fidelity, "none"))
    if message.peers:
        problems.append(Problem("peers", "are not supported by this worker", len(message.peers), "a lone member"))
    return problems
