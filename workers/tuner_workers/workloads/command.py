"""``command``: measures a command that the device's policy file names. There is no shell, and a study cannot add words.

    workload:
      kind: command
      command: encode                     # a name of the policy's ``commands``
      metrics: {latency_ms: ms}           # what it will report, with units

Each run starts it anew. It gets the parameters as ``TUNER_<NAME>`` or ``--name=value``, as the policy says, and
``TUNER_SEED``. It prints one JSON object on a line of its own: ``{"latency_ms": 12.5}``, or a list of samples instead
of a number, and ``"items"`` for the units of work done; the last object counts. Before it, a line
``{"step": 1, "metrics": {...}}`` is a point of the learning curve. Other lines are taken for logging. Exit code 78
(EX_CONFIG of sysexits(3)) says that this configuration can never run; any other but 0 is a crash.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from typing import cast

from tuner_workers.workloads import parse
from tuner_workers.workloads.base import (
    Context,
    Grants,
    MetricSamples,
    Report,
    RunOutput,
    Value,
    Workload,
    WorkloadError,
)
from tuner_workers.workloads.channel import Channel

INFEASIBLE = os.EX_CONFIG
STOP_TIME = 5.0


class CommandWorkload(Workload):
    """Runs a command and reads what it reports."""

    kind = "command"

    @classmethod
    def describe(cls, grants: Grants) -> str:
        return f"command: {', '.join(sorted(grants.commands)) or 'none in the policy'}"

    @classmethod
    def check(cls, settings: Mapping[str, object]) -> list[str]:
        return (
            parse.unknown(settings, ("command", "metrics"))
            + parse.text(settings, "command")
            + parse.table(settings, "metrics", "a table {metric: unit}", required=True)
        )

    @classmethod
    def declares(cls, settings: Mapping[str, object]) -> Mapping[str, str]:
        return dict(cast("Mapping[str, str]", settings["metrics"]))

    @classmethod
    def resolve(cls, settings: Mapping[str, object], grants: Grants) -> Mapping[str, object]:
        name = cast(str, settings["command"])
        rule = grants.commands.get(name)
        if rule is None:
            known = ", ".join(sorted(grants.commands)) or "none"
            message = f"workload.command: the policy of this device has no command {name!r}; it has {known}"
            raise WorkloadError("unavailable", message)
        granted = {
            "argv": list(rule.argv),
            "cwd": None if rule.cwd is None else str(rule.cwd),
            "environment": list(rule.environment),
            "parameters": rule.parameters,
            "timeout": rule.timeout,
        }
        return {**settings, "rule": granted}

    def prepare(self, settings: Mapping[str, object], context: Context) -> None:
        self._name = cast(str, settings["command"])
        self._units = self.declares(settings)
        rule = cast("Mapping[str, object]", settings["rule"])
        self._argv = cast("list[str]", rule["argv"])
        self._as_arguments = rule["parameters"] == "arguments"
        self._cwd = cast("str | None", rule["cwd"]) or str(context.scratch)
        self._timeout = cast(float, rule["timeout"])
        allowed = cast("list[str]", rule["environment"])
        inherited = {name: value for name, value in os.environ.items() if name in allowed}
        self._environment = {**inherited, **context.environment, "TUNER_SEED": str(context.seed)}

    def run(self, configuration: Mapping[str, Value], report: Report) -> RunOutput:
        words, variables = self._words(configuration)
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment | variables,
                cwd=self._cwd,
                bufsize=0,
                # A group of its own, so that what it leaves behind does not run on through the next measurement.
                preexec_fn=os.setpgrp,
            )
        except OSError as error:
            raise WorkloadError(
                "unavailable", f"cannot start {error.filename or words[0]}: {error.strerror}"
            ) from error
        except ValueError as error:
            raise WorkloadError("refused", f"a parameter cannot be passed to {self._name}: {error}") from error
        channel = Channel(process, _Monotonic())
        try:
            channel.finish()
            return self._listen(process, channel, report)
        finally:
            _end(process)
            channel.close()

    def _listen(self, process: subprocess.Popen[bytes], channel: Channel, report: Report) -> RunOutput:
        deadline = time.monotonic() + self._timeout
        stopping = False
        last: Mapping[str, object] | None = None
        try:
            while (line := channel.receive(deadline)) is not None:
                told = _object(line)
                if told is None:
                    channel.note(line + b"\n")
                elif told.keys() != {"step", "metrics"}:
                    last = told
                elif not report(*_point(told)) and not stopping:
                    stopping = True
                    deadline = min(deadline, time.monotonic() + STOP_TIME)
                    process.terminate()
            exited = channel.wait_exit(deadline)
        except TimeoutError:
            exited = False
        tail = channel.tail()
        last_words = f"; last output: {tail}" if tail else ""
        if not exited and not stopping:
            raise WorkloadError(
                "timed out", f"{self._name} took longer than the policy's {self._timeout:g} s{last_words}"
            )
        code = _end(process)
        if stopping and (last is None or code != 0):
            raise WorkloadError("stopped", f"{self._name} was stopped")
        if code == INFEASIBLE:
            raise WorkloadError("refused", f"{self._name} says that it cannot run so{last_words}")
        if code != 0:
            raise WorkloadError("crashed", f"{self._name} exited with code {code}{last_words}")
        if last is None:
            raise WorkloadError("bad output", f"{self._name} printed no JSON object on a line of its own{last_words}")
        return self._output(last)

    def _words(self, configuration: Mapping[str, Value]) -> tuple[list[str], dict[str, str]]:
        if self._as_arguments:
            return [*self._argv, *(f"--{name}={_text(value)}" for name, value in configuration.items())], {}
        variables: dict[str, str] = {}
        for name, value in configuration.items():
            variable = "TUNER_" + re.sub(r"\W", "_", name).upper()
            if variable in variables:
                raise WorkloadError("refused", f"two parameters would both be {variable}; rename {name}")
            variables[variable] = _text(value)
        return self._argv, variables

    def _output(self, told: Mapping[str, object]) -> RunOutput:
        if missing := self._units.keys() - told.keys():
            message = f"{self._name} did not report {', '.join(sorted(missing))}; it reported {', '.join(told)}"
            raise WorkloadError("bad output", message)
        method = f"reported by command {self._name}"
        metrics = {name: MetricSamples(_numbers(name, told[name]), unit, method) for name, unit in self._units.items()}
        return RunOutput(metrics, _numbers("items", told.get("items", 1.0))[0])


def _end(process: subprocess.Popen[bytes]) -> int:
    """End the command's process group, once; the exit code."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


class _Monotonic:
    def now(self) -> float:
        return time.monotonic()


def _object(line: bytes) -> Mapping[str, object] | None:
    """The JSON object on this line; None for a line of logging."""
    if not line.lstrip().startswith(b"{"):
        return None
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", told)


def _point(told: Mapping[str, object]) -> tuple[int, Mapping[str, float]]:
    step, metrics = told["step"], told["metrics"]
    if isinstance(step, bool) or not isinstance(step, int) or not isinstance(metrics, Mapping):
        raise WorkloadError("bad output", f"{told!r} has not the form {{step: integer, metrics: {{name: number}}}}")
    return step, {name: _numbers(name, value)[0] for name, value in metrics.items()}


def _numbers(name: str, value: object) -> tuple[float, ...]:
    numbers = []
    for number in value if isinstance(value, list) else [value]:
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise WorkloadError("bad output", f"metric {name}: {value!r} is neither a number nor a list of numbers")
        numbers.append(float(number))
    if not numbers:
        raise WorkloadError("bad output", f"metric {name}: an empty list has no sample")
    return tuple(numbers)


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
