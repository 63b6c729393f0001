"""``replay``: answers from a table of past measurements, at once. The whole system at full speed without a device.

workload:
  kind: replay
  data: tx2/inception.csv                   # a name of the policy's ``data``, or a file under such a folder
  parameters: {gpu: gpu_freq}               # parameter: column
  metrics:
    latency_ms: {column: inference_time, unit: s}
  filters: {model_name: inceptionv3}        # rows that count
  contexts: {size: size}                    # context of the environment: column
  invalid: {inference_time: 0}              # cells that mark a configuration which could not run
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path
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

_SETTINGS = ("data", "parameters", "metrics", "filters", "contexts", "invalid")

Cell = float | str
Row = Mapping[str, str]


class ReplayWorkload(Workload):
    """Looks the configuration up by exact match; a configuration that the table lacks is refused."""

    kind = "replay"

    @classmethod
    def describe(cls, grants: Grants) -> str:
        return f"data: {', '.join(sorted(grants.data)) or 'none in the policy'}"

    @classmethod
    def check(cls, settings: Mapping[str, object]) -> list[str]:
        problems = parse.unknown(settings, _SETTINGS) + parse.text(settings, "data")
        problems += parse.table(settings, "parameters", "a table {parameter: column}", required=True)
        problems += parse.table(settings, "contexts", "a table {context: column}", required=False)
        for name in ("filters", "invalid"):
            if not isinstance(settings.get(name, {}), Mapping):
                problems.append(f"workload.{name}: expected a table {{column: value}}, got {settings[name]!r}")
        metrics = settings.get("metrics")
        if not isinstance(metrics, Mapping) or not metrics:
            return [*problems, f"workload.metrics: expected a table {{metric: {{column, unit}}}}, got {metrics!r}"]
        for name, metric in metrics.items():
            if not isinstance(metric, Mapping):
                problems.append(f"workload.metrics.{name}: expected {{column, unit}}, got {metric!r}")
                continue
            problems += [
                f"workload.metrics.{name}.{key}: expected text, got {metric.get(key)!r}"
                for key in ("column", "unit")
                if not (isinstance(metric.get(key), str) and metric[key])
            ]
        return problems

    @classmethod
    def declares(cls, settings: Mapping[str, object]) -> Mapping[str, str]:
        return {name: metric["unit"] for name, metric in _metrics(settings).items()}

    @classmethod
    def resolve(cls, settings: Mapping[str, object], grants: Grants) -> Mapping[str, object]:
        path = _locate(cast(str, settings["data"]), grants.data)
        resolved = {**settings, "data": str(path)}
        if problems := _absent(resolved, _columns(path)):
            raise WorkloadError("unavailable", "\n".join(problems))
        return resolved

    def prepare(self, settings: Mapping[str, object], context: Context) -> None:
        self._path = Path(cast(str, settings["data"]))
        self._parameters = cast("Mapping[str, str]", settings["parameters"])
        self._metrics = _metrics(settings)
        self._invalid = {column: _cell(value) for column, value in _table(settings, "invalid").items()}
        filters = {column: _cell(value) for column, value in _table(settings, "filters").items()}
        for name, column in _table(settings, "contexts").items():
            if name not in context.contexts:
                known = ", ".join(context.contexts) or "none"
                raise WorkloadError("unavailable", f"the study declares no context {name!r}; it declares {known}")
            filters[cast(str, column)] = _cell(context.contexts[name])
        self._filters = filters

    def load(self, configuration: Mapping[str, Value]) -> None:
        if unknown := configuration.keys() - self._parameters.keys():
            known = ", ".join(self._parameters)
            raise WorkloadError("refused", f"no column is named for {', '.join(sorted(unknown))}; only for {known}")
        wanted = dict(self._filters)
        wanted.update((self._parameters[name], _cell(value)) for name, value in configuration.items())
        found = [row for row in _rows(self._path) if all(_cell(row[column]) == wanted[column] for column in wanted)]
        if not found:
            shown = ", ".join(f"{column}={value}" for column, value in wanted.items())
            raise WorkloadError("refused", f"{self._path.name} has no row with {shown}")
        # Several rows of one configuration are its repeats: run after run, in the table's order.
        self._found, self._next = found, 0

    def run(self, configuration: Mapping[str, Value], report: Report) -> RunOutput:
        row = self._found[self._next % len(self._found)]
        self._next += 1
        for column, value in self._invalid.items():
            if _cell(row[column]) == value:
                raise WorkloadError("refused", f"the table marks this configuration as invalid: {column}={value}")
        return RunOutput({name: self._sample(row, metric) for name, metric in self._metrics.items()})

    def _sample(self, row: Row, metric: Mapping[str, str]) -> MetricSamples:
        column = metric["column"]
        value = _cell(row[column])
        if not isinstance(value, float) or not math.isfinite(value):
            raise WorkloadError("crashed", f"past measurement failed: the table has {row[column]!r} in {column}")
        return MetricSamples((value,), metric["unit"], f"past measurement: {column} of {self._path.name}")


def _metrics(settings: Mapping[str, object]) -> Mapping[str, Mapping[str, str]]:
    return cast("Mapping[str, Mapping[str, str]]", settings["metrics"])


def _table(settings: Mapping[str, object], name: str) -> Mapping[str, Value]:
    return cast("Mapping[str, Value]", settings.get(name, {}))


def _locate(name: str, data: Mapping[str, Path]) -> Path:
    """The file that ``name`` stands for: an entry of the policy, or a file below an entry that is a folder."""
    entry, _, below = name.partition("/")
    if entry not in data:
        known = ", ".join(sorted(data)) or "none"
        raise WorkloadError(
            "unavailable", f"workload.data: the policy of this device has no data {entry!r}; it has {known}"
        )
    root = data[entry].resolve()
    path = (root / below).resolve() if below else root
    if not path.is_relative_to(root):
        raise WorkloadError("unavailable", f"workload.data: {name!r} leads out of the policy's data {entry!r}")
    if not path.is_file():
        raise WorkloadError("unavailable", f"workload.data: {name!r} is no file on this device")
    return path


def _columns(path: Path) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return next(csv.reader(file), [])
    except (OSError, ValueError, csv.Error) as error:
        raise WorkloadError("unavailable", f"workload.data: {path.name} cannot be read: {error}") from error


def _absent(settings: Mapping[str, object], columns: list[str]) -> list[str]:
    named = [(f"parameters.{name}", column) for name, column in _table(settings, "parameters").items()]
    named += [(f"metrics.{name}.column", metric["column"]) for name, metric in _metrics(settings).items()]
    named += [(f"contexts.{name}", column) for name, column in _table(settings, "contexts").items()]
    named += [(name, column) for name in ("filters", "invalid") for column in _table(settings, name)]
    return [
        f"workload.{place}: there is no column {column!r}; there are {', '.join(columns)}"
        for place, column in named
        if column not in columns
    ]


def _rows(path: Path) -> list[Row]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            # A row that is cut short has empty cells, which no configuration matches and no metric accepts.
            return list(csv.DictReader(file, restval=""))
    except (OSError, ValueError, csv.Error) as error:
        raise WorkloadError("unavailable", f"{path.name} cannot be read: {error}") from error


def _cell(value: Value) -> Cell:
    """A value as the table means it: 1, "1.0" and true are the same; NaN equals nothing."""
    if isinstance(value, str):
        word = value.strip()
        if word.lower() in ("true", "false"):
            return float(word.lower() == "true")
        try:
            return float(word)
        except ValueError:
            return word
    return float(value)
