"""A metric between its own unit and the scale on which a Gaussian process is a fair model of it.

Three monotone steps: the logarithm, or not; a robust standardisation that bends what lies far out, so that no outlier
of any size decides; and a plain standardisation. Greater is better on the scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_FENCE = 3.0  # robust standard deviations within which nothing is bent
_ROOM_WORSE = 1.0  # how far beyond the fence the worst can get: bad values need no resolution ...
_ROOM_BETTER = 6.0  # ... the best do
_NORMAL_IQR = 1.349  # interquartile range of the standard normal distribution
_CONSTANT = 1e-12  # a relative spread below this is rounding
_UNSEEN = 0.01  # relative variation to expect of a metric that has shown none
_HUGE = float(np.finfo(np.float64).max) / 4
_LOG_HUGE = float(np.log(_HUGE))


@dataclass(frozen=True)
class Scale:
    """A monotone map, and its inverse for a normal distribution.

    Attributes:
        log: whether the logarithm comes first.
        sign: +1 where greater is better in the metric's own unit, else -1.
        centre, spread: of the robust standardisation, on the logarithm where ``log``.
        mean, deviation: of the last standardisation.
    """

    log: bool
    sign: float
    centre: float
    spread: float
    mean: float = 0.0
    deviation: float = 1.0

    @classmethod
    def of(cls, values: Array, sign: float, *, log: bool) -> Scale:
        """The scale for ``values`` (finite, at least one; positive if ``log``), in which greater is better if ``sign``
        is +1."""
        level = np.log(values) if log else values
        centre, spread = _robust(level, log)
        bent = cls(log, sign, centre, spread)._bent(values)
        deviation = float(np.std(bent, ddof=1)) if len(bent) > 1 else 0.0
        return cls(log, sign, centre, spread, float(np.mean(bent)), deviation if deviation > _CONSTANT else 1.0)

    def forward(self, values: Array) -> Array:
        """``values`` (in the metric's unit) on the scale; under a logarithm what is not positive is at its end."""
        return (self._bent(values) - self.mean) / self.deviation

    def log_slope(self, values: Array) -> Array:
        """Logarithm of the magnitude of the derivative of ``forward``."""
        position = self._position(values)
        beyond = np.maximum(np.abs(position) - _FENCE, 0)
        bend = -2 * np.log1p(beyond / np.where(position > 0, _ROOM_BETTER, _ROOM_WORSE))
        level: Array = np.log(values) if self.log else np.zeros_like(values)
        steepness: Array = bend - level - np.log(self.spread) - np.log(self.deviation)
        return steepness

    def backward(self, mean: Array, deviation: Array) -> tuple[Array, Array]:
        """Mean and standard deviation, in the metric's unit, of what is normal on the scale.

        A log-normal distribution's where there is a logarithm (Johnson, Kotz and Balakrishnan, "Continuous Univariate
        Distributions" 1, 1994, chapter 14). The bend is not undone: beyond the fence it understates.
        """
        with np.errstate(over="ignore"):
            location = self.centre + self.sign * self.spread * (self.mean + self.deviation * mean)
            width = self.spread * self.deviation * deviation
        if not self.log:
            return np.clip(location, -_HUGE, _HUGE), np.minimum(width, _HUGE)
        variance = np.minimum(width**2, _LOG_HUGE)
        level = location + variance / 2
        relative = 0.5 * np.log(np.maximum(np.expm1(variance), np.finfo(np.float64).tiny))
        return np.exp(np.minimum(level, _LOG_HUGE)), np.exp(np.minimum(level + relative, _LOG_HUGE))

    def _position(self, values: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            level = np.log(np.maximum(values, 0)) if self.log else values
            return self.sign * (level / self.spread - self.centre / self.spread)

    def _bent(self, values: Array) -> Array:
        position = self._position(values)
        room = np.where(position > 0, _ROOM_BETTER, _ROOM_WORSE)
        beyond = np.maximum(np.abs(position) - _FENCE, 0)
        # t -> t / (1 + t / room), written so that infinity maps to the room and not to NaN.
        bent = room * (1 - 1 / (1 + beyond / room))
        return np.sign(position) * (np.minimum(np.abs(position), _FENCE) + bent)


def scales(values: Array, sign: float) -> list[Scale]:
    """The scales that ``values`` (finite, at least one) allow: as they are, and on the logarithm."""
    linear = Scale.of(values, sign, log=False)
    return [linear, Scale.of(values, sign, log=True)] if values.min() > 0 else [linear]


def _robust(level: Array, log: bool) -> tuple[float, float]:
    low, centre, high = (float(q) for q in np.quantile(level, [0.25, 0.5, 0.75], method="nearest"))
    rounding = _CONSTANT * (1.0 if log else abs(centre))
    with np.errstate(over="ignore"):
        spread = high / _NORMAL_IQR - low / _NORMAL_IQR
        if spread <= rounding:  # more than half are equal: the rest must tell
            spread = float(np.max(np.abs(level / _FENCE - centre / _FENCE)))
    if spread <= rounding:
        spread = _UNSEEN if log else _UNSEEN * abs(centre) or 1.0
    return centre, min(spread, _HUGE)
