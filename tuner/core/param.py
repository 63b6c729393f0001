"""Parameters: what may vary, over which domain.

A parameter is *bound to a knob* (the worker applies it to the device) or is an argument of the workload. ``special``
values stand outside the ordinary domain (0 for "off", -1 for "automatic") and carry no order relative to it.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from tuner.core.expression import Expression, Value

MAX_INT = 2**53
"""Largest magnitude of an int: beyond it a float no longer tells neighbours apart (JSON, protobuf, models)."""


def same(left: Value, right: Value) -> bool:
    """Equality that keeps True apart from 1, and lets 1 equal 1.0."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


@dataclass(frozen=True, kw_only=True)
class Param:
    """What all parameters share.

    Attributes:
        name: unique within the space; what expressions and workloads call it.
        default: the value the system has today, or None where it is read from the device (knobs only).
        when: the condition under which it exists at all; None means always.
        special: values outside the ordinary domain.
        knob: name of the worker's knob that it is bound to, or None for an argument of the workload.
        switch_cost: seconds that changing it costs.
        optional: for a knob: where the device does not offer it, the parameter is left out of that environment's
            space; otherwise such a device is refused.
    """

    name: str
    default: Value | None = None
    when: Expression | None = None
    special: tuple[Value, ...] = ()
    knob: str | None = None
    switch_cost: float = 0.0
    optional: bool = False

    @property
    def kind(self) -> str:
        """ "number", "string", "bool" or "any": what expressions may do with it."""
        return _kind_of((*self.special, *self.ordinary_levels())) if self.special else self._ordinary_kind()

    def _ordinary_kind(self) -> str:
        raise NotImplementedError

    def ordinary_levels(self) -> tuple[Value, ...]:
        """Every value of the ordinary domain if it is listed, else its two ends."""
        raise NotImplementedError

    def cardinality(self) -> int | None:
        """Number of values, special ones included; None for a continuum."""
        raise NotImplementedError

    def levels(self) -> tuple[Value, ...]:
        """Every value, special ones first.

        Raises:
            ValueError: for a continuum.
        """
        raise NotImplementedError

    def sample(self, rng: random.Random) -> Value:
        """A value at random: uniform on the domain, on its logarithm where ``log``; each special value is as likely
        as a quarter of the ordinary domain, so that a wide range does not drown it."""
        if self.special and rng.random() < len(self.special) / (len(self.special) + 4):
            return rng.choice(self.special)
        return self._sample_ordinary(rng)

    def _sample_ordinary(self, rng: random.Random) -> Value:
        raise NotImplementedError

    def coerce(self, value: object) -> Value:
        """``value`` as this parameter spells it (1.0 becomes 1 for an int).

        Raises:
            ValueError: it is outside the domain; the message says what the domain is.
        """
        if isinstance(value, (bool, int, float, str)):
            for special in self.special:
                if same(special, value):
                    return special
            ordinary = self._coerce_ordinary(value)
            if ordinary is not None:
                return ordinary
        raise ValueError(self.domain())

    def _coerce_ordinary(self, value: Value) -> Value | None:
        raise NotImplementedError

    def domain(self) -> str:
        """The domain in words, for error messages and tables."""
        ordinary = self._ordinary_domain()
        return f"{ordinary} or {', '.join(map(repr, self.special))}" if self.special else ordinary

    def _ordinary_domain(self) -> str:
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class FloatParam(Param):
    """A real number in [low, high]."""

    low: float
    high: float
    log: bool = False

    def _ordinary_kind(self) -> str:
        return "number"

    def ordinary_levels(self) -> tuple[Value, ...]:
        return (self.low, self.high)

    def cardinality(self) -> int | None:
        return 1 + len(self.special) if self.low == self.high else None

    def levels(self) -> tuple[Value, ...]:
        if self.low == self.high:
            return (*self.special, self.low)
        raise ValueError(f"{self.name} is continuous")

    def _sample_ordinary(self, rng: random.Random) -> Value:
        if self.log:
            value = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        else:
            value = rng.uniform(self.low, self.high)
        return min(max(value, self.low), self.high)

    def _coerce_ordinary(self, value: Value) -> Value | None:
        if isinstance(value, (bool, str)) or not self.low <= value <= self.high:
            return None
        return float(value) + 0.0  # -0.0 becomes 0.0: equal values are spelled alike, and so digested

    def _ordinary_domain(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"


@dataclass(frozen=True, kw_only=True)
class IntParam(Param):
    """An integer in [low, high]."""

    low: int
    high: int
    log: bool = False

    def _ordinary_kind(self) -> str:
        return "number"

    def ordinary_levels(self) -> tuple[Value, ...]:
        return (self.low, self.high)

    def cardinality(self) -> int | None:
        return self.high - self.low + 1 + len(self.special)

    def levels(self) -> tuple[Value, ...]:
        return (*self.special, *range(self.low, self.high + 1))

    def _sample_ordinary(self, rng: random.Random) -> Value:
        if not self.log:
            return rng.randint(self.low, self.high)
        # Each integer owns the interval of half a step around it, so that both ends are as reachable as the middle.
        drawn = math.exp(rng.uniform(math.log(self.low - 0.5), math.log(self.high + 0.5)))
        return min(max(round(drawn), self.low), self.high)

    def _coerce_ordinary(self, value: Value) -> Value | None:
        if isinstance(value, (bool, str)) or not self.low <= value <= self.high or value != int(value):
            return None
        return int(value)

    def _ordinary_domain(self) -> str:
        return f"a whole number from {self.low} to {self.high}"


@dataclass(frozen=True, kw_only=True)
class _ListedParam(Param):
    values: tuple[Value, ...]

    def _ordinary_kind(self) -> str:
        return _kind_of(self.values)

    def ordinary_levels(self) -> tuple[Value, ...]:
        return self.values

    def cardinality(self) -> int | None:
        return len(self.special) + len(self.values)

    def levels(self) -> tuple[Value, ...]:
        return (*self.special, *self.values)

    def _sample_ordinary(self, rng: random.Random) -> Value:
        return rng.choice(self.values)

    def _coerce_ordinary(self, value: Value) -> Value | None:
        return next((own for own in self.values if same(own, value)), None)

    def _ordinary_domain(self) -> str:
        return "one of " + ", ".join(map(repr, self.values))


@dataclass(frozen=True, kw_only=True)
class OrdinalParam(_ListedParam):
    """One of a list whose order means something; neighbours in the list are alike."""


@dataclass(frozen=True, kw_only=True)
class CategoricalParam(_ListedParam):
    """One of a list without order."""


@dataclass(frozen=True, kw_only=True)
class BoolParam(_ListedParam):
    """False or true."""

    values: tuple[Value, ...] = (False, True)

    def _ordinary_domain(self) -> str:
        return "true or false"


def _kind_of(values: tuple[Value, ...]) -> str:
    kinds = {"bool" if isinstance(v, bool) else "string" if isinstance(v, str) else "number" for v in values}
    return kinds.pop() if len(kinds) == 1 else "any"
