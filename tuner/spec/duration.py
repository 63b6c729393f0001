"""Durations as people write them: ``10m``, ``90s``, ``1h30m``, ``500ms``, or a plain number of seconds."""

from __future__ import annotations

import math
import re

PATTERN = r"(?=\d)(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?"
"""Hours, minutes, seconds and milliseconds, each at most once and in this order; also good for JSON Schema."""

_SECONDS = (3600.0, 60.0, 1.0, 0.001)


def parse_duration(text: str) -> float:
    """Seconds.

    Raises:
        ValueError: it is not spelled as a duration, or not finite.
    """
    match = re.fullmatch(PATTERN, text.strip(), re.ASCII)
    if match is None:
        raise ValueError(f"{text!r} is not a duration")
    seconds = math.fsum(float(part) * unit for part, unit in zip(match.groups(), _SECONDS, strict=True) if part)
    if not math.isfinite(seconds):
        raise ValueError(f"{text!r} is not a finite duration")
    return seconds
