"""Typed errors. Each one has a kind that the service maps to a gRPC status and the command line to an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class TunerError(Exception):
    """Base of every error that this project raises on purpose."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an input: where it stands, what is wrong, the value, what would be right."""

    field: str
    message: str
    value: object = None
    expected: str = ""
    source: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}: " if self.source and self.line else ""
        place = place or (f"{self.source}: " if self.source else "")
        got = "" if self.value is None else f", got {_shown(self.value)}"
        right = f"; expected {self.expected}" if self.expected else ""
        return f"{place}{self.field}: {self.message}{got}{right}"


def _shown(value: object, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


class InvalidInput(TunerError):
    """An input was refused; nothing of it was stored. Carries every problem that was found, not only the first."""

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class NotFound(TunerError):
    """The named study, trial, worker or engine does not exist."""


class AlreadyExists(TunerError):
    """The name is taken by something with other contents."""


class WrongState(TunerError):
    """The request is well formed, but the state of its object does not allow it."""


class StaleLease(TunerError):
    """The token is not that of the live attempt: the trial has ended or been leased anew."""


class SpaceExhausted(TunerError):
    """Every configuration of the space has been proposed."""


class Unavailable(TunerError):
    """A part that is needed is not there now (a server, a device, a package); trying again later may help."""


class PermissionDenied(TunerError):
    """The caller may not do this."""


class StoreError(TunerError):
    """The store could not keep or return what it was asked to (disk full, schema too old, broken file)."""
