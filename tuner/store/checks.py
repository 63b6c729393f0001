"""What may be stored: finite numbers, text that every database takes, JSON. The boundary of every store."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any, overload

from tuner.core.errors import InvalidInput, Problem

_MAX_WHOLE = 2**63 - 1
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@overload
def number(value: float, field: str) -> float: ...
@overload
def number(value: float | None, field: str) -> float | None: ...
def number(value: float | None, field: str) -> float | None:
    """A finite number, or None.

    Raises:
        InvalidInput: it is NaN, infinite or no number.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= sys.float_info.max:
        raise InvalidInput(Problem(field, "cannot be stored", value, "a finite number"))
    return float(value)


def whole(value: int, field: str) -> int:
    """A whole number that fits 64 bits.

    Raises:
        InvalidInput: it does not, or is not whole.
    """
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _MAX_WHOLE:
        raise InvalidInput(Problem(field, "cannot be stored", value, "a whole number of at most 64 bits"))
    return value


@overload
def name(value: str, field: str) -> str: ...
@overload
def name(value: str | None, field: str) -> str | None: ...
def name(value: str | None, field: str) -> str | None:
    """Text that identifies something, unchanged, or None.

    Raises:
        InvalidInput: it holds a NUL, which PostgreSQL refuses, or half of a surrogate pair, which UTF-8 lacks.
    """
    if value is not None and _UNSTORABLE.search(value):
        raise InvalidInput(Problem(field, "cannot be stored", value, "text without NUL and lone surrogates"))
    return value


def prose(value: str) -> str:
    """Text for people. A message of a crashed program may hold anything; what cannot be stored becomes U+FFFD."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)


def to_json(value: object, field: str) -> str:
    """``value`` as JSON; keys keep their order, tuples become lists.

    Raises:
        InvalidInput: NaN, infinity, or an object that JSON has no form for.
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError) as error:
        raise InvalidInput(Problem(field, f"cannot be stored: {error}", value, "finite JSON values")) from error


def from_json(text: str) -> Any:  # noqa: ANN401  JSON may hold anything
    """The value that ``to_json`` wrote."""
    return json.loads(text)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
