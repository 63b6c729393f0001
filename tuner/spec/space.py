"""Reading ``space`` and ``constraints``."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.core.errors import InvalidInput, Problem
from tuner.core.expression import Expression
from tuner.core.param import Param
from tuner.core.space import Space
from tuner.spec.fields import each, items, mapping
from tuner.spec.node import Node
from tuner.spec.param import MAX_VALUES, condition, read_param

MAX_PARAMS = 500
MAX_CONSTRAINTS = 200
MAX_TEXT = 10_000
"""Characters of all conditions and constraints together: engines evaluate them at thousands of points."""
MAX_ENUMERATED = 10_000
MAX_SEARCHED = 5_000_000
"""Spaces up to this size, and this size times those characters (a second or so), are searched for a configuration that
keeps the constraints."""


def read_space(node: Node, constraints: Node | None = None) -> Space:
    """The space that two nodes describe.

    Raises:
        InvalidInput: with every problem of both.
    """
    entries = mapping(node)
    if not 1 <= len(entries) <= MAX_PARAMS:
        raise node.wrong(f"has {len(entries)} parameters", f"1 to {MAX_PARAMS}", got=None)
    problems: list[Problem] = []
    params: list[Param] = []
    # One that is broken may be read as anything, so that its mistake is not reported at every use.
    kinds: dict[str, str] = {}
    for name, child in entries.items():
        try:
            param = read_param(name, child, kinds, entries)
        except InvalidInput as error:
            problems.extend(error.problems)
            kinds[name] = "any"
        else:
            problems.extend(_shared_knob(child, param, params))
            params.append(param)
            kinds[name] = param.kind
    if sum(len(param.ordinary_levels()) + len(param.special) for param in params) > MAX_VALUES:
        problems.extend(node.wrong("lists too many values", f"at most {MAX_VALUES} in all", got=None).problems)
    conditions: tuple[Expression, ...] = ()
    if constraints is not None:
        try:
            conditions = each(items(constraints, MAX_CONSTRAINTS), lambda item: condition(item, kinds))
        except InvalidInput as error:
            problems.extend(error.problems)
    space = Space(tuple(params), conditions)
    if (length := _length(space)) > MAX_TEXT:
        shown = f"{length} characters"
        problems.extend(
            node.wrong("has too long conditions and constraints", f"at most {MAX_TEXT} in all", got=shown).problems
        )
    if constraints is not None and not problems:
        problems.extend(_contradictions(space, constraints))
    if problems:
        raise InvalidInput(problems)
    return space


def _shared_knob(node: Node, param: Param, earlier: Sequence[Param]) -> Sequence[Problem]:
    for other in earlier:
        if param.knob is not None and param.knob == other.knob:
            return node.wrong(
                f"is bound to the same knob as {other.name}", "a knob for each parameter", got=param.knob
            ).problems
    return ()


def _contradictions(space: Space, constraints: Node) -> list[Problem]:
    """What the declared defaults break (one that is not declared leaves its constraint unknown), or the fact that
    nothing keeps the constraints, where the space is small enough to see it."""
    declared = space.activate({param.name: param.default for param in space.params if param.default is not None})
    broken = set(space.violated(declared))
    problems: list[Problem] = []
    for node, expression in zip(items(constraints, MAX_CONSTRAINTS), space.constraints, strict=True):
        if expression in broken:
            read = {name: value for name, value in declared.items() if name in expression.names}
            problems.extend(
                node.wrong(
                    f"{expression.text!r} does not hold for the defaults",
                    "a constraint that the default configuration keeps",
                    got=read,
                ).problems
            )
    if not problems and _small(space) and next(space.enumerate(), None) is None:
        problems.extend(constraints.wrong("no configuration satisfies them all", got=None).problems)
    return problems


def _small(space: Space) -> bool:
    size = space.size()
    return size is not None and size <= MAX_ENUMERATED and size * _length(space) <= MAX_SEARCHED


def _length(space: Space) -> int:
    conditions = [param.when for param in space.params if param.when is not None]
    return sum(len(expression.text) for expression in (*conditions, *space.constraints))
