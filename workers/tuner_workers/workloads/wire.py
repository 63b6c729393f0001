"""The protocol between the worker and a workload's child: one JSON object a line, in both directions.

    worker -> child   {"do": "prepare", "module", "class", "path", "settings", "configuration", "context"}
                      {"do": "build"} {"do": "load"} {"do": "run"} {"do": "cleanup"}    each is answered once
                      {"do": "stop"}                                                    has no answer
    child -> worker   {"type": "ready", "protocol": 1}                  once, before anything is asked
                      {"type": "intermediate", "step", "metrics"}       any number, while "run" is under way
                      {"type": "done", "usage"}                         to prepare, build, load, cleanup
                      {"type": "output", "metrics", "items", "usage"}   to run
                      {"type": "error", "kind", "message"}              to anything

The child runs code that the worker does not trust to be right, so everything it says is checked here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tuner_workers.workloads.base import MetricSamples, RunOutput, WorkloadError

PROTOCOL = 1
MAX_LINE = 16 << 20
MAX_NAME = 200
MAX_TEXT = 64 << 10
MAX_INTEGER = 2**63 - 1
_NO_NAME = re.compile("[\x00-\x1f\ud800-\udfff]")


@dataclass(frozen=True)
class Usage:
    """What the child has used since it started, by its own ``getrusage`` (itself and the children it waited for)."""

    cpu_seconds: float
    max_rss_bytes: int


@dataclass(frozen=True)
class Ready:
    """The child is in place and has done nothing yet."""

    protocol: int


@dataclass(frozen=True)
class Done:
    """A step that returns nothing has ended well."""

    usage: Usage


@dataclass(frozen=True)
class Output:
    """A run has ended well."""

    output: RunOutput
    usage: Usage


@dataclass(frozen=True)
class Intermediate:
    """A point of the learning curve."""

    step: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Failed:
    """A step has failed; ``kind`` as in ``WorkloadError``."""

    kind: str
    message: str


Message = Ready | Done | Output | Intermediate | Failed


def encode(message: Mapping[str, object]) -> bytes:
    """One line.

    Raises:
        TypeError, ValueError: it holds something that JSON has no form for.
    """
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """What the child said.

    Raises:
        WorkloadError: "bad output", naming the field, the value and what would be right.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise _bad(f"a line that is no JSON: {_shown(line.decode(errors='replace'))}") from None
    if not isinstance(message, dict):
        raise _bad(f"a line that is no JSON object: {_shown(message)}")
    read = _READERS.get(message["type"]) if isinstance(message.get("type"), str) else None
    if read is None:
        raise _bad(f"a message of unknown type {_shown(message.get('type'))}; expected {', '.join(_READERS)}")
    return read(message)


def utf8(text: str) -> str:
    """``text`` with its lone surrogates written out: Python puts them into the name of a file that is no UTF-8, and no
    message to the server can hold them."""
    return text.encode(errors="backslashreplace").decode()


def _ready(message: Mapping[str, object]) -> Ready:
    return Ready(_integer(message.get("protocol"), "protocol"))


def _done(message: Mapping[str, object]) -> Done:
    return Done(_usage(message))


def _output(message: Mapping[str, object]) -> Output:
    metrics = {_name(name): _samples(name, value) for name, value in _object(message, "metrics").items()}
    items = _number(message.get("items"), "items")
    if items <= 0:
        raise _bad(f"items: {items:g} is not positive")
    return Output(RunOutput(metrics, items), _usage(message))


def _intermediate(message: Mapping[str, object]) -> Intermediate:
    step = _integer(message.get("step"), "step")
    if step < 0:
        raise _bad(f"step: {step} is negative")
    metrics = _object(message, "metrics")
    return Intermediate(step, {_name(n): _number(v, f"metric {n} at step {step}") for n, v in metrics.items()})


def _failed(message: Mapping[str, object]) -> Failed:
    return Failed(_text(message.get("kind"), "kind", MAX_NAME), _text(message.get("message"), "message", MAX_TEXT))


_READERS: Mapping[str, Callable[[Mapping[str, object]], Message]] = {
    "ready": _ready,
    "done": _done,
    "output": _output,
    "intermediate": _intermediate,
    "error": _failed,
}


def _samples(name: str, value: object) -> MetricSamples:
    if not isinstance(value, dict):
        raise _bad(f"metric {name}: {_shown(value)} is not an object of samples, unit and method")
    samples = value.get("samples")
    if not isinstance(samples, list) or not samples:
        raise _bad(f"metric {name}: {_shown(samples)} is not a list of at least one sample")
    return MetricSamples(
        tuple(_number(sample, f"metric {name}") for sample in samples),
        _text(value.get("unit"), f"unit of metric {name}", MAX_NAME),
        _text(value.get("method"), f"method of metric {name}", MAX_NAME * 5),
    )


def _usage(message: Mapping[str, object]) -> Usage:
    usage = _object(message, "usage")
    return Usage(
        _number(usage.get("cpu_seconds"), "usage.cpu_seconds"),
        _integer(usage.get("max_rss_bytes"), "usage.max_rss_bytes"),
    )


def _object(message: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = message.get(key)
    if not isinstance(value, dict):
        raise _bad(f"{key}: {_shown(value)} is not an object")
    return value


def _name(name: str) -> str:
    if not 0 < len(name) <= MAX_NAME:
        raise _bad(f"the metric name {_shown(name)} is not 1 to {MAX_NAME} characters long")
    if _NO_NAME.search(name):
        raise _bad(f"the metric name {_shown(name)} holds control characters or lone surrogates")
    return name


def _text(value: object, field: str, limit: int) -> str:
    if not isinstance(value, str) or len(value) > limit:
        raise _bad(f"{field}: {_shown(value)} is not a text of at most {limit} characters")
    return utf8(value)


def _integer(value: object, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _bad(f"{field}: {_shown(value)} is not an integer")
    if abs(value) > MAX_INTEGER:
        raise _bad(f"{field}: {_shown(value)} has more than 64 bits")
    return value


def _number(value: object, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _bad(f"{field}: {_shown(value)} is not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _bad(f"{field}: {number} is not finite")
    return number


def _bad(what: str) -> WorkloadError:
    return WorkloadError("bad output", what)


def _shown(value: object, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
