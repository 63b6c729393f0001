"""Variables that libraries read when they start. One row is one knob."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tuner.core.expression import Value
from tuner_workers.knobs.base import Domain, Launch, LaunchKnob, Unavailable


def _cpus() -> int:
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Variable:
    """One variable that holds a whole number.

    Attributes:
        name: of the variable; the knob is called ``env.NAME``.
        low: least value.
        high: computes the greatest one.
        unset: computes what being unset amounts to.
    """

    name: str
    low: int
    high: Callable[[], int]
    unset: Callable[[], int]
    unit: str = ""


VARIABLES = (
    # OpenMP API 5.2, section 21.1.2: how many threads when unset is for the implementation; it is one per CPU in
    # libgomp, libomp and libiomp5.
    Variable("OMP_NUM_THREADS", low=1, high=_cpus, unset=_cpus, unit="threads"),
    # mallopt(3): 0, the default, lets glibc choose its limit, which is 8 arenas per core on 64 bits.
    Variable("MALLOC_ARENA_MAX", low=0, high=lambda: 8 * _cpus(), unset=lambda: 0, unit="arenas"),
)


class EnvironmentKnob(LaunchKnob):
    """A variable in the environment of the workload's process."""

    def __init__(self, variable: Variable) -> None:
        self.name = f"env.{variable.name}"
        self._variable = variable

    def probe(self) -> Domain | Unavailable:
        return Domain("int", self._variable.low, self._variable.high(), unit=self._variable.unit)

    def read(self) -> Value:
        return self._value(os.environ)

    def shape(self, launch: Launch, value: Value) -> None:
        launch.environment[self._variable.name] = str(value)

    def read_child(self, pid: int) -> Value:
        entries = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
        return self._value(dict(entry.split("=", 1) for entry in entries if "=" in entry))

    def _value(self, environment: Mapping[str, str]) -> Value:
        text = environment.get(self._variable.name, "").strip()
        if not text:
            return self._variable.unset()
        return int(text) if text.lstrip("-").isdecimal() else text


def environment_knobs() -> list[LaunchKnob]:
    """Every variable known here."""
    return [EnvironmentKnob(variable) for variable in VARIABLES]
