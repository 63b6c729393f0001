"""study.yaml -> StudySpec, with the line of everything that is wrong.

Two generations of YAML are in use: PyYAML reads version 1.1, editors and most other libraries version 1.2. They agree
on nearly all of a study file. Where they do not (``off``, ``1_000``, ``010``, ``1:30``, ``2024-01-01``) nothing is
guessed: such a word must be put in quotes or spelled otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from tuner.core.study import StudySpec
from tuner.spec.node import Node, Scalar, Tree, Unreadable, below
from tuner.spec.study import read_study

MAX_BYTES = 1 << 20
DISPUTED = "is read differently by YAML 1.1 and 1.2"


def parse_study(text: str | bytes, file_name: str = "study.yaml") -> StudySpec:
    """The study that the text of a study file describes; bytes must be UTF-8.

    Raises:
        InvalidInput: with every problem of the file, by line. Only what makes reading on impossible (a syntax error,
            too much of it) is reported with what was found before it.
    """
    tree = Tree(file_name)
    return tree.read(compose(tree, text), read_study)


def compose(tree: Tree, text: str | bytes) -> Node:
    """The root of the one document that the text holds; ``tree`` keeps what is wrong with it as YAML.

    Raises:
        InvalidInput: it cannot be read to its end.
    """
    return _Composer(tree, _decoded(tree, text)).document()


def _decoded(tree: Tree, text: str | bytes) -> str:
    if len(text) > MAX_BYTES:
        tree.stop("", 1, f"is longer than {MAX_BYTES} bytes")
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        tree.stop("", line, f"is not UTF-8 text (byte {error.start})", "a file saved as UTF-8")


class _Composer:
    """Builds the tree straight from the parser's events, so that depth and size are bounded while they are read."""

    def __init__(self, tree: Tree, text: str) -> None:
        self.tree = tree
        self.events = _aliases_written_out(tree, _events(tree, text))

    def document(self) -> Node:
        """The root of the one document that the text holds."""
        next(self.events)  # the stream starts
        if isinstance(next(self.events), yaml.StreamEndEvent):
            self.tree.stop("", 1, "is empty", "a study")
        root = self._value(next(self.events), "", 1, 0)
        next(self.events)  # the document ends
        follows = next(self.events)
        if not isinstance(follows, yaml.StreamEndEvent):
            self.tree.stop("", _line(follows), "a second document begins here", "one study in a file")
        return root

    def _value(self, event: yaml.Event, path: str, line: int, depth: int) -> Node:
        self.tree.enter(path, line, depth)
        if isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(path, line, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(path, line, depth)
        else:
            assert isinstance(event, yaml.ScalarEvent)
            node = self._scalar(event, path, line)
        if event.tag is not None:
            return self.tree.refuse(path, line, "has a tag", "the plain value", got=event.tag)
        return node

    def _sequence(self, path: str, line: int, depth: int) -> Node:
        children: list[Node] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            children.append(self._value(event, f"{path}[{len(children)}]", _line(event), depth + 1))
        return self.tree.node(children, path, line)

    def _mapping(self, path: str, line: int, depth: int) -> Node:
        children: dict[str, Node] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            own_line = _line(event)
            key = self._key(event, path, own_line, depth)
            inner = path if key is None else below(path, key)
            child = self._value(next(self.events), inner, own_line, depth + 1)
            if key in children:
                self.tree.refuse(inner, own_line, f"the key stands on line {children[key].line} already", "it once")
            elif key is not None:
                children[key] = child
        return self.tree.node(children, path, line)

    def _key(self, event: yaml.Event, path: str, line: int, depth: int) -> str | None:
        """The key, or None for one that was refused; its value must be read all the same."""
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value == "<<":
            self.tree.refuse(path, line, "has a merge key (<<)", "the keys written out, or an alias for the whole")
            return None
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and _disputed(event.value) is not None:
            word = event.value
            self.tree.refuse(below(path, word), line, f"the key {DISPUTED}", f"'{word}' in quotes", got=word)
            return None
        key = self._value(event, path, line, depth + 1)
        if isinstance(key.value, str):
            return key.value
        if not isinstance(key.value, Unreadable):
            self.tree.refuse(path, line, "has a key that is not text", "text, in quotes where needed", got=key.plain())
        return None

    def _scalar(self, event: yaml.ScalarEvent, path: str, line: int) -> Node:
        if not event.implicit[0]:
            return self.tree.node(event.value, path, line)
        meant = _disputed(event.value)
        if meant is not None:
            expected = f"'{event.value}' in quotes" + (f", or {meant}" if meant else "")
            return self.tree.refuse(path, line, DISPUTED, expected, got=event.value)
        return self.tree.node(_plain(event.value), path, line)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _events(tree: Tree, text: str) -> Iterator[yaml.Event]:
    loader: Any = None
    try:
        loader = yaml.SafeLoader(text)
        while loader.check_event():
            yield loader.get_event()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        tree.stop("", line, f"holds the character U+{error.character:04X}", "text without control characters")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = ", ".join(filter(None, (error.context, error.problem)))
        tabs = "spaces: YAML does not indent with tabs" if "'\\t'" in message else ""
        tree.stop("", mark.line + 1 if mark else 1, f"is not YAML: {message}", tabs)
    except (ValueError, OverflowError) as error:
        # The scanner turns escapes (\UFFFFFFFF) and directives into characters and numbers without a check.
        tree.stop("", loader.line + 1 if loader else 1, f"is not YAML: {error}")
    finally:
        if loader is not None:
            loader.dispose()


def _aliases_written_out(tree: Tree, events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    """The events, where each alias is replaced by those of what it stands for.

    The reader counts every event that comes out, so aliases of aliases ("a billion laughs") end at the same bound.
    """
    finished: dict[str, list[yaml.Event]] = {}
    open_: list[tuple[str, list[yaml.Event], int]] = []
    depth = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in finished:
                tree.stop("", _line(event), f"the alias *{event.anchor} stands for nothing that ends before it")
            replacement = finished[event.anchor]
        else:
            replacement = [event]
            if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
                open_.append((event.anchor, [], depth))
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        for outgoing in replacement:
            for _, recorded, _ in open_:
                recorded.append(outgoing)
            yield outgoing
        if open_ and open_[-1][2] == depth:
            anchor, recorded, _ = open_.pop()
            finished[anchor] = recorded


_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"([-+])?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

_DISPUTED = (
    (re.compile(r"yes|Yes|YES|on|On|ON"), "true"),
    (re.compile(r"no|No|NO|off|Off|OFF"), "false"),
    (re.compile(r"[-+]?0o?[0-9_]+"), "a decimal number without a leading 0"),
    (re.compile(r"[-+]?0b[01_]+"), "a decimal number"),
    (re.compile(r"[-+]?([0-9][0-9_]*(\.[0-9_]*)?|0x[0-9a-fA-F_]+)"), "a number without _"),
    (re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"), "a duration such as 90s or 1h30m"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"), ""),
)
"""Words that YAML 1.1 and 1.2 read differently, each with the other thing that may have been meant."""


def _disputed(word: str) -> str | None:
    if (
        _INT.fullmatch(word)
        or _HEX.fullmatch(word)
        or (_FLOAT.fullmatch(word) and not re.match(r"[-+]?0[0-9]+$", word))
    ):
        return None
    return next((meant for pattern, meant in _DISPUTED if pattern.fullmatch(word)), None)


def _plain(word: str) -> Scalar:
    """A word without quotes, as both versions read it (1e-3 is a number, as in 1.2 and in everyone's mind)."""
    if word in _NULL:
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    if _HEX.fullmatch(word):
        return int(word, 16)
    if _INT.fullmatch(word):
        # Python raises on thousands of digits; what is left of such a number is refused as beyond 2^53 all the same.
        return int(word[:100])
    if _FLOAT.fullmatch(word):
        return float(word)
    if infinite := _INFINITE.fullmatch(word):
        return float("nan") if infinite[3] else float(f"{infinite[1] or ''}inf")
    return word
