"""A located tree: plain data that knows where each of its values stands, so that what is wrong can be pointed at.

YAML text and plain documents (JSON, keyword arguments) both become this tree, and one reader reads it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn, TypeVar

from tuner.core.errors import InvalidInput, Problem
from tuner.core.param import MAX_INT

T = TypeVar("T")

MAX_NODES = 50_000
MAX_DEPTH = 20


class Unreadable(Enum):
    """Stands where a value was refused: its problem is known, and nobody reports it twice."""

    UNREADABLE = "unreadable"


Scalar = bool | int | float | str | None


@dataclass(frozen=True)
class Node:
    """A value and where it stands.

    Attributes:
        path: from the root, such as ``space.threads.low`` or ``objectives[0]``; "" for the root itself.
        line: of its key, or of the value itself where it has none, from 1; 0 outside of files.
        source: name of the file, or "".
    """

    value: Scalar | list[Node] | dict[str, Node] | Unreadable
    path: str = ""
    line: int = 0
    source: str = ""

    def wrong(self, message: str, expected: str = "", *, got: object = ...) -> InvalidInput:
        """The error to raise about this value; it carries no problem where one has been reported already."""
        if self.value is Unreadable.UNREADABLE:
            return InvalidInput(())
        value = self.plain() if got is ... else got
        return InvalidInput(Problem(self.path or "study", message, value, expected, self.source, self.line))

    def plain(self) -> object:
        """The value without its places."""
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        return None if self.value is Unreadable.UNREADABLE else self.value


class Tree:
    """Makes the nodes of one document, bounds their number and depth, and keeps what is wrong with them."""

    def __init__(self, source: str = "") -> None:
        self.source = source
        self.problems: list[Problem] = []
        self._count = 0

    def node(self, value: Scalar | list[Node] | dict[str, Node], path: str, line: int = 0) -> Node:
        """A node; one that is unreadable when the value is one that nothing can hold."""
        if isinstance(value, float):
            value += 0.0  # -0.0 becomes 0.0: equal values are spelled alike
        fault = None if isinstance(value, (list, dict)) else _fault(value)
        if fault is None:
            return Node(value, path, line, self.source)
        message, expected = fault
        shown = value if not isinstance(value, int) or abs(value) < 10**70 else "an integer of more than 70 digits"
        return self.refuse(path, line, message, expected, got=shown)

    def refuse(self, path: str, line: int, message: str, expected: str = "", *, got: object = None) -> Node:
        """Keep a problem; the node that stands in its place."""
        self.problems.append(Problem(path or "study", message, got, expected, self.source, line))
        return Node(Unreadable.UNREADABLE, path, line, self.source)

    def enter(self, path: str, line: int, depth: int) -> None:
        """Count a value that is about to be read.

        Raises:
            InvalidInput: there are too many, or it is too deep; reading must stop here.
        """
        self._count += 1
        if self._count > MAX_NODES:
            self.stop(path, line, f"there are more than {MAX_NODES} values, aliases written out")
        if depth > MAX_DEPTH:
            self.stop(path, line, f"is nested deeper than {MAX_DEPTH} levels")

    def stop(self, path: str, line: int, message: str, expected: str = "") -> NoReturn:
        """Refuse what makes reading on impossible.

        Raises:
            InvalidInput: always, with all that was found so far.
        """
        self.refuse(path, line, message, expected)
        raise InvalidInput(self.problems)

    def plain(self, value: object, path: str, depth: int = 0) -> Node:
        """The node of plain data: mappings with text keys, lists, text, numbers, booleans and None.

        Raises:
            InvalidInput: there is too much of it.
        """
        self.enter(path, 0, depth)
        if value is None or isinstance(value, (bool, str)):
            return self.node(value, path)
        if isinstance(value, int):
            return self.node(int(value), path)
        if isinstance(value, float):
            return self.node(float(value), path)
        if isinstance(value, Mapping):
            children: dict[str, Node] = {}
            for key, child in value.items():
                if isinstance(key, str) and _fault(key) is None:
                    children[key] = self.plain(child, below(path, key), depth + 1)
                else:
                    self.refuse(path, 0, "has a key that is not text", "text keys", got=key)
            return self.node(children, path)
        if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
            return self.node(
                [self.plain(item, f"{path}[{position}]", depth + 1) for position, item in enumerate(value)], path
            )
        return self.refuse(path, 0, "is not plain data", "a mapping, a list, text, a number, true or false", got=value)

    def read(self, node: Node, reader: Callable[[Node], T]) -> T:
        """What ``reader`` makes of ``node``.

        Raises:
            InvalidInput: with the problems of the tree and of the reader, by line.
        """
        problems = list(self.problems)
        try:
            found = reader(node)
        except InvalidInput as error:
            problems.extend(error.problems)
        if problems:
            raise InvalidInput(sorted(problems, key=lambda problem: problem.line))
        return found


def below(path: str, key: str) -> str:
    """The path of a key; one that is not a simple word is quoted, so that a path stays one line."""
    word = key if re.fullmatch(r"[\w-]{1,60}", key) else repr(key if len(key) <= 60 else key[:57] + "...")
    return f"{path}.{word}" if path else word


def _fault(value: Scalar) -> tuple[str, str] | None:
    """What no part of the system could keep: it is refused wherever it stands."""
    if isinstance(value, float) and not math.isfinite(value):
        return "is not a finite number", "a finite number"
    if isinstance(value, int) and abs(value) > MAX_INT:
        return "is an integer beyond 2^53, where neighbours can no longer be told apart", "a smaller one, or a float"
    if isinstance(value, str) and any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value):
        return "holds a character that cannot be stored (NUL, or half of a surrogate pair)", "other text"
    return None
