"""What the device's owner allows. The server, or whoever has taken it over, can run nothing else here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tuner.core.errors import InvalidInput, Problem
from tuner.core.expression import Value
from tuner_workers import located
from tuner_workers.knobs.base import Domain, LaunchKnob, Unavailable
from tuner_workers.knobs.registry import knobs as registered_knobs
from tuner_workers.located import Node
from tuner_workers.workloads import registry as workloads

WATTS_PER_CORE = 10.0
"""Watts that a busy core is taken to draw where nothing measures it and the policy does not say; a round figure."""

_CAUTIOUS = frozenset({"tflite", "replay"})
"""Kinds of workload that run nothing but this project's own code, so that they need no owner's word."""


@dataclass(frozen=True)
class KnobRule:
    """What the policy allows of one knob; a bound that is None is the device's own."""

    low: float | None = None
    high: float | None = None
    values: tuple[Value, ...] | None = None

    def within(self, probed: Domain) -> Domain | None:
        """The part of ``probed`` that is allowed; None when nothing is."""
        if self.values is None and probed.kind in ("int", "float"):
            low = max(_bounds(self.low, probed.low), default=None)
            high = min(_bounds(self.high, probed.high), default=None)
            if probed.kind == "int":
                low, high = low if low is None else math.ceil(low), high if high is None else math.floor(high)
            empty = low is not None and high is not None and low > high
            return None if empty else Domain(probed.kind, low, high, unit=probed.unit)
        listed = probed.values if probed.kind == "choice" else (False, True) if probed.kind == "bool" else self.values
        left = tuple(probed.spell(value) for value in listed or () if value in probed and self._allows(value))
        if not left:
            return None
        whole_bool = probed.kind == "bool" and len(left) == 2
        return probed if whole_bool else Domain("choice", values=left, unit=probed.unit)

    def _allows(self, value: Value) -> bool:
        if self.values is not None and value not in Domain("choice", values=self.values):
            return False
        if self.low is None and self.high is None:
            return True
        return value in Domain("float", self.low, self.high)


def _bounds(*bounds: float | None) -> list[float]:
    return [bound for bound in bounds if bound is not None]


@dataclass(frozen=True)
class CommandRule:
    """A command that a study may name. Parameters never become part of a shell's text: there is no shell.

    Attributes:
        argv: program and fixed arguments.
        cwd: directory to run in; None for the attempt's scratch directory.
        environment: names of the worker's own variables that the command may see.
        parameters: "environment" (as TUNER_NAME=value) or "arguments" (as --name=value behind ``argv``).
        timeout: seconds for one run.
    """

    argv: tuple[str, ...]
    cwd: Path | None = None
    environment: tuple[str, ...] = ()
    parameters: str = "environment"
    timeout: float = 600.0


@dataclass(frozen=True)
class Policy:
    """What may be done on this device.

    Attributes:
        source: where it comes from, for messages: a file, or what stands in for one.
        knobs: rule by knob name; a knob that is not here may not be turned.
        workloads: kinds of workload.
        commands: by the name that a study uses.
        python: interpreter by kind of workload, where it is not the worker's own.
        data: files and directories that replay may read, by the name that a study uses.
        labels: what worker selectors of studies match.
        watts_per_core: for modelled energy.
    """

    source: str
    knobs: Mapping[str, KnobRule]
    workloads: frozenset[str]
    commands: Mapping[str, CommandRule] = field(default_factory=dict)
    python: Mapping[str, Path] = field(default_factory=dict)
    data: Mapping[str, Path] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    watts_per_core: float = WATTS_PER_CORE

    @classmethod
    def load(cls, path: Path) -> Policy:
        """Read a policy file (``examples/policy.yaml`` shows all of it). Relative paths start at the file's directory.

        Raises:
            InvalidInput: with every problem, each with its line.
        """
        problems: list[Problem] = []
        policy = _policy(located.load(path, problems), path)
        if problems:
            raise InvalidInput(sorted(problems, key=lambda problem: problem.line))
        return policy

    @classmethod
    def own_device(cls) -> Policy:
        """For somebody who tunes the machine they sit at: every knob that is not dangerous, no commands."""
        safe = {name: KnobRule() for name, knob in registered_knobs().items() if not knob.dangerous}
        return cls("the policy for one's own device", safe, frozenset(workloads.BUILT_IN) - {"command"})

    @classmethod
    def cautious(cls) -> Policy:
        """For a daemon that was given no file: nothing that outlives the workload's process, no commands."""
        launch = {
            name: KnobRule()
            for name, knob in registered_knobs().items()
            if isinstance(knob, LaunchKnob) and not knob.dangerous
        }
        return cls("the policy of a worker without a policy file", launch, _CAUTIOUS)

    def domain(self, knob_name: str, probed: Domain) -> Domain | Unavailable:
        """What policy and device allow together, or why that is nothing."""
        rule = self.knobs.get(knob_name)
        if rule is None:
            return Unavailable(f"{self.source} does not allow {knob_name}; its owner can add it under knobs:")
        allowed = rule.within(probed)
        if allowed is None:
            return Unavailable(f"{self.source} allows nothing of what this device takes ({probed})")
        return allowed

    def workload(self, kind: str) -> bool:
        """Whether workloads of this kind may run."""
        return kind in self.workloads


