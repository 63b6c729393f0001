"""Wall time."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.core.clock import Clock
from tuner_workers.knobs.base import Unavailable
from tuner_workers.meters.base import Declared, Meter, Quantity

_WALL = Declared("s", "wall clock")


class WallMeter(Meter):
    """Seconds between ``start`` and ``stop``."""

    name = "wall"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.now()

    def probe(self) -> Unavailable | None:
        return None

    def declares(self) -> Mapping[str, Declared]:
        return {"wall_s": _WALL}

    def start(self, pid: int) -> None:
        self._started = self._clock.now()

    def stop(self) -> Mapping[str, Quantity]:
        return {"wall_s": Quantity(self._clock.now() - self._started, _WALL.unit, _WALL.method)}
