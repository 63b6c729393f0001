"""What a request has already seen, and valid configurations that it has not."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from itertools import islice

from tuner.core.errors import InvalidInput, Problem, SpaceExhausted
from tuner.core.space import Configuration, Space
from tuner.engine.base import Evaluated, Suggestion, SuggestRequest

ENUMERABLE = 100_000
"""The largest ``Space.size()`` that is walked to the end (about a second)."""

_DRAWS = 1_000
_DRAWS_WITHOUT_END = 10_000


def enumerable(space: Space) -> bool:
    """Whether the space is small enough to be walked to the end."""
    size = space.size()
    return size is not None and size <= ENUMERABLE


def measured(request: SuggestRequest) -> list[Evaluated]:
    """The finished trials of the request's own environment, oldest first."""
    return [trial for trial in request.completed if trial.environment == request.environment]


def taken(request: SuggestRequest) -> frozenset[Configuration]:
    """What must not be proposed again: finished in the request's environment, or pending."""
    return frozenset([trial.configuration for trial in measured(request)]).union(request.pending)


def refuse(problems: Iterable[Problem]) -> None:
    """Raise what ``Engine.validate`` found.

    Raises:
        InvalidInput: there is a problem.
    """
    if found := tuple(problems):
        raise InvalidInput(found)


def first_unseen(candidates: Iterable[Configuration], seen: Collection[Configuration], count: int) -> list[Suggestion]:
    """The first ``count`` of ``candidates`` that are not in ``seen``.

    Raises:
        SpaceExhausted: there is none.
    """
    found = [Suggestion(candidate) for candidate in islice((c for c in candidates if c not in seen), count)]
    if not found:
        raise SpaceExhausted("every configuration has been measured or is pending")
    return found


def draw_unseen(space: Space, seen: Collection[Configuration], count: int, rng: random.Random) -> list[Configuration]:
    """``count`` different valid configurations outside ``seen``, at random as ``Space.sample`` draws.

    Where draws find too few and the space is enumerable, the rest is chosen among all that is left: fewer than
    ``count`` then mean that there are no more. In a space too large to be walked they mean that none of many draws
    was valid and new.

    Raises:
        SpaceExhausted: there is none.
    """
    walkable = enumerable(space)
    found: dict[Configuration, None] = {}
    draws = (_DRAWS if walkable else _DRAWS_WITHOUT_END) + count
    for _ in range(draws):
        if len(found) == count:
            return list(found)
        try:
            candidate = space.sample(rng, tries=1)
        except SpaceExhausted:
            continue
        if candidate not in seen:
            found[candidate] = None
    if walkable and len(found) < count:
        left = [c for c in space.enumerate() if c not in seen and c not in found]
        found.update(dict.fromkeys(rng.sample(left, min(count - len(found), len(left)))))
    if not found:
        reason = "every configuration has been measured or is pending"
        raise SpaceExhausted(reason if walkable else f"none of {draws} random configurations is valid and new")
    return list(found)


def fill(request: SuggestRequest, found: Collection[Configuration], rng: random.Random, note: str) -> list[Suggestion]:
    """``found`` as suggestions, and what is missing to ``request.count`` drawn at random, with ``note``.

    Raises:
        SpaceExhausted: nothing was found, and nothing is left to draw.
    """
    suggestions = [Suggestion(configuration) for configuration in found]
    missing = request.count - len(suggestions)
    if missing > 0:
        try:
            drawn = draw_unseen(request.space, taken(request).union(found), missing, rng)
        except SpaceExhausted:
            if not suggestions:
                raise
            drawn = []
        suggestions.extend(Suggestion(configuration, note) for configuration in drawn)
    return suggestions
