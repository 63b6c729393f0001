"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tuner_protos.v1 import data_pb2

SIGNIFICANT = 4

_PREFIXES = {"n": -9, "µ": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9}
_PREFIXED = {"s": 0, "J": 9, "W": 9, "Hz": 9}
"""Units that take prefixes, with the power of ten up to which people use them: nobody says kiloseconds."""


def number(value: float) -> str:
    """Four significant digits, without an exponent where that stays readable."""
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if not -4 <= magnitude < 9:
        return f"{value:.{SIGNIFICANT - 1}e}"
    return f"{value:.{max(0, SIGNIFICANT - 1 - magnitude)}f}"


def quantity(value: float, unit: str) -> str:
    """A number with its unit, scaled by a prefix where the unit takes one: 0.0000905 J is 90.50 µJ.

    The unit "1" is that of a plain number.
    """
    factor, scaled = _scale(value, unit)
    return f"{number(value * factor)} {scaled}".rstrip()


def measured(observation: data_pb2.Observation) -> str:
    """A mean and, where runs differ, its standard error (the deviation between runs over the root of their number),
    with the unit."""
    deviation = spread(observation)
    factor, scaled = _scale(observation.mean, observation.unit)
    error = f" ± {deviation / math.sqrt(observation.n) * factor:.2g}" if deviation else ""
    return f"{number(observation.mean * factor)}{error} {scaled}".rstrip()


def _scale(value: float, unit: str) -> tuple[float, str]:
    """The factor that brings ``value`` between 1 and 1000, and the unit with the prefix that goes with it."""
    if unit == "1":
        return 1.0, ""
    prefix, base = (unit[0], unit[1:]) if len(unit) > 1 and unit[0] in _PREFIXES else ("", unit)
    if base not in _PREFIXED or prefix not in _PREFIXES or not value or not math.isfinite(value):
        return 1.0, unit
    exponent = math.floor(math.log10(abs(value))) + _PREFIXES[prefix]
    wanted = max(-9, min(_PREFIXED[base], 3 * (exponent // 3)))
    name = next(name for name, power in _PREFIXES.items() if power == wanted)
    return 10.0 ** (_PREFIXES[prefix] - wanted), name + base


def spread(observation: data_pb2.Observation) -> float | None:
    """The standard deviation between runs; 0 where it is that of rounding, None where it is not known."""
    if not observation.HasField("variance") or observation.n < 2:
        return None
    deviation = math.sqrt(observation.variance)
    return deviation if deviation > 1e-9 * abs(observation.mean) else 0.0


def duration(seconds: float) -> str:
    """Seconds as "42 s", "3 min 20 s" or "2 h 05 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def value_text(value: data_pb2.Value) -> str:
    """A parameter's value as study files spell it."""
    kind = value.WhichOneof("kind")
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "double_value":
        return f"{value.double_value:.6g}"
    return str(getattr(value, kind)) if kind else "?"


def configuration_text(
    configuration: Mapping[str, data_pb2.Value], relative_to: Mapping[str, data_pb2.Value] | None = None
) -> str:
    """ "threads=4 quantization=int8"; with a reference only what differs from it, or "as the default"."""
    shown = [
        f"{name}={value_text(value)}"
        for name, value in sorted(configuration.items())
        if relative_to is None or name not in relative_to or relative_to[name] != value
    ]
    if shown or relative_to is None:
        return " ".join(shown)
    return "as the default"
