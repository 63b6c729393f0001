"""YAML read so that whatever is wrong can be shown with its line: all of a file's problems at once."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path

import yaml

from tuner.core.errors import InvalidInput, Problem
from tuner.core.expression import Value


class Node:
    """A piece of a YAML file. Readers note a problem and return an empty value when it is not what they read.

    Attributes:
        field: where it stands, ``knobs.vm.swappiness.low``; "" for the whole.
    """

    def __init__(self, node: yaml.Node, field: str, source: str, problems: list[Problem]) -> None:
        self.field = field
        self._node = node
        self._source = source
        self._problems = problems

    def wrong(self, message: str, value: object = None, expected: str = "") -> None:
        """Note that something is wrong here."""
        line = self._node.start_mark.line + 1
        self._problems.append(Problem(self.field or "the file", message, value, expected, self._source, line))

    def mapping(self, known: Collection[str] | None = None) -> dict[str, Node]:
        """Its entries by key; ``known`` lists the keys there may be."""
        if self._empty():
            return {}
        if not isinstance(self._node, yaml.MappingNode):
            self.wrong("this must be a mapping", self._plain(), "key: value")
            return {}
        entries: dict[str, Node] = {}
        for key, value in self._node.value:
            name = str(key.value)
            entry = Node(value, f"{self.field}.{name}" if self.field else name, self._source, self._problems)
            at_key = Node(key, entry.field, self._source, self._problems)
            if not isinstance(key, yaml.ScalarNode):
                self.wrong("a key must be a name")
            elif known is not None and name not in known:
                at_key.wrong("there is no such field", expected="one of " + ", ".join(sorted(known)))
            elif name in entries:
                at_key.wrong("it stands here twice")
            else:
                entries[name] = entry
        return entries

    def sequence(self) -> list[Node]:
        """Its items."""
        if self._empty():
            return []
        if not isinstance(self._node, yaml.SequenceNode):
            self.wrong("this must be a list", self._plain(), "[...]")
            return []
        return [
            Node(item, f"{self.field}[{index}]", self._source, self._problems)
            for index, item in enumerate(self._node.value)
        ]

    def text(self, choices: Collection[str] = ()) -> str:
        """A non-empty text; ``choices`` lists what it may be."""
        value = self._plain()
        if not isinstance(value, str) or not value or "\0" in value:
            self.wrong("this must be a text", value, "one of " + ", ".join(choices) if choices else "")
            return ""
        if choices and value not in choices:
            self.wrong("it is unknown", value, "one of " + ", ".join(choices))
        return value

    def number(self, positive: bool = False) -> float:
        """A finite number, above 0 where ``positive``."""
        value = self._plain()
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            self.wrong("this must be a number", value)
            return 1.0
        if positive and value <= 0:
            self.wrong("this must be a number above 0", value)
        return value

    def scalar(self) -> Value:
        """A text, a finite number, true or false."""
        value = self._plain()
        if not isinstance(value, (bool, int, float, str)) or (isinstance(value, float) and not math.isfinite(value)):
            self.wrong("this must be a single value", value, "a text, a number, true or false")
            return ""
        return value

    def _empty(self) -> bool:
        return isinstance(self._node, yaml.ScalarNode) and self._plain() is None

    def _plain(self) -> object:
        if not isinstance(self._node, yaml.ScalarNode):
            return [] if isinstance(self._node, yaml.SequenceNode) else {}
        loader = yaml.SafeLoader("")
        try:
            return loader.construct_object(self._node)
        except (yaml.YAMLError, ValueError):  # a tag that the safe loader does not know; an impossible date
            return (self._node.tag, self._node.value)
        finally:
            loader.dispose()


def load(path: Path, problems: list[Problem]) -> Node:
    """The whole of the file ``path``; what its readers find wrong is added to ``problems``.

    Raises:
        InvalidInput: it cannot be read, or is no YAML.
    """
    source = str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(Problem("the file", f"it cannot be read: {error}", source=source)) from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        what = getattr(error, "problem", None) or str(error)
        line = 0 if mark is None else mark.line + 1
        raise InvalidInput(Problem("the file", f"it is not YAML: {what}", source=source, line=line)) from error
    if node is None:
        start = yaml.Mark(source, 0, 0, 0, None, 0)
        node = yaml.MappingNode("tag:yaml.org,2002:map", [], start_mark=start)
    return Node(node, "", source, problems)
