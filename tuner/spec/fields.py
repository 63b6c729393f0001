"""Reading nodes: small readers for one value each, and ``Fields`` that applies them to the keys of a section.

A reader takes a node and returns a value or raises InvalidInput with every problem of that node. ``Fields`` collects
what its readers raise, so that one pass over a document finds everything that is wrong with it.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from tuner.core.errors import InvalidInput, Problem
from tuner.core.expression import Value
from tuner.core.param import MAX_INT
from tuner.spec.duration import parse_duration
from tuner.spec.node import Node

T = TypeVar("T")
D = TypeVar("D")
Reader = Callable[[Node], T]

MAX_NAME = 200
LABEL = f"at most {MAX_NAME} printable characters on one line, no space at either end"


class Fields:
    """A section being read. ``done`` raises what was found; until then stand-ins keep the reading going.

    ``sound`` says whether nothing is wrong so far.
    """

    def __init__(self, node: Node, known: Collection[str] | None = None) -> None:
        self.node = node
        self.problems: list[Problem] = []
        self.sound = True
        self.entries = mapping(node)
        for key, child in self.entries.items():
            if known is not None and key not in known:
                self._keep(_unknown(child, key, known))

    def get(self, key: str, read: Reader[T], default: D) -> T | D:
        """The value of ``key``; ``default`` where it is absent (or wrong, which is kept)."""
        child = self.entries.get(key)
        if child is None:
            return default
        try:
            return read(child)
        except InvalidInput as error:
            self._keep(error)
            return default

    def need(self, key: str, read: Reader[T], stand_in: D, expected: str) -> T | D:
        """The value of ``key``, which must be there; ``stand_in`` is returned where it is absent or wrong."""
        if key not in self.entries:
            self.wrong(f"has no {key!r}", expected)
        return self.get(key, read, stand_in)

    def wrong(self, message: str, expected: str = "", *, key: str = "", got: object = ...) -> None:
        """Keep a problem of one of the keys, with its value, or of the section as a whole."""
        shown = None if got is ... and not key else got
        self._keep(self.entries.get(key, self.node).wrong(message, expected, got=shown))

    def check_keys(self) -> None:
        """Refuse keys of one's own choice that could not be shown as a name."""
        for key, child in self.entries.items():
            if not _is_label(key):
                self._keep(child.wrong("the key cannot be a name", LABEL, got=key))

    def done(self) -> None:
        """Close the section.

        Raises:
            InvalidInput: something was wrong.
        """
        if not self.sound:
            raise InvalidInput(self.problems)

    def _keep(self, error: InvalidInput) -> None:
        self.sound = False
        self.problems.extend(error.problems)


def _unknown(child: Node, key: str, known: Collection[str]) -> InvalidInput:
    near = difflib.get_close_matches(key, known, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return child.wrong(f"unknown key{hint}", "one of " + ", ".join(known), got=None)


def mapping(node: Node) -> dict[str, Node]:
    """The keys of a section."""
    if isinstance(node.value, dict):
        return node.value
    raise node.wrong("is empty" if node.value is None else "is not a section of keys and values", "key: value pairs")


def items(node: Node, most: int) -> list[Node]:
    """The items of a list with at least one item and at most ``most``."""
    if not isinstance(node.value, list):
        raise node.wrong("is not a list", "a list")
    if not 1 <= len(node.value) <= most:
        raise node.wrong(f"has {len(node.value)} items", f"1 to {most}", got=None)
    return node.value


def each(nodes: Sequence[Node], read: Reader[T]) -> tuple[T, ...]:
    """Every item read; the problems of all of them at once."""
    values: list[T] = []
    errors: list[InvalidInput] = []
    for node in nodes:
        try:
            values.append(read(node))
        except InvalidInput as error:
            errors.append(error)
    if errors:
        raise InvalidInput([problem for error in errors for problem in error.problems])
    return tuple(values)


def text(node: Node) -> str:
    """Text that is not blank."""
    if not isinstance(node.value, str):
        raise node.wrong("is empty" if node.value is None else "is not text", _quoted(node))
    if not node.value.strip():
        raise node.wrong("is blank", "text")
    return node.value


def _quoted(node: Node) -> str:
    if isinstance(node.value, (bool, int, float)):
        return f"text; in quotes where it is meant as text: '{str(node.value).lower()}'"
    return "text"


def label(node: Node) -> str:
    """A short text on one line; a whole number is taken as its digits."""
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return str(node.value)
    found = text(node)
    if not _is_label(found):
        raise node.wrong("cannot be a name", LABEL)
    return found


def _is_label(word: str) -> bool:
    return 0 < len(word) <= MAX_NAME and word.isprintable() and word == word.strip()


def labels(node: Node) -> dict[str, str]:
    """A mapping of text to text."""
    fields = Fields(node)
    fields.check_keys()
    found = {key: fields.get(key, label, "") for key in fields.entries}
    fields.done()
    return found


def scalar(node: Node) -> Value:
    """A number, text, true or false."""
    if isinstance(node.value, (bool, int, float, str)):
        return node.value
    raise node.wrong("is empty" if node.value is None else "is not a single value", "a number, text, true or false")


def flag(node: Node) -> bool:
    """True or false."""
    if isinstance(node.value, bool):
        return node.value
    raise node.wrong("is not true or false", "true or false")


def number(node: Node) -> float:
    """A finite number."""
    if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return float(node.value)
    raise node.wrong("is not a number", "a number")


def whole(low: int, high: int = MAX_INT) -> Reader[int]:
    """A whole number from ``low`` to ``high``; 3.0 is one."""
    expected = f"a whole number from {low} to {high}" if high < MAX_INT else f"a whole number of at least {low}"
    expected = "a whole number" if (low, high) == (-MAX_INT, MAX_INT) else expected

    def read(node: Node) -> int:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != math.floor(value):
            raise node.wrong("is not a whole number", expected)
        if not low <= value <= high:
            raise node.wrong("is out of range", expected)
        return int(value)

    return read


def choice(*options: str) -> Reader[str]:
    """One of the words."""

    def read(node: Node) -> str:
        if isinstance(node.value, str) and node.value in options:
            return node.value
        near = difflib.get_close_matches(str(node.value), options, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise node.wrong(f"is not known{hint}", "one of " + ", ".join(options))

    return read


def seconds(node: Node) -> float:
    """A duration, not negative."""
    try:
        value = parse_duration(node.value) if isinstance(node.value, str) else number(node)
    except (ValueError, InvalidInput):
        value = -1.0
    if value < 0:
        raise node.wrong("is not a duration", "500ms, 90s, 10m, 1h30m or a number of seconds")
    return value


def positive_seconds(node: Node) -> float:
    """A duration longer than nothing."""
    value = seconds(node)
    if value == 0:
        raise node.wrong("is no time at all", "a duration longer than 0")
    return value
