"""The first measurements, before there is anything to model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from tuner.core.space import Configuration, Space
from tuner_models.encode import Encoder

_LEAST = 4
_MOST = 8


def design_size(space: Space) -> int:
    """How many configurations, the default's included, are measured before the model proposes."""
    varying = sum(param.cardinality() != 1 for param in space.params)
    return min(_LEAST + math.ceil(varying / 2), _MOST)


def well_spread(
    space: Space, candidates: Sequence[Configuration], taken: Sequence[Configuration], count: int
) -> list[Configuration]:
    """Up to ``count`` of ``candidates``, each the farthest from all that are taken or chosen before it: the greedy
    form of a maximin design (Johnson, Moore, Ylvisaker, "Minimax and Maximin Distance Designs", JSPI 26, 1990).

    Few candidates a point keep the choice close to the sequence they come from; among many it would seek the corners.
    """
    encoder = Encoder(space)
    rows = encoder.encode(candidates)
    distance = torch.full((len(candidates),), torch.inf, dtype=rows.dtype)
    if taken:
        distance = torch.cdist(rows, encoder.encode(taken)).amin(1)
    chosen = []
    for _ in range(min(count, len(candidates))):
        farthest = int(torch.argmax(distance))
        chosen.append(candidates[farthest])
        distance = torch.minimum(distance, torch.cdist(rows, rows[farthest : farthest + 1]).squeeze(1))
        distance[farthest] = -1
    return chosen
