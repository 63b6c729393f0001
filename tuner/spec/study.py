"""Reading a whole study: the located tree in, a StudySpec or all of its problems out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Literal

from tuner.core.errors import InvalidInput
from tuner.core.expression import Value
from tuner.core.space import Space
from tuner.core.study import Budget, EngineChoice, Measurement, StudySpec, Workload
from tuner.spec.fields import (
    Fields,
    Reader,
    choice,
    each,
    items,
    label,
    labels,
    positive_seconds,
    scalar,
    whole,
)
from tuner.spec.node import Node
from tuner.spec.objectives import read_objectives, read_outcome_constraints
from tuner.spec.space import read_space

KEYS = (
    "name",
    "workload",
    "space",
    "constraints",
    "objectives",
    "outcome_constraints",
    "budget",
    "measurement",
    "engine",
    "priors",
    "contexts",
    "environments",
    "workers",
    "labels",
    "seed",
)
BUDGET_KEYS = ("trials", "time", "max_attempts")
MEASUREMENT_KEYS = ("warmup", "runs", "replicates", "timeout", "blocks")
MAX_PRIORS = 100
MAX_ENVIRONMENTS = 100
MIN_BLOCKS = 5
END_BY_THEMSELVES = ("grid", "full-factorial")
"""Engines that end a study when they have been through the space, so that no budget is needed."""


def read_study(node: Node) -> StudySpec:
    """The study that the root of a document describes.

    Raises:
        InvalidInput: with every problem of the document.
    """
    fields = Fields(node, KEYS)
    name = fields.need("name", _name, "", "what the study is called")
    workload = fields.need("workload", _workload, Workload(""), "{kind: ..., its settings}")
    space = fields.need(
        "space", lambda child: read_space(child, fields.entries.get("constraints")), Space(()), "the parameters"
    )
    objectives = fields.need("objectives", read_objectives, (), "a list of {metric: ..., goal: ...}")
    outcome_constraints = fields.get(
        "outcome_constraints", lambda child: read_outcome_constraints(child, objectives), ()
    )
    budget = fields.get("budget", _budget, Budget())
    measurement = fields.get("measurement", _measurement, Measurement())
    engine = fields.get("engine", _engine, EngineChoice())
    priors: Literal["auto", "none"] | tuple[str, ...] = fields.get("priors", _priors, "auto")
    contexts: Mapping[str, tuple[str, ...]] = fields.get("contexts", _contexts, {})
    environments = fields.get("environments", choice("one", "each"), "one")
    workers: Mapping[str, str] = fields.get("workers", labels, {})
    tags: Mapping[str, str] = fields.get("labels", labels, {})
    seed = fields.get("seed", whole(0), 0)
    if fields.sound and budget.trials is None and budget.time is None and engine.name not in END_BY_THEMSELVES:
        fields.wrong("sets no end to the study", "trials, time or both", key="budget", got=None)
    fields.done()
    return StudySpec(
        name=name,
        workload=workload,
        space=space,
        objectives=objectives,
        outcome_constraints=outcome_constraints,
        budget=budget,
        measurement=measurement,
        engine=engine,
        priors=priors,
        contexts=contexts,
        each_device=environments == "each",
        workers=workers,
        labels=tags,
        seed=seed,
    )


def _name(node: Node) -> str:
    if isinstance(node.value, str) and "/" in node.value:
        raise node.wrong("contains '/', which separates a study from its runs", "a name without '/'")
    return label(node)


def _workload(node: Node) -> Workload:
    fields = Fields(node)
    kind = fields.need("kind", label, "", "the name of a workload, such as tflite")
    fields.done()
    return Workload(kind, {key: child.plain() for key, child in fields.entries.items() if key != "kind"})


def _budget(node: Node) -> Budget:
    fields = Fields(node, BUDGET_KEYS)
    trials = fields.get("trials", whole(1), None)
    time = fields.get("time", positive_seconds, None)
    max_attempts = fields.get("max_attempts", whole(1, 100), Budget.max_attempts)
    fields.done()
    return Budget(trials, time, max_attempts)


def _measurement(node: Node) -> Measurement:
    fields = Fields(node, MEASUREMENT_KEYS)
    warmup = fields.get("warmup", _auto_or(whole(0)), Measurement.warmup)
    runs = fields.get("runs", _auto_or(whole(1)), Measurement.runs)
    replicates = fields.get("replicates", _auto_or(whole(0)), Measurement.replicates)
    timeout = fields.get("timeout", positive_seconds, Measurement.timeout)
    blocks = fields.get("blocks", whole(0), Measurement.blocks)
    if 0 < blocks < MIN_BLOCKS:
        fields.wrong(
            "are too few pairs for a confidence interval",
            f"at least {MIN_BLOCKS}, or 0 for no final check",
            key="blocks",
        )
    fields.done()
    return Measurement(warmup, runs, replicates, timeout, blocks)


def _auto_or(read: Reader[int]) -> Reader[int | Literal["auto"]]:
    def reader(node: Node) -> int | Literal["auto"]:
        if node.value == "auto":
            return "auto"
        try:
            return read(node)
        except InvalidInput as error:
            raise InvalidInput([replace(p, expected=f"{p.expected}, or auto") for p in error.problems]) from error

    return reader


def _engine(node: Node) -> EngineChoice:
    if not isinstance(node.value, dict):
        return EngineChoice(label(node))
    fields = Fields(node)
    name = fields.need("name", label, "", "the name of an engine, such as gp")
    options: dict[str, Value] = {key: fields.get(key, scalar, "") for key in fields.entries if key != "name"}
    fields.done()
    return EngineChoice(name, options)


def _priors(node: Node) -> Literal["auto", "none"] | tuple[str, ...]:
    if node.value == "auto":
        return "auto"
    if node.value == "none":
        return "none"
    if not isinstance(node.value, list):
        raise node.wrong("is not known", "auto, none, or a list of names of studies")
    return each(items(node, MAX_PRIORS), label)


def _contexts(node: Node) -> Mapping[str, tuple[str, ...]]:
    fields = Fields(node)
    fields.check_keys()
    contexts = {key: fields.get(key, _context, ()) for key in fields.entries}
    if fields.sound and prod(map(len, contexts.values())) > MAX_ENVIRONMENTS:
        fields.wrong("make too many environments", f"at most {MAX_ENVIRONMENTS} combinations")
    fields.done()
    return contexts


def _context(node: Node) -> tuple[str, ...]:
    values = each(items(node, MAX_ENVIRONMENTS), label)
    if len(set(values)) < len(values):
        raise node.wrong("lists a value twice", "each value once")
    return values
