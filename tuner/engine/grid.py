"""The full factorial: every combination once."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

from tuner.core.errors import Problem
from tuner.core.expression import Value
from tuner.core.param import FloatParam, OrdinalParam, Param
from tuner.core.space import Space
from tuner.core.study import Objective
from tuner.engine.base import Engine, Suggestion, SuggestRequest
from tuner.engine.unseen import ENUMERABLE, first_unseen, refuse, taken

DEFAULT_LEVELS = 5
MAX_LEVELS = 1_000


class GridEngine(Engine):
    """Every valid combination of levels exactly once, in an order shuffled by the seed.

    A continuous parameter is cut into ``levels`` values (option, default 5) from its low end to its high end, evenly
    spaced on its logarithm where ``log``; its special values come on top. All other parameters take each of their
    values. The run order is randomized so that a drift of the device is not mistaken for an effect of the slowest
    parameter (Box, Hunter and Hunter, "Statistics for Experimenters", 2nd ed., 2005, chapter 3) and so that any
    beginning of it covers the space.

    What is measured or pending is left out, so it continues where it was stopped, whatever proposed the earlier
    trials. At the end of the grid it raises SpaceExhausted, in a continuous space too.
    """

    name = "grid"

    def validate(
        self, space: Space, objectives: Sequence[Objective], options: Mapping[str, Value]
    ) -> Sequence[Problem]:
        own = {"levels"}
        problems = list(super().validate(space, objectives, {k: v for k, v in options.items() if k not in own}))
        levels = options.get("levels", DEFAULT_LEVELS)
        if isinstance(levels, bool) or not isinstance(levels, int) or not 2 <= levels <= MAX_LEVELS:
            expected = f"a whole number from 2 to {MAX_LEVELS}"
            return [*problems, Problem("engine.options.levels", "is no number of levels", levels, expected)]
        size = _cut(space, levels).size()
        if size is None or size > ENUMERABLE:
            expected = f"at most {ENUMERABLE}; fewer values or levels, or another engine"
            problems.append(Problem("space", "has too many combinations for a full factorial", size, expected))
        return problems

    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        refuse(self.validate(request.space, request.objectives, request.options))
        levels = request.options.get("levels", DEFAULT_LEVELS)
        assert isinstance(levels, int)
        cells = list(_cut(request.space, levels).enumerate())
        random.Random(request.seed).shuffle(cells)
        return first_unseen(cells, taken(request), request.count)


def _cut(space: Space, levels: int) -> Space:
    return Space(tuple(_listed(param, levels) for param in space.params), space.constraints)


def _listed(param: Param, levels: int) -> Param:
    """``param`` with ``levels`` values in place of a continuum."""
    if not isinstance(param, FloatParam) or param.cardinality() is not None:
        return param
    shares = [step / (levels - 1) for step in range(1, levels - 1)]
    low, high = (math.log(param.low), math.log(param.high)) if param.log else (param.low, param.high)
    between = [low * (1 - share) + high * share for share in shares]
    inner = [min(max(math.exp(v) if param.log else v, param.low), param.high) for v in between]
    # Neighbouring levels of a very narrow range can be the same number.
    values = tuple(dict.fromkeys((param.low, *inner, param.high)))
    return OrdinalParam(name=param.name, when=param.when, special=param.special, values=values)
