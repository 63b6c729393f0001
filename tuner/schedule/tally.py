"""How far a study is: numbers of trials by environment, purpose and state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tuner.core.trial import COUNTED, Purpose, TrialState


@dataclass(frozen=True)
class Tally:
    """Counts of a study's trials. ``of`` narrows them; the properties read them."""

    counts: Counter[tuple[str | None, Purpose, TrialState]]

    @classmethod
    def of(cls, counts: Iterable[tuple[str | None, Purpose, TrialState, int]]) -> Tally:
        """From rows (environment, purpose, state, number)."""
        tally: Counter[tuple[str | None, Purpose, TrialState]] = Counter()
        for environment, purpose, state, number in counts:
            tally[environment, purpose, state] += number
        return cls(tally)

    def number(
        self,
        *,
        environment: str | None = None,
        purposes: Collection[Purpose] = (),
        states: Collection[TrialState] = (),
    ) -> int:
        """How many trials there are of this environment, these purposes and these states (all when not given)."""
        return sum(
            number
            for (where, purpose, state), number in self.counts.items()
            if (environment is None or where == environment)
            and (not purposes or purpose in purposes)
            and (not states or state in states)
        )

    @property
    def counted(self) -> int:
        """Explore trials that have used up their share of the budget."""
        return self.number(purposes=[Purpose.EXPLORE], states=COUNTED)

    def open(self, purposes: Collection[Purpose] = (), environment: str | None = None) -> int:
        """Trials that are queued or held."""
        living = [state for state in TrialState if not state.terminal]
        return self.number(environment=environment, purposes=purposes, states=living)
