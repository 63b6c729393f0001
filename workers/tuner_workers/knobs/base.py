"""The contract of a knob. ``tuner_workers.testing.KnobTestCase`` checks what is promised here.

There are two kinds. A ``SystemKnob`` changes the device (a sysfs file, a sysctl) and has to be restored. A
``LaunchKnob`` shapes the process of the workload (affinity, environment, cgroup) and has nothing to restore but what
it created.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

from tuner.core.errors import TunerError
from tuner.core.expression import Value


class KnobRefused(TunerError):
    """The device does not take this value (EINVAL, a read-back that differs): the configuration is infeasible."""


class KnobBroken(TunerError):
    """A restore could not be verified: the device is not as it was found.

    ``broken`` names everything that is not restored, one sentence each.
    """

    def __init__(self, *broken: str) -> None:
        self.broken = broken
        super().__init__("; ".join(broken))


@dataclass(frozen=True)
class Domain:
    """What a knob takes on this device: a range of numbers, or a list of values.

    ``kind`` is "int", "float", "bool" or "choice"; ``values`` is set for "choice" only. The unit is that of the file.
    """

    kind: str
    low: float | None = None
    high: float | None = None
    values: tuple[Value, ...] = ()
    unit: str = ""

    def __contains__(self, value: object) -> bool:
        if self.kind == "choice":
            return any(value == own and isinstance(value, bool) == isinstance(own, bool) for own in self.values)
        if self.kind == "bool":
            return isinstance(value, bool)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            return False
        if self.kind == "int" and value != int(value):
            return False
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def spell(self, value: Value) -> Value:
        """``value``, one of this domain, in the domain's own type: for an int, 1.0 becomes 1."""
        if self.kind == "choice":
            return next(own for own in self.values if value == own and isinstance(value, bool) == isinstance(own, bool))
        return int(value) if self.kind == "int" else float(value) if self.kind == "float" else value

    def __str__(self) -> str:
        if self.kind == "choice":
            return ", ".join(map(str, self.values))
        if self.kind == "bool":
            return "false, true"
        low = "" if self.low is None else f"{self.low:g}"
        high = "" if self.high is None else f"{self.high:g}"
        return f"{self.kind} {low}..{high} {self.unit}".rstrip()


@dataclass(frozen=True)
class Unavailable:
    """Why a knob (or meter, or workload) cannot be used here, and what would make it available."""

    reason: str


class Knob(ABC):
    """What both kinds share.

    Attributes:
        name: registered name, ``family.knob``.
        settle: seconds to wait after it was applied before measuring.
        dangerous: a wrong value can take the device away from its other users; such a knob is offered only where a
            policy file names it.
    """

    name: str
    settle: float = 0.0
    dangerous: bool = False

    @abstractmethod
    def probe(self) -> Domain | Unavailable:
        """What this device takes, found out without changing it."""

    @abstractmethod
    def read(self) -> Value:
        """The value in force on the device (for a launch knob: what a process gets when nothing is applied).

        Raises:
            OSError: it cannot be read.
        """


class SystemKnob(Knob):
    """A setting of the device.

    Promises: ``capture`` then ``apply(v)`` then ``restore(captured)`` leaves every file it touches as it was;
    ``apply`` raises before it has changed anything or leaves a state that ``restore`` mends; all are idempotent.
    The worker journals what ``capture`` returned, durably, before the first ``apply``.
    """

    def capture(self) -> Value:
        """All that ``restore`` needs; more than ``read`` where one value stands for several files.

        Raises:
            OSError: it cannot be read.
        """
        return self.read()

    @abstractmethod
    def apply(self, value: Value) -> None:
        """Set it.

        Raises:
            KnobRefused: the device does not take the value.
            OSError: the device cannot be written.
        """

    def verify(self, value: Value) -> bool:
        """Whether the device now has ``value``."""
        return self.read() == value

    def restore(self, original: Value) -> None:
        """Set it back to what ``capture`` had returned; by default the same as to apply it.

        Raises:
            KnobRefused, OSError: as ``apply``.
        """
        self.apply(original)

    def widens(self, value: Value) -> bool:
        """Whether applying ``value`` widens what another knob may take (raises an upper, lowers a lower limit).

        A plan applies what widens before what narrows, and restores in reverse: then no write ever meets limits
        that forbid it.
        """
        return True

    def conflicts(self) -> Sequence[str]:
        """Names of knobs that cannot be used together with this one (they write the same thing)."""
        return ()


@dataclass
class Launch:
    """How the workload's child process will be started; launch knobs change it.

    Attributes:
        environment: variables to add.
        prefix: words put before the command (``nice -n 5``).
        cgroups: control-group directories, made already, that the child must be in before it runs.
        affinity: CPU numbers it may run on; None leaves it alone.
        niceness: added to the worker's own; None leaves it alone.
    """

    environment: dict[str, str] = field(default_factory=dict)
    prefix: list[str] = field(default_factory=list)
    cgroups: list[str] = field(default_factory=list)
    affinity: frozenset[int] | None = None
    niceness: int | None = None


class LaunchKnob(Knob):
    """A property of the workload's process."""

    @abstractmethod
    def shape(self, launch: Launch, value: Value) -> None:
        """Make ``launch`` start the child with ``value``, creating what is needed (a control group).

        Raises:
            KnobRefused: this device cannot do it.
        """

    @abstractmethod
    def read_child(self, pid: int) -> Value:
        """The value that the running child really has.

        Raises:
            OSError: the child is gone.
        """

    def created(self) -> Sequence[str]:
        """Control-group directories that ``shape`` makes, known before it is called: the journal has them first."""
        return ()

    def cleanup(self) -> None:
        """Remove what ``shape`` created. Idempotent; the child has ended."""
