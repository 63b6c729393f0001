"""Reading ``objectives`` and ``outcome_constraints``: metrics, which way is better, and bounds on them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from tuner.core.errors import InvalidInput, Problem
from tuner.core.expression import Expression, ExpressionError, parse
from tuner.core.observation import STATISTICS, Metric
from tuner.core.study import Goal, Objective, OutcomeConstraint
from tuner.spec.fields import Fields, choice, each, items, text
from tuner.spec.node import Node
from tuner.spec.param import is_name

MAX_OBJECTIVES = 4
MAX_BOUNDS = 50

OBJECTIVE_KEYS = ("metric", "goal", "statistic")
_SPELLED_OUT = re.compile(r"(\w+)\s*\((.*)\)")
_BOUND = re.compile(r"(?P<metric>[^<>=!]+)(?P<operator><=|>=)(?P<bound>.+)", re.DOTALL)


def read_objectives(node: Node) -> tuple[Objective, ...]:
    """One to four objectives, each of another metric or statistic."""
    nodes = items(node, MAX_OBJECTIVES)
    objectives = each(nodes, _objective)
    problems: list[Problem] = []
    for position, objective in enumerate(objectives):
        for other in objectives[:position]:
            if objective.metric.key == other.metric.key or _quantity(objective.metric) == _quantity(other.metric):
                error = nodes[position].wrong(
                    f"{objective.metric.key} is an objective already", "each metric once", got=None
                )
                problems.extend(error.problems)
                break
    if problems:
        raise InvalidInput(problems)
    return objectives


def read_outcome_constraints(node: Node, objectives: Sequence[Objective]) -> tuple[OutcomeConstraint, ...]:
    """Bounds on metrics; one that names an objective's key, or its metric and statistic, bounds that objective."""
    return each(items(node, MAX_BOUNDS), lambda item: _outcome_constraint(item, objectives))


def _objective(node: Node) -> Objective:
    fields = Fields(node, OBJECTIVE_KEYS)
    metric = fields.need("metric", _metric_node, Metric("", ""), "the name of a metric, such as latency_ms")
    goal = fields.need("goal", choice(*(goal.value for goal in Goal)), "minimize", "minimize or maximize")
    statistic = fields.get("statistic", choice(*STATISTICS), "")
    if statistic and metric.key != metric.name:
        fields.wrong("is stated twice", "p95(METRIC), or METRIC and a statistic", key="statistic")
    fields.done()
    return Objective(Metric(metric.key, metric.name, statistic or metric.statistic), Goal(goal))


def _metric_node(node: Node) -> Metric:
    return _metric(node, text(node))


def _metric(node: Node, written: str) -> Metric:
    """``latency_ms``, by its mean, or ``p95(latency_ms)``, which is then its key."""
    written = written.strip()
    spelled_out = _SPELLED_OUT.fullmatch(written)
    statistic, name = (spelled_out[1], spelled_out[2].strip()) if spelled_out else ("mean", written)
    if statistic not in STATISTICS:
        raise node.wrong(f"{statistic!r} is no statistic", "one of " + ", ".join(STATISTICS))
    if not is_name(name) or name == "default" or len(name) > 100:
        raise node.wrong(f"{name!r} cannot name a metric", "letters, digits, _ and dots, such as latency_ms")
    return Metric(f"{statistic}({name})" if spelled_out else name, name, statistic)


def _outcome_constraint(node: Node, objectives: Sequence[Objective]) -> OutcomeConstraint:
    written = text(node).strip()
    match = _BOUND.fullmatch(written)
    if match is None:
        raise node.wrong("is no bound on a metric", "METRIC <= BOUND or METRIC >= BOUND")
    metric = _metric(node, match["metric"])
    operator: Literal["<=", ">="] = "<=" if match["operator"] == "<=" else ">="
    return OutcomeConstraint(_known(metric, objectives), operator, _bound(node, match["bound"], match.start("bound")))


def _known(metric: Metric, objectives: Sequence[Objective]) -> Metric:
    for objective in objectives:
        if metric.key == objective.metric.key:
            return objective.metric
    for objective in objectives:
        if _quantity(metric) == _quantity(objective.metric):
            return objective.metric
    return metric


def _quantity(metric: Metric) -> tuple[str, str]:
    return metric.name, metric.statistic


def _bound(node: Node, written: str, start: int) -> Expression:
    """Arithmetic over numbers and ``default``; ``start`` is where it begins in the node's text."""
    offset = start + len(written) - len(written.lstrip())
    try:
        bound = parse(written.strip())
        kind = bound.kind({"default": "number"})
    except ExpressionError as error:
        raise node.wrong(f"{error.message} at column {offset + error.column}", "numbers and 'default'") from error
    if kind != "number":
        raise node.wrong(f"{bound.text!r} is a {kind}", "a number")
    if not bound.names and bound.evaluate({}) is None:
        raise node.wrong(f"{bound.text!r} has no value", "a finite number")
    return bound
