"""Random search."""

from __future__ import annotations

import random

from tuner.engine.base import Engine, Suggestion, SuggestRequest
from tuner.engine.unseen import draw_unseen, refuse, taken


class RandomEngine(Engine):
    """Independent draws, uniform on each domain (on its logarithm where ``log``), without repetition.

    The baseline that every other engine has to beat, and a strong one where few parameters matter (Bergstra and
    Bengio, "Random search for hyper-parameter optimization", JMLR 13, 2012).
    """

    name = "random"

    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        refuse(self.validate(request.space, request.objectives, request.options))
        seen = taken(request)
        return [
            Suggestion(configuration)
            for configuration in draw_unseen(request.space, seen, request.count, random.Random(request.seed))
        ]
