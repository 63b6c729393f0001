"""Suggestions made ahead of need for one environment of one study."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from tuner.core.study import Study
from tuner.core.trial import Origin, Purpose, Trial, TrialState
from tuner.engine.base import Suggestion
from tuner.service.operations.leasing import Proposal

FRESH_WITHIN = 0.1
"""A suggestion that has not seen the newest result is dropped only if a fresh one takes less than this share of a
trial's time; otherwise measuring something now is worth more than choosing a little better later."""


@dataclass(frozen=True)
class Prepared:
    """A suggestion with how it was made: the ``position``-th of ``count`` that one request asked for."""

    suggestion: Suggestion
    engine: str
    seen: int
    seed: int
    count: int
    position: int
    open_trials: tuple[int, ...]
    note: str = ""

    def proposal(self) -> Proposal:
        """As the leasing transaction takes it."""
        made = {"seed": self.seed, "count": self.count, "position": self.position, "open": list(self.open_trials)}
        return Proposal(self._trial, made)

    def _trial(self, study: Study, environment: str, now: float) -> Trial:
        note = "; ".join(filter(None, (self.note, self.suggestion.note)))
        return Trial(
            study_id=study.id,
            number=0,
            configuration=self.suggestion.configuration,
            purpose=Purpose.EXPLORE,
            state=TrialState.QUEUED,
            origin=Origin(self.engine, self.seen, note, self.suggestion.predicted),
            created_at=now,
            environment=environment,
            wanted=tuple(metric.key for metric in study.spec.wanted),
        )


@dataclass
class Pool:
    """The suggestions at hand. The store's thread takes, the event loop fills; a lock keeps them apart.

    Attributes:
        newest: sequence of the study's last result.
        engine_seconds: what the engine took of late.
        exhausted: the space holds nothing more to propose.
        waiting_since: since when a worker has wanted a suggestion that was not at hand.
    """

    newest: int = 0
    engine_seconds: float = 0.0
    exhausted: bool = False
    waiting_since: float | None = None
    _ready: deque[Prepared] = field(default_factory=deque)
    _taken: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return len(self._ready)

    def take(self, now: float, typical_cost: float) -> Prepared | None:
        """The best suggestion at hand; None when there is none, or a better one is worth its wait."""
        with self._lock:
            if self._ready and not self._worth_waiting(now, typical_cost):
                prepared = self._ready.popleft()
                self._taken.add(prepared.suggestion.configuration.digest)
                self.waiting_since = None
                return prepared
            if self.waiting_since is None:
                self.waiting_since = now
            return None

    def _worth_waiting(self, now: float, typical_cost: float) -> bool:
        if self._ready[0].seen >= self.newest:
            return False
        patience = FRESH_WITHIN * typical_cost
        waited = 0.0 if self.waiting_since is None else now - self.waiting_since
        return self.engine_seconds + waited <= patience

    def settled(self) -> None:
        """Every taken suggestion is a stored trial by now, or its transaction was undone: engines see the former, and
        may propose the latter again."""
        with self._lock:
            self._taken.clear()

    def fill(self, prepared: Iterable[Prepared]) -> int:
        """Replace what is at hand by what was made from newer knowledge; returns how many are new.

        A configuration that was taken while the engine was thinking is not offered again.
        """
        with self._lock:
            fresh = [p for p in prepared if p.suggestion.configuration.digest not in self._taken]
            if fresh:
                self._ready = deque(fresh)
            return len(fresh)
