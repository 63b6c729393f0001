"""A scrambled Sobol sequence: points that fill the space evenly, whatever their number."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence

from tuner.core.errors import Problem
from tuner.core.expression import Value
from tuner.core.param import FloatParam, IntParam, Param
from tuner.core.seed import derived_seed
from tuner.core.space import Configuration, Space
from tuner.core.study import Objective
from tuner.engine.base import Engine, Suggestion, SuggestRequest
from tuner.engine.unseen import fill, refuse, taken

MAX_PARAMETERS = 21_201
"""Dimensions for which direction numbers are known (Joe and Kuo, SIAM J. Sci. Comput. 30(5), 2008)."""

_POINTS_BEYOND_THE_TAKEN = 4_096


class SobolEngine(Engine):
    """The first points of one sequence that are valid and new.

    The sequence depends on the seed and the space alone, so requests with one seed continue it however many trials
    there are, and a point whose trial was cancelled is proposed again. Scrambling as in Owen, "Scrambling Sobol' and
    Niederreiter-Xing points" (J. Complexity 14(4), 1998). Each parameter is one dimension, mapped by the quantile
    function of the distribution that ``Param.sample`` draws from; points that break a constraint are skipped. Where
    thousands of points bring nothing new, the rest is drawn at random.
    """

    name = "sobol"

    def validate(
        self, space: Space, objectives: Sequence[Objective], options: Mapping[str, Value]
    ) -> Sequence[Problem]:
        problems = list(super().validate(space, objectives, options))
        if len(space.params) > MAX_PARAMETERS:
            found = f"at most {MAX_PARAMETERS} parameters"
            problems.append(Problem("space", "has too many parameters for 'sobol'", len(space.params), found))
        return problems

    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        refuse(self.validate(request.space, request.objectives, request.options))
        seen = taken(request)
        found: dict[Configuration, None] = {}
        for candidate in _sequence(request.space, request.seed, len(seen) + request.count + _POINTS_BEYOND_THE_TAKEN):
            if candidate not in seen:
                found[candidate] = None
            if len(found) == request.count:
                break
        return fill(request, found, random.Random(request.seed), "drawn at random: the sequence brought nothing new")


def _sequence(space: Space, seed: int, points: int) -> Iterator[Configuration]:
    """The valid configurations among the first ``points`` of the sequence, or a few more."""
    from scipy.stats import qmc

    sampler = qmc.Sobol(len(space.params), scramble=True, rng=derived_seed("sobol", seed))
    size = 64
    drawn = 0
    while drawn < points:
        for row in sampler.random(size).tolist():
            values: dict[str, Value] = {}
            for param, share in zip(space.params, row, strict=True):
                if space.is_active(param, values):
                    values[param.name] = quantile(param, share)
            if not space.violated(values):
                yield Configuration(values)
        drawn += size
        size = drawn  # the sequence is balanced where its length is a power of two


def quantile(param: Param, share: float) -> Value:
    """The value below which ``share`` (in [0, 1)) of what ``Param.sample`` draws lies; special values come first."""
    if param.special:
        special = len(param.special) / (len(param.special) + 4)
        if share < special:
            return param.special[_position(share / special, len(param.special))]
        share = (share - special) / (1 - special)
    if isinstance(param, FloatParam):
        if param.log:
            value = math.exp(_between(math.log(param.low), math.log(param.high), share))
        else:
            value = _between(param.low, param.high, share)
        return min(max(value, param.low), param.high)
    if isinstance(param, IntParam):
        if param.log:
            drawn = round(math.exp(_between(math.log(param.low - 0.5), math.log(param.high + 0.5), share)))
            return min(max(drawn, param.low), param.high)
        return param.low + _position(share, param.high - param.low + 1)
    levels = param.ordinary_levels()
    return levels[_position(share, len(levels))]


def _between(low: float, high: float, share: float) -> float:
    return low * (1 - share) + high * share  # unlike low + (high - low) * share, it never overflows


def _position(share: float, length: int) -> int:
    return min(int(share * length), length - 1)
