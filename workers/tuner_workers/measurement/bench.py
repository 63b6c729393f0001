"""The bench: one workload child under one configuration's knobs, loaded and ready to run, with meters around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tuner.core.clock import Clock
from tuner.core.expression import Value
from tuner.core.trial import CauseKind
from tuner_workers.journal import Journal
from tuner_workers.knobs.base import Knob, KnobBroken, Launch
from tuner_workers.knobs.session import KnobSession
from tuner_workers.measurement.control import Control
from tuner_workers.measurement.disturbance import disturbances, sample
from tuner_workers.meters.base import Meter, Quantity
from tuner_workers.policy import Policy
from tuner_workers.workloads.base import Context, RunOutput, WorkloadError
from tuner_workers.workloads.process import Child, OnIntermediate


@dataclass(frozen=True)
class Device:
    """What measuring needs of the device.

    Attributes:
        knobs, meters: registered ones by name; meters that do not work here are left out.
        artifacts, scratch: directories, as ``tuner_workers.paths`` has them.
    """

    policy: Policy
    knobs: Mapping[str, Knob]
    meters: Mapping[str, Meter]
    journal: Journal
    artifacts: Path
    scratch: Path


@dataclass(frozen=True)
class Task:
    """A workload as the device runs it: settings resolved by the policy, and the attempt's context."""

    kind: str
    settings: Mapping[str, object]
    context: Context


@dataclass(frozen=True)
class Measured:
    """One run as it was seen from outside: output, meter readings, and the circumstances.

    Attributes:
        started_at: seconds since the epoch; ``duration`` in seconds.
        knobs: values read back while the child that ran was still in place.
    """

    output: RunOutput
    metered: Mapping[str, Quantity]
    started_at: float
    duration: float
    knobs: Mapping[str, Value]
    flags: tuple[str, ...]


Left = Callable[[], float]
"""Seconds until the attempt's timeout; raises ``WorkloadError("timed out")`` when there are none."""


def build(
    device: Device, task: Task, arguments: Mapping[str, Value], control: Control, clock: Clock, left: Left
) -> None:
    """Make what a configuration needs, in a child without knobs.

    Raises:
        WorkloadError, Stopped, Cancelled.
    """
    launch = Launch(environment=dict(device.journal.environment))
    with _child(device, task, arguments, launch, clock) as child, control.over(child, gentle=False):
        child.build(left())


class Bench:
    """A loaded child. Made by ``bench``, which ends it and restores the device."""

    def __init__(self, device: Device, session: KnobSession, child: Child, control: Control, clock: Clock) -> None:
        self._device, self._session, self._child = device, session, child
        self._control, self._clock = control, clock
        self._asked = session.read_back(child.pid)

    def run(self, timeout: float, on_intermediate: OnIntermediate) -> Measured:
        """One run, metered.

        Raises:
            WorkloadError: it failed, or a meter could not be read ("unavailable").
            OSError: a knob could not be read.
        """
        pid, clock = self._child.pid, self._clock
        before = sample(pid)
        with self._control.over(self._child, gentle=True), _metered(self._device.meters, pid) as metered:
            started = clock.now()
            output = self._child.run(timeout, on_intermediate)
            duration = clock.now() - started
        flags = disturbances(before, sample(pid), duration)
        knobs = self._session.read_back(pid)
        moved = tuple(f"moved: {name}" for name, value in knobs.items() if value != self._asked[name])
        return Measured(output, metered, started, duration, knobs, flags + moved)


@contextmanager
def bench(
    device: Device,
    task: Task,
    values: Mapping[str, Value],
    arguments: Mapping[str, Value],
    control: Control,
    clock: Clock,
    left: Left,
    on_running: Callable[[], None],
    on_broken: Callable[[str], None],
) -> Iterator[Bench]:
    """Apply knobs, start and load a child; afterwards end it and restore the device, whatever happened.

    Args:
        values: what to set, by knob name.
        arguments: the parameters that the workload gets.
        on_running: called when the child has been started.
        on_broken: called when the device could not be restored, with what is not as it was found. It is no error here,
            because what was measured before is still true.

    Raises:
        KnobRefused: the device does not take the values.
        WorkloadError, JournalError, OSError, Stopped, Cancelled.
    """
    session = KnobSession(values, device.policy, device.journal, device.knobs)
    try:
        launch = session.launch()
        settle = session.apply()
        with _child(device, task, arguments, launch, clock) as child:
            on_running()
            control.wait(settle)
            with control.over(child, gentle=False):
                child.load(left())
            yield Bench(device, session, child, control, clock)
    finally:
        try:
            session.restore()
        except KnobBroken as error:
            on_broken(str(error))


@contextmanager
def _child(device: Device, task: Task, arguments: Mapping[str, Value], launch: Launch, clock: Clock) -> Iterator[Child]:
    child = Child(
        task.kind,
        task.settings,
        arguments,
        task.context,
        launch=launch,
        python=_interpreter(device.policy, task.kind),
        on_started=device.journal.record_child,
        clock=clock,
    )
    try:
        yield child
    finally:
        pid = child.pid
        child.close()  # raises when a process survives, and then the journal keeps it for the next start
        device.journal.close_child(pid)


def _interpreter(policy: Policy, kind: str) -> str | None:
    path = policy.python.get(kind)
    return None if path is None else str(path)


@contextmanager
def _metered(meters: Mapping[str, Meter], pid: int) -> Iterator[dict[str, Quantity]]:
    """Fills the mapping with what the meters read over the body.

    The first registered meter is started last and stopped first, so that wall time does not hold the other meters'
    work; where two measure the same metric, the first registered one's reading stands.
    """
    readings: dict[str, Quantity] = {}
    running: list[str] = []
    name = ""
    try:
        for name in reversed(list(meters)):
            meters[name].start(pid)
            running.append(name)
        yield readings
        while running:
            name = running.pop()
            for metric, quantity in meters[name].stop().items():
                readings.setdefault(metric, quantity)
    except OSError as error:
        raise WorkloadError(CauseKind.UNAVAILABLE.value, f"meter {name} cannot be read: {error}") from error
    finally:
        for name in running:
            with suppress(OSError):
                meters[name].stop()
