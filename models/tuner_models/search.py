"""Where an acquisition function is greatest: over a list, or from it by local search."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Sequence

import torch

from tuner.core.space import Configuration
from tuner_models.acquisition import Acquisition
from tuner_models.belief import Belief
from tuner_models.neighbours import neighbours

_CLIMBERS = 4
_RADIUS = 0.2
_SHRINK = 0.5
_ROUNDS = 8


def best_of(acquisition: Acquisition, belief: Belief, candidates: Sequence[Configuration]) -> Configuration:
    """The candidate (of at least one) where ``acquisition`` is greatest; the first of several."""
    highest = int(torch.argmax(_values(acquisition, belief, candidates)))
    return candidates[highest]


def climb(
    acquisition: Acquisition,
    belief: Belief,
    candidates: Sequence[Configuration],
    excluded: Collection[Configuration],
    rng: random.Random,
) -> Configuration:
    """The best configuration found by local search from the best ``candidates`` and from the incumbents.

    In a mixed space the neighbours are what gradients are elsewhere (Hutter, Hoos, Leyton-Brown, "Sequential
    Model-Based Optimization for General Algorithm Configuration", LION 2011, section 4.3). Steps shrink from round to
    round.

    Args:
        candidates: valid configurations outside ``excluded``, at least one.
        excluded: what must not be proposed; a climb may start there.
    """
    space = belief.task.space
    values = _values(acquisition, belief, candidates)
    order: list[int] = torch.argsort(values, descending=True, stable=True).tolist()
    climbers: list[tuple[Configuration, float]] = [(candidates[i], values[i].item()) for i in order[:_CLIMBERS]]
    best, height = climbers[0]
    climbers += [(incumbent, -math.inf) for incumbent in belief.incumbents]
    for turn in range(_ROUNDS):
        radius = _RADIUS * _SHRINK**turn
        steps = [
            (climber, step)
            for climber, (start, _) in enumerate(climbers)
            for step in dict.fromkeys(neighbours(space, belief.encoder, start, radius, rng))
            if step not in excluded
        ]
        if not steps:
            break
        reached = _values(acquisition, belief, [step for _, step in steps]).tolist()
        for (climber, step), value in zip(steps, reached, strict=True):
            if value > climbers[climber][1]:
                climbers[climber] = (step, value)
        top, value = max(climbers, key=lambda climber: climber[1])
        if value > height:
            best, height = top, value
    return best


def _values(acquisition: Acquisition, belief: Belief, configurations: Sequence[Configuration]) -> torch.Tensor:
    values = acquisition(belief.encoder.encode(configurations))
    if torch.isnan(values).any():
        raise ArithmeticError("the acquisition function is not a number somewhere")
    return values
