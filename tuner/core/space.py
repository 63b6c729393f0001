"""The space of configurations, and the configuration itself."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tuner.core.errors import InvalidInput, Problem, SpaceExhausted
from tuner.core.expression import Expression, Value
from tuner.core.param import Param


class Configuration(Mapping[str, Value]):
    """One point of a space: the values of the parameters that are active in it. Immutable and hashable.

    ``digest`` identifies the content: equal configurations of a space have equal digests, on every machine.
    """

    __slots__ = ("_values", "digest")

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = dict(sorted(values.items()))
        # 1.0 is digested as 1: messages and databases do not keep the two apart, and they are one value.
        plain = {n: int(v) if isinstance(v, float) and v.is_integer() else v for n, v in self._values.items()}
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
        self.digest: str = hashlib.sha256(text.encode()).hexdigest()[:16]

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Configuration) and self.digest == other.digest

    def __repr__(self) -> str:
        return f"Configuration({self._values})"


@dataclass(frozen=True)
class Space:
    """Parameters in the order of the file, and the known constraints between them.

    A ``when`` reads only parameters that stand before its own, so the order of the file is an order of evaluation
    and conditions cannot form a circle (``tuner.spec`` checks it where the line is known).
    """

    params: tuple[Param, ...]
    constraints: tuple[Expression, ...] = field(default=())

    @cached_property
    def by_name(self) -> Mapping[str, Param]:
        """The parameters by name."""
        return {param.name: param for param in self.params}

    def without(self, names: Collection[str]) -> Space:
        """This space where some parameters do not exist; what reads them treats them as inactive."""
        if not names:
            return self
        return Space(tuple(param for param in self.params if param.name not in names), self.constraints)

    @property
    def knobs(self) -> Mapping[str, Param]:
        """The parameters bound to a knob, by the knob's name."""
        return {param.knob: param for param in self.params if param.knob is not None}

    def activate(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """The part of ``values`` whose parameters are active given the others. A missing value stays missing."""
        active: dict[str, Value] = {}
        for param in self.params:
            if param.name in values and self.is_active(param, active):
                active[param.name] = values[param.name]
        return active

    @staticmethod
    def is_active(param: Param, values: Mapping[str, Value]) -> bool:
        """Whether ``param`` exists where the parameters before it have ``values``."""
        return param.when is None or param.when.truth(values) is True

    def violated(self, values: Mapping[str, Value]) -> tuple[Expression, ...]:
        """The constraints that ``values`` break. One that reads an inactive parameter does not bind."""
        return tuple(c for c in self.constraints if c.truth(values) is False)

    def configuration(self, values: Mapping[str, object], *, source: str = "configuration") -> Configuration:
        """``values`` as a configuration: spelled as the space spells them, without those of inactive parameters.

        Raises:
            InvalidInput: an unknown name, a missing or foreign value, a broken constraint; all of them at once.
        """
        problems = [
            Problem(name, "is no parameter of this space", value, "one of " + ", ".join(self.by_name), source)
            for name, value in values.items()
            if name not in self.by_name
        ]
        chosen: dict[str, Value] = {}
        for param in self.params:
            if not self.is_active(param, chosen):
                continue
            if param.name not in values:
                problems.append(Problem(param.name, "has no value", None, param.domain(), source))
                continue
            try:
                chosen[param.name] = param.coerce(values[param.name])
            except ValueError as domain:
                problems.append(Problem(param.name, "is outside its domain", values[param.name], str(domain), source))
        if not problems:
            problems = [
                Problem("constraints", f"{broken.text!r} does not hold", dict(chosen), "", source)
                for broken in self.violated(chosen)
            ]
        if problems:
            raise InvalidInput(problems)
        return Configuration(chosen)

    def default(self, read: Mapping[str, Value] | None = None) -> Configuration:
        """The configuration the system has today: declared defaults, and ``read`` (by parameter name, as found on
        the device before anything was applied) where none is declared.

        Raises:
            InvalidInput: a parameter has neither, or the default breaks a constraint.
        """
        read = read or {}
        values = {
            param.name: param.default if param.default is not None else read[param.name]
            for param in self.params
            if param.default is not None or param.name in read
        }
        return self.configuration(values, source="default")

    def size(self) -> int | None:
        """An upper bound of the number of configurations (conditions and constraints aside); None for a continuum."""
        total = 1
        for param in self.params:
            cardinality = param.cardinality()
            if cardinality is None:
                return None
            total *= cardinality
        return total

    def enumerate(self) -> Iterator[Configuration]:
        """Every valid configuration exactly once, in the order of the file, the last parameter fastest.

        Raises:
            ValueError: a parameter is continuous.
        """
        for values in self._extend(0, {}):
            if not self.violated(values):
                yield Configuration(values)

    def _extend(self, position: int, chosen: dict[str, Value]) -> Iterator[dict[str, Value]]:
        if position == len(self.params):
            yield dict(chosen)
            return
        param = self.params[position]
        if not self.is_active(param, chosen):
            yield from self._extend(position + 1, chosen)
            return
        for level in param.levels():
            yield from self._extend(position + 1, {**chosen, param.name: level})

    def sample(self, rng: random.Random, tries: int = 10_000) -> Configuration:
        """A valid configuration at random, by rejection.

        Raises:
            SpaceExhausted: none of ``tries`` draws satisfied the constraints.
        """
        for _ in range(tries):
            chosen: dict[str, Value] = {}
            for param in self.params:
                if self.is_active(param, chosen):
                    chosen[param.name] = param.sample(rng)
            if not self.violated(chosen):
                return Configuration(chosen)
        raise SpaceExhausted(f"none of {tries} random configurations satisfies the constraints")
