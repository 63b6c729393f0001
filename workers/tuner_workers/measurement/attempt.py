"""One attempt at a trial, from the assignment to the result."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from tuner.core.clock import Clock
from tuner.core.errors import TunerError
from tuner.core.expression import Value
from tuner.core.observation import Intermediate, Observation, Run
from tuner.core.trial import Cause, CauseKind, Result, TrialState
from tuner_workers.knobs.base import KnobRefused
from tuner_workers.measurement.assignment import Assignment
from tuner_workers.measurement.bench import Bench, Device, Measured, Task, bench, build
from tuner_workers.measurement.control import Control
from tuner_workers.measurement.curve import Curve
from tuner_workers.measurement.readings import observe, read_run
from tuner_workers.measurement.repetition import Repetition
from tuner_workers.meters.base import Quantity
from tuner_workers.workloads import registry
from tuner_workers.workloads.base import Context, WorkloadError
from tuner_workers.workloads.wire import utf8

SEGMENT_RUNS = 2
"""Counted runs in each segment of a final check, unless the study says how many."""

MESSAGE_LIMIT = 2000
"""Characters of a cause that are worth a person's time."""

_log = logging.getLogger(__name__)


class Reporter(Protocol):
    """Where news of a running attempt go. Both return quickly."""

    def running(self) -> None:
        """The workload has been started."""

    def intermediate(self, point: Intermediate) -> None:
        """A point of the learning curve."""


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended.

    Attributes:
        result: None when it was cancelled: there is nothing to report.
        broken: what could not be restored on the device, in words; "" when it is as it was found.
    """

    result: Result | None
    broken: str = ""


def measure(assignment: Assignment, device: Device, *, clock: Clock, report: Reporter, control: Control) -> Outcome:
    """Measure as assigned. Whatever happens, the child has ended and the device is restored, or ``broken`` says not.

    Nothing is raised for what can go wrong with a configuration, a workload or the device: that is the result.
    """
    begun = clock.now()
    attempt = _Attempt(assignment, device, clock, report, control)
    try:
        with tempfile.TemporaryDirectory(dir=device.scratch, ignore_cleanup_errors=True) as scratch:
            attempt.measure(Path(scratch))
        result = Result(TrialState.COMPLETED, attempt.observations(), attempt.runs)
    except Exception as error:
        if control.cancelled:
            return Outcome(None, attempt.broken)
        result = attempt.ended_by(error)
    return Outcome(replace(result, intermediates=attempt.curve.points, cost=clock.now() - begun), attempt.broken)


class _Attempt:
    def __init__(
        self, assignment: Assignment, device: Device, clock: Clock, report: Reporter, control: Control
    ) -> None:
        self.assignment, self.device, self.clock, self.report, self.control = assignment, device, clock, report, control
        self.deadline = clock.now() + assignment.timeout
        self.curve = Curve(clock, report.intermediate)
        self.declared: dict[str, str] = {}
        self.position = 0
        self.counted: list[tuple[Run, Mapping[str, Quantity]]] = []
        self.broken = ""

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(run for run, _ in self.counted)

    def measure(self, scratch: Path) -> None:
        assignment = self.assignment
        workload = registry.find(assignment.workload)
        for meter in self.device.meters.values():
            self.declared.update({name: declared.unit for name, declared in meter.declares().items()})
        self.declared.update(workload.declares(assignment.settings))
        settings = registry.resolve(assignment.workload, assignment.settings, self.device.policy)
        context = Context(self.device.artifacts, scratch, assignment.seed, assignment.contexts)
        task = Task(assignment.workload, settings, context)
        if workload.builds:
            for arm in dict.fromkeys(assignment.plan or ("recommended",)):
                self.control.check()
                arguments = assignment.arguments(assignment.arm(arm))
                build(self.device, task, arguments, self.control, self.clock, self.left)
        if not assignment.plan:
            self.segment(task, assignment.configuration, Repetition.of(assignment.warmup, assignment.runs))
        runs = SEGMENT_RUNS if assignment.runs is None else assignment.runs
        for place, arm in enumerate(assignment.plan):
            if self.broken:
                raise WorkloadError(CauseKind.UNAVAILABLE.value, f"the device could not be restored: {self.broken}")
            repetition = Repetition.of(assignment.warmup, runs)
            # An arm is as much work as a trial: the check as a whole has a trial's time for each.
            self.deadline = self.clock.now() + assignment.timeout
            self.segment(task, assignment.arm(arm), repetition, arm=arm, block=place // 2)

    def segment(
        self, task: Task, configuration: Mapping[str, Value], repetition: Repetition, arm: str = "", block: int = 0
    ) -> None:
        """Apply the knobs, run until enough is counted, restore."""
        self.control.check()
        with bench(
            self.device,
            task,
            self.assignment.knob_values(configuration),
            self.assignment.arguments(configuration),
            self.control,
            self.clock,
            self.left,
            self.report.running,
            self._note_broken,
        ) as ready:
            durations: list[float] = []
            while not repetition.is_warm(durations, self.assignment.timeout):
                durations.append(self._run(ready, arm, block, counts=False))
            durations.clear()
            first = len(self.counted)
            keys = [metric.key for metric in self.assignment.wanted]
            while True:
                durations.append(self._run(ready, arm, block, counts=True))
                values = [[readings[key].value for _, readings in self.counted[first:]] for key in keys]
                if repetition.is_enough(values, durations, self.deadline - self.clock.now()):
                    return

    def _run(self, ready: Bench, arm: str, block: int, *, counts: bool) -> float:
        """One run; its duration. One that was asked to stop counts even if it was meant to warm up."""
        measured = ready.run(self.left(), self._on_intermediate)
        stopped = self.control.stopped
        if counts or stopped:
            flags = measured.flags + (("stopped",) if stopped else ())
            self._count(replace(measured, flags=flags), arm, block)
        self.position += 1
        self.control.check()
        return measured.duration

    def _count(self, measured: Measured, arm: str, block: int) -> None:
        readings = read_run(self.assignment.wanted, self.declared, measured.output, measured.metered)
        run = Run(
            index=self.position,
            started_at=measured.started_at,
            duration=measured.duration,
            values={name: quantity.value for name, quantity in readings.items()},
            knobs=measured.knobs,
            flags=measured.flags,
            arm=arm,
            block=block,
        )
        self.counted.append((run, readings))

    def _on_intermediate(self, step: int, metrics: Mapping[str, float]) -> bool:
        self.curve.add(step, metrics)
        return not self.control.stopped

    def _note_broken(self, what: str) -> None:
        _log.error("the device is not as it was found: %s", what)
        self.broken = what

    def left(self) -> float:
        """Seconds until the timeout.

        Raises:
            WorkloadError: "timed out", there are none.
        """
        left = self.deadline - self.clock.now()
        if left <= 0:
            raise WorkloadError(
                CauseKind.TIMED_OUT.value, f"the attempt took longer than its {self.assignment.timeout:g} s"
            )
        return left

    def observations(self) -> tuple[Observation, ...]:
        """What was observed of the configuration; in a final check, over the runs of the recommended arm.

        Raises:
            WorkloadError: "bad output", the runs do not fit together.
        """
        return observe([readings for run, readings in self.counted if run.arm != "default"])

    def ended_by(self, error: Exception) -> Result:
        """The result of an attempt that did not reach its end."""
        if self.control.stopped:
            return Result(
                TrialState.STOPPED, self._partial(), self.runs, cause=Cause(CauseKind.STOPPED, "the tuner asked for it")
            )
        cause = _cause(error)
        state = TrialState.INFEASIBLE if cause.kind is CauseKind.REFUSED else TrialState.FAILED
        return Result(state, runs=self.runs, cause=cause)

    def _partial(self) -> tuple[Observation, ...]:
        try:
            return self.observations()
        except WorkloadError as error:
            _log.warning("a stopped attempt has nothing to show: %s", error)
            return ()


def _cause(error: Exception) -> Cause:
    if isinstance(error, KnobRefused):
        return Cause(CauseKind.REFUSED, _short(str(error)))
    if isinstance(error, WorkloadError):
        return Cause(CauseKind(error.kind), _short(error.message))
    if isinstance(error, (TunerError, OSError)):
        return Cause(CauseKind.UNAVAILABLE, _short(str(error)))
    _log.error("a fault of the worker", exc_info=error)
    return Cause(CauseKind.UNAVAILABLE, _short(f"a fault of the worker: {type(error).__name__}: {error}"))


def _short(message: str) -> str:
    text = utf8(message)
    return text if len(text) <= MESSAGE_LIMIT else text[: MESSAGE_LIMIT - 4] + " ..."
