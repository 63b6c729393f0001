"""The contract of a workload. ``tuner_workers.testing.WorkloadTestCase`` checks what is promised here.

A workload runs in a child interpreter of its own, possibly another Python in another environment, and may import what
it likes. It needs only the standard library to speak with the worker: ``child`` does that for it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

Value = bool | int | float | str


class WorkloadError(Exception):
    """The workload ended, and knows why.

    ``kind`` is one of ``tuner.core.trial.CauseKind``'s values: "refused" says that the configuration can never run
    here, "unavailable" that the device lacks something, "wrong result" that the output was checked and is wrong.
    """

    def __init__(self, kind: str, message: str) -> None:
        self.kind, self.message = kind, message
        super().__init__(f"{kind}: {message}")


@dataclass(frozen=True)
class MetricSamples:
    """What one run measured of one metric: all the samples (a statistic is taken over them), or one value.

    ``method`` says how; ``unit`` as in the declaration.
    """

    samples: tuple[float, ...]
    unit: str
    method: str


@dataclass(frozen=True)
class RunOutput:
    """What one run of a workload produced.

    Attributes:
        metrics: by metric name.
        items: units of work done (inferences, requests, steps): meters divide energy by it.
    """

    metrics: Mapping[str, MetricSamples]
    items: float = 1.0


@dataclass(frozen=True)
class Context:
    """What a workload is told about where it runs.

    Attributes:
        artifacts: directory of content-addressed artifacts that survives trials (converted models).
        scratch: directory of this attempt, removed afterwards.
        seed: for everything random.
        contexts: the environment's declared contexts.
        environment: variables that the trial's knobs have set; to be given to processes that it starts.
    """

    artifacts: Path
    scratch: Path
    seed: int = 0
    contexts: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


class CommandRule(Protocol):
    """A command that the policy file names.

    Attributes:
        argv: the program and its first arguments.
        cwd: where it runs; None for the attempt's scratch directory.
        environment: names of the worker's variables that it gets.
        parameters: "environment" (``TUNER_<NAME>=value``) or "arguments" (``--name=value``).
        timeout: seconds that one run may take.
    """

    @property
    def argv(self) -> Sequence[str]: ...

    @property
    def cwd(self) -> Path | None: ...

    @property
    def environment(self) -> Sequence[str]: ...

    @property
    def parameters(self) -> str: ...

    @property
    def timeout(self) -> float: ...


class Grants(Protocol):
    """What the device's policy file lets workloads use by name."""

    @property
    def commands(self) -> Mapping[str, CommandRule]: ...

    @property
    def data(self) -> Mapping[str, Path]: ...


Report = Callable[[int, Mapping[str, float]], bool]
"""``report(step, {metric: value}) -> keep``: a point of the learning curve; False asks the workload to stop.

The answer may lag one step behind: the worker is asked without waiting for it, so that it never slows down a run.
"""


class Workload(ABC):
    """A kind of workload.

    The worker calls, in one child: ``prepare`` and ``build`` (nothing is measured, no knob is applied), then in
    another, started under the trial's knobs: ``prepare``, ``load``, ``run`` as often as the measurement asks (the
    first runs are warm-up), ``cleanup``.

    Attributes:
        kind: registered name.
        builds: whether ``build`` does anything; False saves a child.
    """

    kind: ClassVar[str]
    builds: ClassVar[bool] = False

    @classmethod
    def missing(cls) -> str:
        """What the worker's own interpreter lacks to run this, in words; empty when it has all. Imports nothing."""
        return ""

    @classmethod
    def describe(cls, grants: Grants) -> str:
        """Its settings in words, for the inventory: what may stand in a study file on this device."""
        return ""

    @classmethod
    @abstractmethod
    def check(cls, settings: Mapping[str, object]) -> list[str]:
        """What is wrong with the settings of a study file, as sentences; empty when all is well.

        Called in the daemon, so it imports nothing heavy.
        """

    @classmethod
    @abstractmethod
    def declares(cls, settings: Mapping[str, object]) -> Mapping[str, str]:
        """Metric names with units that a run will report. Called in the daemon."""

    @classmethod
    def resolve(cls, settings: Mapping[str, object], grants: Grants) -> Mapping[str, object]:
        """The settings as the child gets them: names that the policy file knows, replaced by what they stand for.

        Called in the daemon, with settings that ``check`` has passed.

        Raises:
            WorkloadError: "unavailable", naming what the policy lacks and what it has.
        """
        return settings

    @abstractmethod
    def prepare(self, settings: Mapping[str, object], context: Context) -> None:
        """Take the settings. Cheap.

        Raises:
            WorkloadError: the device lacks something.
        """

    def build(self, configuration: Mapping[str, Value]) -> None:
        """Make the artifacts that this configuration needs, unless they are there. Not measured.

        Raises:
            WorkloadError: this configuration cannot be built.
        """

    def load(self, configuration: Mapping[str, Value]) -> None:
        """Get ready to run: load the model, open the file. Not measured, but under the trial's knobs.

        Raises:
            WorkloadError: this configuration cannot be loaded.
        """

    @abstractmethod
    def run(self, configuration: Mapping[str, Value], report: Report) -> RunOutput:
        """One measured repeat.

        Raises:
            WorkloadError: it failed, with the kind of failure.
        """

    def cleanup(self) -> None:
        """Release what ``load`` took."""
