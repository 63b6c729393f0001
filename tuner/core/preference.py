"""What "better" means: dominance, the Pareto front, and the one point of it that is recommended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

from tuner.core.study import Objective, OutcomeConstraint

Point = TypeVar("Point")
Values = Mapping[str, float]


def feasible(constraints: Sequence[OutcomeConstraint], values: Values, default: Values | None = None) -> bool | None:
    """Whether ``values`` (by metric key) keep every constraint.

    Returns None while it is undecided: a bound relative to a default that is not measured, a metric not measured.
    One that is broken decides, whatever the others.
    """
    undecided = False
    for constraint in constraints:
        key = constraint.metric.key
        margin = constraint.margin(values[key], (default or {}).get(key)) if key in values else None
        if margin is None:
            undecided = True
        elif margin < 0:
            return False
    return None if undecided else True


def dominates(objectives: Sequence[Objective], left: Values, right: Values) -> bool:
    """Whether ``left`` is at least as good as ``right`` in every objective and better in one."""
    pairs = [(left[o.metric.key] * o.goal.sign, right[o.metric.key] * o.goal.sign) for o in objectives]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def front(objectives: Sequence[Objective], points: Sequence[tuple[Point, Values]]) -> list[tuple[Point, Values]]:
    """The points that no other dominates, in the order of the first objective; of equal ones the first only."""
    order = sorted(points, key=lambda p: tuple(p[1][o.metric.key] * o.goal.sign for o in objectives))
    kept: list[tuple[Point, Values]] = []
    for point, values in order:
        if any(
            dominates(objectives, other, values) or all(other[o.metric.key] == values[o.metric.key] for o in objectives)
            for _, other in kept
        ):
            continue
        kept.append((point, values))
    return kept


def recommend(
    objectives: Sequence[Objective], points: Sequence[tuple[Point, Values]], default: Values | None = None
) -> tuple[Point, Values] | None:
    """The point of the front with the greatest product of improvements; None where there are no points.

    The rule, for one objective, is its best value. For several: each objective's improvement over the default is
    the ratio of the two values where all of that objective's values are positive, and the point with the greatest
    product of ratios is taken (Nash's bargaining solution on the logarithms, with the default as the point of
    disagreement; a point that makes one objective worse than the default is taken only where every point does).
    An objective with values that are not positive counts by its share of the front's range instead.
    """
    candidates = front(objectives, points)
    if not candidates:
        return None
    gains = [_gains(objectives, values, candidates, default) for _, values in candidates]
    unharmed = [index for index, gain in enumerate(gains) if all(g >= 0 for g in gain)]
    best = max(unharmed or range(len(candidates)), key=lambda index: sum(gains[index]))
    return candidates[best]


def _gains(
    objectives: Sequence[Objective],
    values: Values,
    candidates: Sequence[tuple[Point, Values]],
    default: Values | None,
) -> list[float]:
    gains = []
    for objective in objectives:
        key, sign = objective.metric.key, objective.goal.sign
        column = [candidate[key] for _, candidate in candidates]
        reference = default[key] if default and key in default else None
        if min(column) > 0 and (reference is None or reference > 0):
            anchor = math.log(reference) if reference is not None else math.log(max(column, key=lambda v: v * sign))
            gains.append(-sign * (math.log(values[key]) - anchor))
        else:
            span = max(column) - min(column) or 1.0
            anchor = reference if reference is not None else max(column, key=lambda v: v * sign)
            gains.append(-sign * (values[key] - anchor) / span)
    return gains
