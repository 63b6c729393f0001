"""What differs between two studies, in words: why a name cannot be resumed with other contents."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from tuner.core.study import StudySpec
from tuner.spec.document import spec_to_document
from tuner.spec.node import below


def differences(old: StudySpec, new: StudySpec) -> list[str]:
    """One sentence for each difference, such as ``budget.trials: 30 -> 40``; none where both say the same."""
    return list(_differences(spec_to_document(old), spec_to_document(new), ""))


def _differences(old: object, new: object, path: str) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _in_mappings(old, new, path)
        return
    before, after = _lines(old), _lines(new)
    if before and after and set(before) != set(after):
        yield from (f"{path}: without {line}" for line in before if line not in after)
        yield from (f"{path}: with {line}" for line in after if line not in before)
    elif _shown(old) != _shown(new):
        yield f"{path}: {_shown(old)} -> {_shown(new)}"


def _in_mappings(old: Mapping[str, object], new: Mapping[str, object], path: str) -> Iterator[str]:
    for key in old:
        if key not in new:
            yield f"{below(path, key)}: {_shown(old[key])} -> nothing"
        else:
            yield from _differences(old[key], new[key], below(path, key))
    for key in new:
        if key not in old:
            yield f"{below(path, key)}: nothing -> {_shown(new[key])}"
    if path == "space" and [key for key in old if key in new] != [key for key in new if key in old]:
        yield "space: the parameters stand in another order"


def _lines(value: object) -> list[str]:
    """The items of a list of text, such as the constraints: each is a thing of its own."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    return []


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
