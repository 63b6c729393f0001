"""StudySpec <-> document: plain, JSON-able data in the shape of study.yaml.

A document is what stores keep and messages carry. Keys of mappings keep the order of the file, and the order of
``space`` matters (a ``when`` reads only earlier parameters): whoever serialises a document must not sort its keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from tuner.core.errors import InvalidInput, Problem
from tuner.core.param import BoolParam, CategoricalParam, FloatParam, IntParam, OrdinalParam, Param
from tuner.core.space import Space
from tuner.core.study import Objective, OutcomeConstraint, StudySpec
from tuner.spec.node import Tree
from tuner.spec.objectives import read_objectives, read_outcome_constraints
from tuner.spec.space import read_space
from tuner.spec.study import read_study


def spec_from_document(document: Mapping[str, object], *, source: str = "") -> StudySpec:
    """The study that a document describes; ``source`` names it in messages.

    Raises:
        InvalidInput: with every problem of the document.
    """
    tree = Tree(source)
    return tree.read(tree.plain(document, ""), read_study)


def space_from_document(space: Mapping[str, object], constraints: Sequence[str] = ()) -> Space:
    """The space that ``space:`` and ``constraints:`` of a study file describe.

    Raises:
        InvalidInput: with every problem of both.
    """
    tree = Tree()
    conditions = tree.plain(constraints, "constraints") if constraints else None
    return tree.read(tree.plain(space, "space"), lambda node: read_space(node, conditions))


def objectives_from_document(objectives: Sequence[Mapping[str, object]]) -> tuple[Objective, ...]:
    """The objectives that ``objectives:`` of a study file describes.

    Raises:
        InvalidInput: with every problem of theirs.
    """
    tree = Tree()
    return tree.read(tree.plain(objectives, "objectives"), read_objectives)


def outcome_constraints_from_document(
    outcome_constraints: Sequence[str], objectives: Sequence[Objective]
) -> tuple[OutcomeConstraint, ...]:
    """The bounds that ``outcome_constraints:`` of a study file describes.

    Raises:
        InvalidInput: with every problem of theirs.
    """
    if not outcome_constraints:
        return ()
    tree = Tree()
    node = tree.plain(outcome_constraints, "outcome_constraints")
    return tree.read(node, lambda listed: read_outcome_constraints(listed, objectives))


def spec_to_document(spec: StudySpec) -> dict[str, object]:
    """The one document of a study: equal studies have equal documents, and reading it back gives an equal study.

    What a default of the file format would supply is written out, so that a stored document keeps its meaning when
    such a default changes; durations are in seconds.

    Raises:
        InvalidInput: a workload setting or engine option has the name of the key that stands beside it in the file.
    """
    document: dict[str, object] = {
        "name": spec.name,
        "workload": _beside("workload", "kind", spec.workload.kind, spec.workload.settings),
        "space": {param.name: _param(param) for param in spec.space.params},
        "constraints": [str(constraint) for constraint in spec.space.constraints],
        "objectives": [_objective(objective) for objective in spec.objectives],
        "outcome_constraints": [str(constraint) for constraint in spec.outcome_constraints],
        "budget": {key: value for key, value in asdict(spec.budget).items() if value is not None},
        "measurement": asdict(spec.measurement),
        "engine": _beside("engine", "name", spec.engine.name, spec.engine.options),
        "priors": spec.priors if isinstance(spec.priors, str) else list(spec.priors),
        "contexts": {name: list(values) for name, values in spec.contexts.items()},
        "environments": "each" if spec.each_device else "one",
        "workers": dict(spec.workers),
        "labels": dict(spec.labels),
        "seed": spec.seed,
    }
    return {key: value for key, value in document.items() if value not in ([], {})}


def _beside(section: str, key: str, value: str, others: Mapping[str, object]) -> dict[str, object]:
    if key in others:
        raise InvalidInput(Problem(f"{section}.{key}", "is taken by the section itself", others[key], "another name"))
    return {key: value, **others}


def _objective(objective: Objective) -> dict[str, object]:
    metric = objective.metric
    document: dict[str, object] = {"metric": metric.key, "goal": objective.goal.value}
    if metric.key == metric.name:
        document["statistic"] = metric.statistic
    return document


_TYPES: Mapping[type[Param], str] = {
    FloatParam: "float",
    IntParam: "int",
    OrdinalParam: "ordinal",
    CategoricalParam: "categorical",
    BoolParam: "bool",
}


def _param(param: Param) -> dict[str, object]:
    document: dict[str, object] = {"type": _TYPES[type(param)]}
    if isinstance(param, (FloatParam, IntParam)):
        document |= {"low": param.low, "high": param.high}
        if param.log:
            document["log"] = True
    elif isinstance(param, (OrdinalParam, CategoricalParam)):
        document["values"] = list(param.values)
    if param.default is not None:
        document["default"] = param.default
    if param.when is not None:
        document["when"] = param.when.text
    if param.special:
        document["special"] = list(param.special)
    if param.knob is not None:
        document["knob"] = param.knob
    if param.switch_cost:
        document["switch_cost"] = param.switch_cost
    if param.optional:
        document["optional"] = True
    return document
