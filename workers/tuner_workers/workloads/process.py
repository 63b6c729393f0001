"""The child process of a workload, from the worker's side: started in place, watched, and ended with all its own."""

from __future__ import annotations

import inspect
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import tuner_workers
from tuner.core.clock import Clock
from tuner.core.trial import CauseKind
from tuner_workers.knobs.base import Launch
from tuner_workers.processes import MARK
from tuner_workers.workloads import wire
from tuner_workers.workloads.base import Context, RunOutput, Value, Workload, WorkloadError
from tuner_workers.workloads.channel import Channel
from tuner_workers.workloads.ending import Family, cgroup_processes, oom_kills
from tuner_workers.workloads.registry import find

CLEANUP_TIME = 5.0
GRACE = 2.0

# Makes this one package importable in any interpreter, and nothing else of what is installed beside it here.
_BOOT = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location(
    "tuner_workers", sys.argv[1] + "/__init__.py", submodule_search_locations=[sys.argv[1]])
sys.modules["tuner_workers"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from tuner_workers.workloads.child import main
main(sys.argv[2])
"""

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer", wire.Ready, wire.Done, wire.Output)
OnIntermediate = Callable[[int, Mapping[str, float]], bool]


class Child:
    """One child interpreter with one workload and one configuration in it.

    The child runs in its own session, inside the launch's control groups, affinity and niceness before it imports
    anything of the workload's. When a step fails the child is ended before the error is raised; ``close`` (or leaving
    the ``with`` block) ends it on every other path. All but ``stop`` and ``kill`` belong to the thread that made it,
    and that thread has to outlive it: the kernel kills the child when the thread that started it ends (prctl(2),
    PR_SET_PDEATHSIG), which is also how it never outlives a killed worker.

    Args:
        kind: a registered workload, or its class.
        settings: those of the study, resolved (``registry.resolve``).
        configuration: the parameters that the workload gets.
        launch: how the child is started; None leaves all as the worker has it.
        python: interpreter; None is the worker's own. It needs Python >= 3.10, and finds third-party workloads only
            if they are installed there.
        on_started: called with the process group before the child is asked for anything, so that it can be journalled.

    Raises:
        WorkloadError: "unavailable" when it cannot be started, "refused" when the launch cannot be had.
    """

    def __init__(
        self,
        kind: str | type[Workload],
        settings: Mapping[str, object],
        configuration: Mapping[str, Value],
        context: Context,
        *,
        launch: Launch | None,
        python: str | Path | None,
        on_started: Callable[[int], None],
        clock: Clock,
    ) -> None:
        workload = find(kind) if isinstance(kind, str) else kind
        launch = launch or Launch()
        self._clock, self._cgroups = clock, tuple(launch.cgroups)
        self._prepare = {
            "do": "prepare",
            "module": workload.__module__,
            "class": workload.__qualname__,
            "path": _path() if python is None else None,
            "settings": dict(settings),
            "configuration": dict(configuration),
            "context": {
                "artifacts": str(context.artifacts.absolute()),
                "scratch": str(context.scratch.absolute()),
                "seed": context.seed,
                "contexts": dict(context.contexts),
                "environment": {**context.environment, **launch.environment},
            },
        }
        self._prepared, self._busy, self._ended = False, False, False
        self._killed: str | None = None
        self._usage = wire.Usage(0.0, 0)
        for directory in self._cgroups:
            if others := cgroup_processes(directory):
                raise WorkloadError("unavailable", f"the control group {directory} holds other processes: {others}")
        self._ending = threading.Lock()
        self._tail, self._oom = "", False
        self._oom_kills = oom_kills(self._cgroups)
        self._process = _start(launch, None if python is None else str(python), context.scratch)
        self._family = Family(self._process.pid, self._cgroups)
        try:
            self._channel = Channel(self._process, clock)
        except OSError as error:
            with self._process:  # closes its pipes and reaps it
                self._family.end(clock, grace=0.0)
            raise WorkloadError("unavailable", f"cannot watch the child: {error.strerror}") from error
        try:
            on_started(self.pid)
        except BaseException:
            self._end(grace=0.0)
            raise

    @property
    def pid(self) -> int:
        """Number of the child, of its process group and of its session."""
        return self._process.pid

    @property
    def usage(self) -> wire.Usage:
        """CPU time and largest memory of the child, as it last reported them."""
        return self._usage

    def build(self, timeout: float) -> None:
        """Prepare the workload and build its artifacts. ``timeout`` in seconds, as for all steps.

        Raises:
            WorkloadError: it failed, crashed, took too long, or answered nonsense; the child has been ended.
        """
        self._step("build", timeout)

    def load(self, timeout: float) -> None:
        """Prepare the workload and get it ready to run.

        Raises:
            WorkloadError: as ``build``.
        """
        self._step("load", timeout)

    def run(self, timeout: float, on_intermediate: OnIntermediate) -> RunOutput:
        """One run. ``on_intermediate(step, metrics)`` says whether to go on; it should return quickly.

        Raises:
            WorkloadError: as ``build``; "stopped" where a workload that was asked to stop has nothing to show.
        """
        self._must_live("run")
        answer = self._ask({"do": "run"}, wire.Output, self._clock.now() + timeout, timeout, on_intermediate)
        self._usage = answer.usage
        return answer.output

    def stop(self) -> None:
        """Ask the workload to come to an end: its next report returns False. From any thread."""
        self._channel.post(wire.encode({"do": "stop"}))

    def kill(self, reason: str = "ended on request") -> None:
        """End it at once: the step under way raises ``WorkloadError("cancelled", reason)``. From any thread."""
        self._killed = reason
        with self._ending:
            if not self._ended:
                self._family.end(self._clock, grace=0.0)

    def close(self) -> None:
        """Let the workload clean up if it is idle, then end the child and all that came of it. Idempotent.

        Raises:
            WorkloadError: "unavailable", a process survived SIGKILL.
        """
        if self._ended:
            return
        if self._prepared and not self._busy and self._killed is None:
            try:
                self._ask({"do": "cleanup"}, wire.Done, self._clock.now() + CLEANUP_TIME, CLEANUP_TIME)
            except WorkloadError as error:
                # What was measured before stays true.
                logger.warning("the workload did not clean up: %s", error)
            if not self._ended:
                self._family.look()
                self._channel.finish()
                self._channel.wait_exit(self._clock.now() + GRACE)
        self._end(GRACE)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _must_live(self, step: str) -> None:
        if self._ended:
            raise WorkloadError("crashed", f"the child has ended; it cannot {step}")

    def _step(self, step: str, timeout: float) -> None:
        self._must_live(step)
        deadline = self._clock.now() + timeout
        if not self._prepared:
            ready = self._receive(wire.Ready, deadline, "start", timeout)
            if ready.protocol != wire.PROTOCOL:
                # The package was replaced on disk while this worker ran.
                message = f"the child speaks protocol {ready.protocol}, this worker {wire.PROTOCOL}: start it anew"
                raise self._failed(WorkloadError("unavailable", message))
            self._usage = self._ask(self._prepare, wire.Done, deadline, timeout).usage
            self._prepared = True
        self._usage = self._ask({"do": step}, wire.Done, deadline, timeout).usage
        self._family.look()

    def _ask(
        self,
        request: Mapping[str, object],
        expected: type[Answer],
        deadline: float,
        timeout: float,
        on_intermediate: OnIntermediate | None = None,
    ) -> Answer:
        step = str(request["do"])
        try:
            self._busy = True
            self._channel.send(wire.encode(request), deadline)
        except TimeoutError:
            raise self._failed(_timed_out(step, timeout)) from None
        return self._receive(expected, deadline, step, timeout, on_intermediate)

    def _receive(
        self,
        expected: type[Answer],
        deadline: float,
        step: str,
        timeout: float,
        on_intermediate: OnIntermediate | None = None,
    ) -> Answer:
        """The answer to what was asked; everything else that may happen is an error and ends the child."""
        try:
            while True:
                line = self._channel.receive(deadline)
                if line is None:
                    raise self._gone(step)
                message = wire.decode(line)
                if isinstance(message, wire.Intermediate) and on_intermediate is not None:
                    if not on_intermediate(message.step, message.metrics):
                        self.stop()
                elif isinstance(message, wire.Failed):
                    if message.kind in _CAUSES:
                        raise WorkloadError(message.kind, message.message)
                    raise WorkloadError("crashed", f"{message.kind}: {message.message}")
                elif isinstance(message, expected):
                    self._busy = False
                    return message
                else:
                    raise WorkloadError("bad output", f"{type(message).__name__} is no answer to {step}")
        except TimeoutError:
            raise self._failed(_timed_out(step, timeout)) from None
        except WorkloadError as error:
            raise self._failed(error) from None

    def _failed(self, error: WorkloadError) -> WorkloadError:
        """End the child; what was asked from another thread goes before what came of it, and cause before effect."""
        self._end(GRACE)
        if self._killed is not None:
            return WorkloadError("cancelled", self._killed)
        if error.kind == "crashed" and self._oom:
            return WorkloadError("out of memory", f"the kernel killed at the memory limit; {error.message}")
        return error

    def _gone(self, step: str) -> WorkloadError:
        """Why the child ended without an answer."""
        if not self._channel.wait_exit(self._clock.now() + GRACE):
            return WorkloadError("bad output", f"the child closed its side of the protocol in {step}")
        self._end(GRACE)
        tail = self._tail
        last = f"; last output: {tail}" if tail else "; it printed nothing"
        code = self._process.returncode
        if code >= 0:
            return WorkloadError("crashed", f"exited with code {code} in {step}{last}")
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return WorkloadError("crashed", f"killed by {name} in {step}{last}")

    def _end(self, grace: float) -> None:
        with self._ending:
            if self._ended:
                return
            left = self._family.end(self._clock, grace)
            if left:
                raise WorkloadError("unavailable", f"processes {left} cannot be ended, SIGKILL notwithstanding")
            self._ended = True
            self._oom = oom_kills(self._cgroups) > self._oom_kills
            self._tail = self._channel.tail()
            self._process.wait()
            self._channel.close()


_CAUSES = frozenset(cause.value for cause in CauseKind)


def _timed_out(step: str, timeout: float) -> WorkloadError:
    return WorkloadError("timed out", f"{step} took longer than {timeout:g} s")


def _start(launch: Launch, python: str | None, scratch: Path) -> subprocess.Popen[bytes]:
    placement = {
        "cgroups": list(launch.cgroups),
        "affinity": None if launch.affinity is None else sorted(launch.affinity),
        "niceness": launch.niceness,
    }
    interpreter = python or sys.executable
    package = str(Path(inspect.getfile(tuner_workers)).parent.absolute())
    try:
        return subprocess.Popen(
            [*launch.prefix, interpreter, "-u", "-X", "faulthandler", "-c", _BOOT, package, json.dumps(placement)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(own_python=python is None) | launch.environment,
            cwd=scratch,
            start_new_session=True,
            bufsize=0,
        )
    except OSError as error:
        raise WorkloadError("unavailable", f"cannot start {error.filename or interpreter}: {error.strerror}") from error


def _environment(*, own_python: bool) -> dict[str, str]:
    """The worker's environment without what is meant for the worker alone: its settings, its secrets, its Python's."""
    kept = dict(os.environ)
    for name in os.environ:
        # The mark stays: by it the worker's next start finds what was left behind.
        private = name.startswith("TUNER_") and name != MARK
        if private or (not own_python and name in ("PYTHONPATH", "PYTHONHOME")):
            del kept[name]
    return kept


def _path() -> list[str]:
    """Where this interpreter imports from: the same one must find there what this one has found."""
    return [entry or os.getcwd() for entry in sys.path]
