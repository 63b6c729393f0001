"""Putting things back, and making sure. A failure is an answer here, not an exception: the rest is still undone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from tuner.core.expression import Value
from tuner_workers.knobs.base import SystemKnob


def put_back(knob: SystemKnob, original: Value) -> str | None:
    """Restore ``knob`` and read it again.

    Returns:
        None when the device has ``original`` again, else one sentence that says what it has.
    """
    try:
        knob.restore(original)
        found = knob.capture()
    except Exception as error:  # a knob of a third party may raise anything, and the others still must be restored
        return f"{knob.name} could not be set back to {original!r}: {type(error).__name__}: {error}"
    return None if found == original else f"{knob.name} is {found!r} and was {original!r}"


def remove_group(
    path: Path,
    patience: float = 1.0,
    now: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> str | None:
    """Remove the control group ``path``. A group stays busy for a moment after its last process was reaped.

    Args:
        patience: seconds to try for.
        now, pause: a monotonic clock in seconds, and what waits for some.

    Returns:
        None when it is gone, else one sentence that says why not.
    """
    deadline = now() + patience
    while True:
        try:
            os.rmdir(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            if now() >= deadline:
                return f"control group {path} could not be removed: {error.strerror}"
        else:
            return None
        pause(0.01)
