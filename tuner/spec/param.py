"""Reading one parameter of ``space``."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from tuner.core.expression import Expression, ExpressionError, Name, Value, parse
from tuner.core.param import (
    MAX_INT,
    BoolParam,
    CategoricalParam,
    FloatParam,
    IntParam,
    OrdinalParam,
    Param,
)
from tuner.spec.fields import Fields, each, flag, items, label, number, scalar, seconds, text, whole
from tuner.spec.node import Node

MAX_VALUES = 10_000
MAX_NAME = 100

COMMON_KEYS = ("default", "when", "special", "knob", "switch_cost", "optional")
OWN_KEYS: Mapping[str, tuple[str, ...]] = {
    "float": ("low", "high", "log"),
    "int": ("low", "high", "log"),
    "ordinal": ("values",),
    "categorical": ("values",),
    "bool": (),
}
"""The keys that a parameter of each type has besides ``type`` and the common ones."""


def read_param(name: str, node: Node, earlier: Mapping[str, str], every: Collection[str]) -> Param:
    """The parameter that ``node`` describes.

    Args:
        earlier: the kinds of the parameters before it, which its ``when`` may read.
        every: the names of all parameters, to tell one that stands later from one that does not exist.

    Raises:
        InvalidInput: with every problem of the node.
    """
    fields = Fields(node)
    kind = fields.need("type", _type, "", "one of " + ", ".join(OWN_KEYS))
    fields.done()
    fields = Fields(node, ("type", *OWN_KEYS[kind], *COMMON_KEYS))
    if not is_name(name) or "." in name or name == "default" or len(name) > MAX_NAME:
        fields.wrong(
            "cannot be the name of a parameter",
            f"at most {MAX_NAME} letters, digits and _, no digit first, and no word of the grammar of expressions",
            got=name,
        )
    common: dict[str, Any] = {
        "name": name,
        "when": fields.get("when", lambda child: _when(child, name, earlier, every), None),
        "special": fields.get("special", _listed, ()),
        "knob": fields.get("knob", label, None),
        "switch_cost": fields.get("switch_cost", seconds, 0.0),
        "optional": fields.get("optional", flag, False),
    }
    default = fields.get("default", scalar, None)
    param = _SHAPES[kind](fields, common)
    if fields.sound:
        _check(fields, param, default)
    fields.done()
    return param if default is None else replace(param, default=param.coerce(default))


def is_name(word: str) -> bool:
    """Whether expressions read ``word`` as one name."""
    try:
        return parse(word).root == Name(word, 1)
    except ExpressionError:
        return False


def condition(node: Node, kinds: Mapping[str, str]) -> Expression:
    """An expression over parameters of these kinds that is true or false."""
    try:
        expression = parse(text(node).strip())
        expression.check(kinds)
    except ExpressionError as error:
        raise node.wrong(f"{error.message} at column {error.column}") from error
    return expression


def _type(node: Node) -> str:
    if isinstance(node.value, str) and node.value in OWN_KEYS:
        return node.value
    raise node.wrong("is no type of parameter", "one of " + ", ".join(OWN_KEYS))


def _when(node: Node, name: str, earlier: Mapping[str, str], every: Collection[str]) -> Expression:
    expression = condition(node, {**dict.fromkeys(every, "any"), name: "any", **earlier})
    ahead = sorted(expression.names - earlier.keys())
    if ahead:
        what = "the parameter itself" if ahead == [name] else f"{', '.join(ahead)}, which does not stand before it"
        raise node.wrong(f"reads {what}", "a condition over earlier parameters")
    return expression


def _listed(node: Node) -> tuple[Value, ...]:
    values = each(items(node, MAX_VALUES), scalar)
    seen: set[tuple[bool, Value]] = set()
    for value in values:
        # True equals 1 in Python, but they are two values of a parameter; 1 and 1.0 are one.
        key = (isinstance(value, bool), value)
        if key in seen:
            raise node.wrong("lists a value twice", "each value once", got=value)
        seen.add(key)
    return values


def _float(fields: Fields, common: dict[str, Any]) -> Param:
    low = fields.need("low", number, 0.0, "a number")
    high = fields.need("high", number, 0.0, "a number")
    log = fields.get("log", flag, False)
    if fields.sound:
        _check_range(fields, low, high)
        if log and low <= 0:
            fields.wrong("must be positive where the scale is logarithmic", "a number above 0", key="low")
    return FloatParam(**common, low=low, high=high, log=log)


def _int(fields: Fields, common: dict[str, Any]) -> Param:
    read = whole(-MAX_INT)
    low = fields.need("low", read, 0, "a whole number")
    high = fields.need("high", read, 0, "a whole number")
    log = fields.get("log", flag, False)
    if fields.sound:
        _check_range(fields, low, high)
        if log and low < 1:
            fields.wrong("must be positive where the scale is logarithmic", "at least 1", key="low")
    return IntParam(**common, low=low, high=high, log=log)


def _check_range(fields: Fields, low: float, high: float) -> None:
    if low > high:
        fields.wrong("is above 'high'", f"at most {high}", key="low")
    elif not math.isfinite(high - low):
        fields.wrong(
            "is too far from 'high' for their difference to be a number", "a narrower range", key="low", got=low
        )


def _ordinal(fields: Fields, common: dict[str, Any]) -> Param:
    return OrdinalParam(**common, values=fields.need("values", _listed, (), "a list of values"))


def _categorical(fields: Fields, common: dict[str, Any]) -> Param:
    return CategoricalParam(**common, values=fields.need("values", _listed, (), "a list of values"))


def _bool(fields: Fields, common: dict[str, Any]) -> Param:
    del fields
    return BoolParam(**common)


_SHAPES: Mapping[str, Callable[[Fields, dict[str, Any]], Param]] = {
    "float": _float,
    "int": _int,
    "ordinal": _ordinal,
    "categorical": _categorical,
    "bool": _bool,
}


def _check(fields: Fields, param: Param, default: Value | None) -> None:
    ordinary = replace(param, special=())
    for value in param.special:
        if _holds(ordinary, value):
            fields.wrong("belongs to the ordinary domain already", f"not {ordinary.domain()}", key="special", got=value)
    if param.optional and param.knob is None:
        fields.wrong("is only for a parameter that is bound to a knob", "a knob, or no 'optional'", key="optional")
    if default is not None and not _holds(param, default):
        fields.wrong("is outside the domain", param.domain(), key="default")
    if default is None and param.knob is None:
        fields.wrong("has no 'default'", f"the value that the system has today, {param.domain()}")


def _holds(param: Param, value: Value) -> bool:
    try:
        param.coerce(value)
    except ValueError:
        return False
    return True
