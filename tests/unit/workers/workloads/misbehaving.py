"""Workloads that do what real ones do on bad days. Imported by the child process."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tuner_workers.workloads.base import Context, MetricSamples, Report, RunOutput, Value, Workload, WorkloadError

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


def output(value: float = 1.0) -> RunOutput:
    return RunOutput({"latency_ms": MetricSamples((value,), "ms", "made up")}, items=3)


class Misbehaving(Workload):
    """Does what ``configuration["deed"]`` says, in ``run``."""

    kind = "misbehaving"

    @classmethod
    def check(cls, settings: Mapping[str, object]) -> list[str]:
        return []

    @classmethod
    def declares(cls, settings: Mapping[str, object]) -> Mapping[str, str]:
        return {"latency_ms": "ms"}

    def prepare(self, settings: Mapping[str, object], context: Context) -> None:
        self.context = context
        self.settings = settings

    def build(self, configuration: Mapping[str, Value]) -> None:
        (self.context.artifacts / "built").write_text(str(configuration["deed"]))

    def run(self, configuration: Mapping[str, Value], report: Report) -> RunOutput:
        return getattr(self, str(configuration["deed"]))(report)

    def cleanup(self) -> None:
        (self.context.scratch / "cleaned").touch()

    def well(self, report):
        return output()

    def segfault(self, report):
        sys.stdout.write("about to read address zero\n")
        ctypes.string_at(0)

    def hang(self, report):
        (self.context.scratch / "hanging").touch()
        time.sleep(600)

    def hang_in_c_and_ignore_sigterm(self, report):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ctypes.PyDLL(None).sleep(600)

    def grandchildren(self, report):
        mark = str(self.context.scratch)
        own = [sys.executable, "-c", STUBBORN, mark]
        # The parent of the third ends at once.
        fork = "import subprocess, sys; subprocess.Popen([sys.executable, *sys.argv[1:]], start_new_session=True)"
        for argv, session in ((own, False), (own, True), ([sys.executable, "-c", fork, *own[1:]], False)):
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=session)
            assert process.stdout is not None
            process.stdout.readline()
        (self.context.scratch / "grandchildren").write_text(" ".join(_stubborn(mark)))
        return output()

    def print_flood(self, report):
        for _ in range(20_000):
            sys.stdout.write("x" * 200 + "\n")
            os.write(1, b"y" * 50 + b"\n")
        return output()

    def huge_line(self, report):
        for descriptor in map(int, os.listdir("/proc/self/fd")):
            if descriptor > 2 and os.path.realpath(f"/proc/self/fd/{descriptor}").startswith("/proc"):
                with contextlib.suppress(OSError):
                    while True:
                        os.write(descriptor, b"z" * (1 << 20))

    def nan(self, report):
        return output(float("nan"))

    def nan_intermediate(self, report):
        report(3, {"loss": float("nan")})
        return output()

    def not_an_output(self, report):
        return {"latency_ms": 1.0}

    def no_samples(self, report):
        return RunOutput({"latency_ms": MetricSamples((), "ms", "made up")})

    def memory_error(self, report):
        raise MemoryError

    def real_memory(self, report):
        hoard = []
        while True:
            hoard.append(b"\1" * (1 << 20))

    def exit_in_the_middle(self, report):
        sys.stdout.write("leaving\n")
        os._exit(3)

    def sys_exit(self, report):
        sys.exit("had enough")

    def raises(self, report):
        raise ZeroDivisionError("by naught")

    def wrong_result(self, report):
        raise WorkloadError("wrong result", "the checksum differs")

    def invented_kind(self, report):
        raise WorkloadError("bored", "nothing to do")

    def learns(self, report):
        step = 0
        deadline = time.monotonic() + 60
        while report(step, {"loss": 1 / (step + 1)}):
            step += 1
            if time.monotonic() > deadline:
                raise WorkloadError("crashed", "was never stopped")
        return output(step + 1.0)

    def reads_stdin(self, report):
        assert sys.stdin.read() == ""
        return output()

    def tells_where_it_is(self, report):
        environment = {name: value for name, value in os.environ.items() if name.startswith(("TUNER_", "SHAPE"))}
        facts = {
            "affinity": sorted(os.sched_getaffinity(0)),
            "niceness": os.nice(0),
            "environment": environment,
            "cwd": os.getcwd(),
            "cgroups": Path("/proc/self/cgroup").read_text(),
        }
        (self.context.scratch / "facts").write_text(repr(facts))
        return output()


def _stubborn(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode().split("\0")
                if words[1:4] == ["-c", STUBBORN, mark]:
                    found.append(entry.name)
    return found
