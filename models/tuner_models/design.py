"""The first measurements, before there is anything to model."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tuner.core.space import Configuration, Space
from tuner_models.encode import Encoder
from tuner_models.spread import farthest_first

_LEAST = 4
_MOST = 8


def design_size(space: Space) -> int:
    """How many configurations, the default's included, are measured before the model proposes."""
    varying = sum(param.cardinality() != 1 for param in space.params)
    return min(_LEAST + math.ceil(varying / 2), _MOST)


def well_spread(
    space: Space, candidates: Sequence[Configuration], taken: Sequence[Configuration], count: int
) -> list[Configuration]:
    """Up to ``count`` of ``candidates``, far from what is taken and from each other.

    Few candidates a point keep the choice close to the sequence they come from; among many it would seek the corners.
    """
    encoder = Encoder(space)
    chosen = farthest_first(encoder.encode(candidates), encoder.encode(taken), count)
    return [candidates[index] for index in chosen]
