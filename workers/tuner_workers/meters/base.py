"""The contract of a meter. ``tuner_workers.testing.MeterTestCase`` checks what is promised here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tuner_workers.knobs.base import Unavailable


@dataclass(frozen=True)
class Quantity:
    """A measured value with its unit and method; an estimate says so ("modelled: cpu time x 12 W")."""

    value: float
    unit: str
    method: str


@dataclass(frozen=True)
class Declared:
    """A metric that a meter or workload promises to report: its unit and how it is measured."""

    unit: str
    method: str


class Meter(ABC):
    """Measures one process tree, or the whole device, between ``start`` and ``stop``.

    Promises: ``stop`` reports exactly the metrics that ``declares`` names, with those units and methods, each finite;
    a meter can be started again after it was stopped; the energy of a run is never negative.
    """

    name: ClassVar[str]

    @abstractmethod
    def probe(self) -> Unavailable | None:
        """None when it works here."""

    def note(self) -> str:
        """What a person should know about it (that it estimates, and why); "" when there is nothing."""
        return ""

    @abstractmethod
    def declares(self) -> Mapping[str, Declared]:
        """Metric names with unit and method."""

    @abstractmethod
    def start(self, pid: int) -> None:
        """Begin to measure the process ``pid`` and its descendants.

        Raises:
            OSError: what it reads cannot be read.
        """

    @abstractmethod
    def stop(self) -> Mapping[str, Quantity]:
        """What was measured since ``start``.

        Raises:
            OSError: what it reads cannot be read.
        """
