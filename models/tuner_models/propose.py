"""What to measure next: the whole way from a history to proposals."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tuner.core.space import Configuration
from tuner_models.acquisition import acquisition
from tuner_models.belief import Belief
from tuner_models.search import best_of, climb


@dataclass(frozen=True)
class Proposal:
    """A configuration, and (mean, standard deviation) of a measurement of it by objective key, in the metric's unit."""

    configuration: Configuration
    predicted: Mapping[str, tuple[float, float]]


def propose(
    belief: Belief,
    pending: Sequence[Configuration],
    candidates: Sequence[Configuration],
    taken: Collection[Configuration],
    count: int,
    seed: int,
    *,
    exhaustive: bool,
) -> list[Proposal]:
    """Up to ``count`` proposals, best first; each counts as pending for the next (sequential greedy maximisation of
    the joint acquisition: Wilson, Hutter, Deisenroth, "Maximizing Acquisition Functions for Bayesian Optimization",
    NeurIPS 2018, section 3.2).

    Args:
        pending: configurations being measured.
        candidates: valid configurations outside ``taken``.
        taken: what must not be proposed.
        exhaustive: whether ``candidates`` are all that is left, so that there is nothing between them to search.

    Raises:
        NUMERICAL_ERRORS: the acquisition function could not be computed.
    """
    rng = random.Random(seed)
    left = list(candidates)
    chosen: list[Configuration] = []
    while left and len(chosen) < count:
        rows = belief.encoder.encode([*pending, *chosen])
        function = acquisition(belief, rows, seed)
        excluded = {*taken, *chosen}
        pick = best_of(function, belief, left) if exhaustive else climb(function, belief, left, excluded, rng)
        chosen.append(pick)
        left = [candidate for candidate in left if candidate != pick]
    predicted = belief.predict(chosen)
    return [Proposal(configuration, values) for configuration, values in zip(chosen, predicted, strict=True)]
