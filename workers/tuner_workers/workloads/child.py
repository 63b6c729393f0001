"""What runs in the child interpreter: it puts itself in place, then does one step of the workload at a time, as asked.

It needs the standard library (Python >= 3.10) and this package alone, so that the interpreter may be any. Before it
has been asked for anything it imports nothing of the workload's.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import select
import signal
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from tuner_workers.workloads.base import Context, RunOutput, Value, Workload, WorkloadError
from tuner_workers.workloads.wire import MAX_LINE, MAX_TEXT, PROTOCOL, encode

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main(placement: str) -> None:
    """Serve the worker on what were stdin and stdout, until it closes them.

    ``placement`` is JSON: ``cgroups`` (directories), ``affinity`` (CPU numbers or null), ``niceness`` (or null).
    """
    problem = _place(json.loads(placement))
    wire = _Wire()
    _tie_to_parent()
    if problem is not None:
        wire.send({"type": "error", "kind": problem.kind, "message": problem.message})
        return
    wire.send({"type": "ready", "protocol": PROTOCOL})
    _Session(wire).serve()


def _place(placement: Mapping[str, object]) -> WorkloadError | None:
    """Enter the control groups, then take affinity and niceness: all that the workload does happens inside."""
    for directory in cast("list[str]", placement["cgroups"]):
        try:
            Path(directory, "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
        except OSError as error:
            return WorkloadError("unavailable", f"the control group {directory} cannot be entered: {error.strerror}")
    affinity = cast("list[int] | None", placement["affinity"])
    niceness = cast("int | None", placement["niceness"])
    try:
        if affinity is not None:
            os.sched_setaffinity(0, affinity)
    except OSError as error:
        return WorkloadError("refused", f"affinity {affinity} cannot be set: {error.strerror}")
    try:
        if niceness is not None:
            os.nice(niceness)
    except OSError as error:
        return WorkloadError("refused", f"niceness {niceness:+d} cannot be set: {error.strerror}")
    return None


def _tie_to_parent() -> None:
    """Die with the worker, however it dies, and keep hold of grandchildren whose own parent has ended (prctl(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class _Wire:
    """Takes stdin and stdout away from the workload: what it prints goes to stderr and cannot break the protocol."""

    def __init__(self) -> None:
        self._in, self._out = os.dup(0), os.dup(1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)
        self._received = bytearray()
        self._stopped = False

    def send(self, message: Mapping[str, object]) -> None:
        rest = memoryview(encode(message))
        while rest:
            rest = rest[os.write(self._out, rest) :]

    def request(self) -> Mapping[str, object] | None:
        """The next request; None when the worker has closed the pipe."""
        while True:
            line, found, rest = bytes(self._received).partition(b"\n")
            if not found:
                if not self._read():
                    return None
                continue
            self._received[:] = rest
            request = cast("dict[str, object]", json.loads(line))
            if request["do"] != "stop":
                return request
            self._stopped = True

    def stopped(self) -> bool:
        """Whether the worker has asked to stop, found out without waiting."""
        while not self._stopped and select.select([self._in], [], [], 0)[0]:
            # Nothing but "stop" is sent while a run is under way.
            self._stopped = not self._read() or b"\n" in self._received
        return self._stopped

    def _read(self) -> bool:
        received = os.read(self._in, 1 << 16)
        self._received += received
        return bool(received)


class _Session:
    def __init__(self, wire: _Wire) -> None:
        self.wire = wire
        self.workload: Workload | None = None
        self.configuration: Mapping[str, Value] = {}

    def serve(self) -> None:
        while request := self.wire.request():
            try:
                answer = self._do(request)
                line = encode(answer)
                if len(line) > MAX_LINE:
                    raise WorkloadError("bad output", f"{len(line)} bytes in one run's output; at most {MAX_LINE}")
            except WorkloadError as error:
                answer = _error(error.kind, error.message)
            except MemoryError as error:
                answer = _error("out of memory", f"MemoryError {error}".rstrip())
            except BaseException as error:
                traceback.print_exc()
                answer = _error("crashed", f"{_summary(error)} in {request['do']}")
            self.wire.send(answer)

    def _do(self, request: Mapping[str, object]) -> Mapping[str, object]:
        step = request["do"]
        if step == "prepare":
            self._prepare(request)
            return {"type": "done", "usage": _usage()}
        if self.workload is None:
            raise WorkloadError("bad output", f"{step} was asked before prepare")
        if step == "run":
            output = _plain(self.workload.run(self.configuration, self._report))
            return {"type": "output", **output, "usage": _usage()}
        if step == "build":
            self.workload.build(self.configuration)
        elif step == "load":
            self.workload.load(self.configuration)
        elif step == "cleanup":
            self.workload.cleanup()
        else:
            raise WorkloadError("bad output", f"the request {step!r} is unknown to protocol {PROTOCOL}")
        return {"type": "done", "usage": _usage()}

    def _prepare(self, request: Mapping[str, object]) -> None:
        if request["path"] is not None:
            sys.path[:] = cast("list[str]", request["path"])
        module, name = cast(str, request["module"]), cast(str, request["class"])
        try:
            found: object = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError) as error:
            raise WorkloadError("unavailable", f"{sys.executable} cannot import {module}.{name}: {error}") from error
        context = cast("dict[str, object]", request["context"])
        workload = cast("type[Workload]", found)()
        workload.prepare(
            cast("dict[str, object]", request["settings"]),
            Context(
                artifacts=Path(cast(str, context["artifacts"])),
                scratch=Path(cast(str, context["scratch"])),
                seed=cast(int, context["seed"]),
                contexts=cast("dict[str, str]", context["contexts"]),
                environment=cast("dict[str, str]", context["environment"]),
            ),
        )
        self.workload, self.configuration = workload, cast("dict[str, Value]", request["configuration"])

    def _report(self, step: int, metrics: Mapping[str, float]) -> bool:
        values = {name: float(value) for name, value in metrics.items()}
        self.wire.send({"type": "intermediate", "step": int(step), "metrics": values})
        return not self.wire.stopped()


def _plain(output: object) -> dict[str, object]:
    """The output without numpy's types, which JSON does not know."""
    if not isinstance(output, RunOutput):
        raise WorkloadError("bad output", f"run returned {type(output).__name__}, not RunOutput")
    metrics = {
        name: {"samples": [float(value) for value in metric.samples], "unit": metric.unit, "method": metric.method}
        for name, metric in output.metrics.items()
    }
    return {"metrics": metrics, "items": float(output.items)}


def _usage() -> dict[str, object]:
    own, waited = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    kibibytes = max(own.ru_maxrss, waited.ru_maxrss)
    return {
        "cpu_seconds": own.ru_utime + own.ru_stime + waited.ru_utime + waited.ru_stime,
        "max_rss_bytes": kibibytes * 1024,
    }


def _error(kind: str, message: str) -> dict[str, object]:
    return {"type": "error", "kind": kind, "message": message[:MAX_TEXT]}


def _summary(error: BaseException) -> str:
    """What was raised and where, on one line."""
    what = "".join(traceback.format_exception_only(type(error), error)).strip().replace("\n", " ")
    frames = traceback.extract_tb(error.__traceback__)
    return f"{what} (at {Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else what
