"""What came of a storm, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from storm_device import Lab

TARGETS = ("worker", "server", "engine")


@dataclass(frozen=True)
class Kill:
    """What was killed, when, and in what state it left the devices."""

    target: str
    moment: str
    applied: bool
    spooled: bool

    def __str__(self) -> str:
        states = [state for state, holds in (("value applied", self.applied), ("spooled", self.spooled)) if holds]
        return f"{self.target:8}{self.moment:10}{', '.join(states)}"


ROWS: Mapping[str, Callable[[Kill], bool]] = {
    "number": lambda kill: True,
    "while a value was applied": lambda kill: kill.applied,
    "while a result was in a spool": lambda kill: kill.spooled,
}


@dataclass(frozen=True)
class Counts:
    """What came of it.

    Attributes:
        facts: how much there was of everything.
        wrong: broken promises, one sentence each; each list is to be empty.
    """

    lab: Lab
    kills: Sequence[Kill]
    facts: Mapping[str, int]
    wrong: Mapping[str, Sequence[str]]

    def table(self) -> str:
        """Everything in numbers."""
        lines = [f"knobs: {self.lab}", "", "".join(["kill -9 of".ljust(40), *(f"{t:>8}" for t in (*TARGETS, "all"))])]
        for title, holds in ROWS.items():
            per = Counter(kill.target for kill in self.kills if holds(kill))
            lines.append(title.ljust(40) + "".join(f"{n:8}" for n in (*(per[t] for t in TARGETS), sum(per.values()))))
        lines += ["", *(f"{title:40}{n:8}" for title, n in self.facts.items())]
        lines += ["", *(f"{title:40}{len(found):8}" for title, found in self.wrong.items())]
        return "\n".join(lines)

    def details(self) -> str:
        """Every broken promise, a line each."""
        return "\n".join(f"{title}: {line}" for title, found in self.wrong.items() for line in found)
