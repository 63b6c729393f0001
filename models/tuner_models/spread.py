"""Choosing points far from each other."""

from __future__ import annotations

import torch
from torch import Tensor


def farthest_first(points: Tensor, taken: Tensor, count: int) -> list[int]:
    """Indices of up to ``count`` of ``points`` (n x d), each the farthest from all of ``taken`` (m x d, m may be 0)
    and from those chosen before it; the first point comes first where nothing is taken.

    The greedy form of a maximin design (Johnson, Moore, Ylvisaker, "Minimax and Maximin Distance Designs", JSPI 26,
    1990), within a factor of two of the best (Gonzalez, Theoretical Computer Science 38, 1985).
    """
    distance = torch.full((len(points),), torch.inf, dtype=points.dtype)
    if len(taken):
        distance = torch.cdist(points, taken).amin(1)
    chosen: list[int] = []
    for _ in range(min(count, len(points))):
        index = int(torch.argmax(distance))
        chosen.append(index)
        distance = torch.minimum(distance, torch.cdist(points, points[index : index + 1]).squeeze(1))
        distance[chosen] = -1
    return chosen
