"""The contract of a knob. ``tuner_workers.testing.KnobTestCase`` checks what is promised here.

There are two kinds. A ``SystemKnob`` changes the device (a sysfs file, a sysctl) and has to be restored. A
``LaunchKnob`` shapes the process of the workload (affinity, environment, cgroup) and has nothing to restore but what
it created.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from tuner.core.errors import TunerError
from tuner.core.expression import Value


class KnobRefused(TunerError):
    """The device does not take this value (EINVAL, a read-back that differs): the configuration is infeasible."""


class KnobBroken(TunerError):
    """A restore could not be verified: the device is not as it was found."""


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
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if self.kind == "int" and value != int(value):
            return False
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

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
    """

    name: ClassVar[str]
    settle: ClassVar[float] = 0.0

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

    Promises: ``read`` then ``apply(v)`` then ``restore(read value)`` leaves every file it touches as it was;
    ``apply`` raises before it has changed anything or leaves a state that ``restore`` mends; all are idempotent.
    The worker journals what ``read`` returned, durably, before the first ``apply``.
    """

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
        """Set it back to what ``read`` had returned; by default the same as to apply it."""
        self.apply(original)

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
        """Control-group directories that exist because of this knob, for the journal."""
        return ()

    def cleanup(self) -> None:
        """Remove what ``shape`` created. Idempotent; the child has ended."""