_FIELDS = ("knobs", "workloads", "commands", "python", "data", "labels", "watts_per_core")


def _policy(root: Node, path: Path) -> Policy:
    fields = root.mapping(known=_FIELDS)

    def entries(name: str) -> dict[str, Node]:
        return fields[name].mapping() if name in fields else {}

    folder = path.absolute().parent
    known = registered_knobs()
    rules = entries("knobs")
    for name, node in rules.items():
        if name not in known:
            node.wrong("no knob of this name is installed", expected="one of " + ", ".join(sorted(known)))
    return Policy(
        source=str(path),
        knobs={name: _knob_rule(node) for name, node in rules.items()},
        workloads=frozenset(
            node.text(choices=list(workloads.workloads()))
            for node in (fields["workloads"].sequence() if "workloads" in fields else [])
        ),
        commands={name: _command(node, folder) for name, node in entries("commands").items()},
        python={name: _existing(node, folder) for name, node in entries("python").items()},
        data={name: _existing(node, folder) for name, node in entries("data").items()},
        labels={name: str(node.scalar()) for name, node in entries("labels").items()},
        watts_per_core=fields["watts_per_core"].number(positive=True) if "watts_per_core" in fields else WATTS_PER_CORE,
    )


def _knob_rule(node: Node) -> KnobRule:
    fields = node.mapping(known=("low", "high", "values"))
    low, high = (fields[name].number() if name in fields else None for name in ("low", "high"))
    if low is not None and high is not None and low > high:
        node.wrong(f"low is above high: {low:g} > {high:g}")
    if "values" not in fields:
        return KnobRule(low, high)
    values = tuple(item.scalar() for item in fields["values"].sequence())
    if not values:
        fields["values"].wrong("there is no value; leave the knob out to forbid it")
    return KnobRule(low, high, values)


def _command(node: Node, folder: Path) -> CommandRule:
    fields = node.mapping(known=("argv", "cwd", "environment", "parameters", "timeout"))
    argv = tuple(item.text() for item in fields["argv"].sequence()) if "argv" in fields else ()
    if not argv:
        node.wrong("argv is missing", expected="argv: [PROGRAM, ARGUMENT, ...]")
    return CommandRule(
        argv=argv,
        cwd=_existing(fields["cwd"], folder) if "cwd" in fields else None,
        environment=tuple(item.text() for item in fields["environment"].sequence()) if "environment" in fields else (),
        parameters=fields["parameters"].text(("environment", "arguments")) if "parameters" in fields else "environment",
        timeout=fields["timeout"].number(positive=True) if "timeout" in fields else CommandRule.timeout,
    )


def _existing(node: Node, folder: Path) -> Path:
    path = folder / Path(node.text()).expanduser()
    if not path.exists():
        node.wrong("it does not exist", str(path))
    return path
