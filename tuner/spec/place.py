"""Find the lines of problems that were seen only after a study file had been read: by an engine, by the workers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from tuner.core.errors import InvalidInput, Problem
from tuner.spec.node import Node, Tree
from tuner.spec.yaml import compose

_STEPS = re.compile(r"[^.\[\]]+")


def place(problems: Iterable[Problem], text: str, file_name: str) -> list[Problem]:
    """The problems with file and line: the line of the field, or of the nearest thing around it that is there.

    ``text`` is that of a file which could be read.
    """
    try:
        root = compose(Tree(file_name), text)
    except InvalidInput:
        return [replace(problem, source=file_name) for problem in problems]
    return [replace(problem, source=file_name, line=_line(root, problem.field)) for problem in problems]


def _line(root: Node, field: str) -> int:
    node, line = root, root.line or 1
    for step in _STEPS.findall(field):
        child: Node | None = None
        if isinstance(node.value, dict):
            child = node.value.get(step)
        elif isinstance(node.value, list) and step.isdigit() and int(step) < len(node.value):
            child = node.value[int(step)]
        if child is not None:
            # A step without a place of its own ("engine.options.x" stands as engine: {x: ...}) is passed over.
            node, line = child, child.line or line
    return line
