"""The engine for those who do not want to choose one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

from tuner.core.errors import Problem, WrongState
from tuner.core.expression import Value
from tuner.core.space import Configuration, Space
from tuner.core.study import Objective
from tuner.engine.base import Engine, Prediction, Predictor, Suggestion, SuggestRequest

HANDFUL = 8
"""With so few configurations each of them is measured anyway, and a model has nothing to decide."""

COUNTED = 4_096
"""The largest ``Space.size()`` in which configurations are counted."""


class AutoEngine(Engine, Predictor):
    """``grid`` where the space holds a handful of configurations, else ``gp``.

    Options are those of the engine that it picks, which each suggestion's note names.
    """

    name = "auto"

    def validate(
        self, space: Space, objectives: Sequence[Objective], options: Mapping[str, Value]
    ) -> Sequence[Problem]:
        return pick(space).validate(space, objectives, options)

    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        picked = pick(request.space)
        return [
            replace(suggestion, note=f"{picked.name}: {suggestion.note}" if suggestion.note else picked.name)
            for suggestion in picked.suggest(request)
        ]

    def predict(
        self, request: SuggestRequest, configurations: Sequence[Configuration]
    ) -> list[Mapping[str, Prediction]]:
        picked = pick(request.space)
        if not isinstance(picked, Predictor):
            raise WrongState(f"the engine {picked.name!r}, picked for so small a space, has no model to ask")
        return picked.predict(request, configurations)


def pick(space: Space) -> Engine:
    """The engine for ``space``.

    Raises:
        Unavailable: a package that it needs is not installed.
    """
    from tuner.engine.registry import get_engine

    size = space.size()
    countable = size is not None and size <= COUNTED
    few = countable and len(list(islice(space.enumerate(), HANDFUL + 1))) <= HANDFUL
    return get_engine("grid" if few else "gp")
