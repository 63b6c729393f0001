"""The trials that a program holds between ``ask`` and ``tell``: their tokens, and the requests that use them."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuner_protos import convert
from tuner_protos.v1 import data_pb2, trials_pb2

from tuner.client import operations
from tuner.client.measured import Asked, asked_of
from tuner.client.operations import Operation
from tuner.core.clock import Clock
from tuner.core.errors import InvalidInput, NotFound, Problem
from tuner.core.observation import Observation
from tuner.core.trial import Cause, CauseKind

TOLD = "told by the program"
"""Method of an observation that was told as a bare number."""


@dataclass(frozen=True)
class _Holding:
    token: str
    since: float


class Held:
    """The held trials of one study and one client; ``client_id`` names who asks."""

    def __init__(self, study: str, client_id: str, clock: Clock) -> None:
        self._study, self._client_id, self._clock = study, client_id, clock
        self._holdings: dict[str, _Holding] = {}

    def ask(self, count: int) -> Operation[trials_pb2.SuggestResponse]:
        """The request for ``count`` suggestions.

        Raises:
            InvalidInput: ``count`` is not positive.
        """
        if count < 1:
            raise InvalidInput(Problem("n", "is not positive", count, "the number of suggestions, at least 1"))
        return operations.suggest(self._study, count, self._client_id, uuid.uuid4().hex)

    def take(self, response: trials_pb2.SuggestResponse) -> list[Asked]:
        """Remember what was suggested."""
        now = self._clock.now()
        for suggested in response.suggestions:
            self._holdings.setdefault(suggested.trial.id, _Holding(suggested.token, now))
        return [asked_of(suggested.trial) for suggested in response.suggestions]

    def tell(
        self, trial: str, values: Mapping[str, float | Observation] | None, cost: float, failed: str | None
    ) -> Operation[data_pb2.Trial]:
        """The request that hands in a result, or the reason why there is none.

        Raises:
            InvalidInput: neither or both are given; a number is not finite; the cost is negative.
            NotFound: the trial is not held.
        """
        holding = self._holding(trial)
        if (values is None) == (failed is None):
            raise InvalidInput(Problem("tell", "needs either values or failed=REASON", None, "exactly one of the two"))
        if failed is not None:
            cause = convert.cause_to_proto(Cause(CauseKind.CRASHED, failed))
            assert cause is not None
            return operations.fail(holding.token, cause)
        if not (math.isfinite(cost) and cost >= 0):
            raise InvalidInput(Problem("cost", "is not a duration", cost, "seconds, at least 0"))
        return operations.complete(holding.token, _observations(values or {}), cost)

    def report(self, trial: str, step: int, values: Mapping[str, float]) -> Operation[trials_pb2.ReportResponse]:
        """The request that reports a point of a learning curve.

        Raises:
            InvalidInput: a number is not finite.
            NotFound: the trial is not held.
        """
        holding = self._holding(trial)
        elapsed = self._clock.now() - holding.since
        _check_finite(values)
        points = [
            data_pb2.Intermediate(step=step, elapsed=elapsed, metric=metric, value=value)
            for metric, value in values.items()
        ]
        return operations.report(holding.token, points)

    def drop(self, trial: str) -> None:
        """Forget a trial that was told."""
        self._holdings.pop(trial, None)

    def _holding(self, trial: str) -> _Holding:
        try:
            return self._holdings[trial]
        except KeyError:
            held = ", ".join(self._holdings) or "none"
            raise NotFound(f"trial {trial!r} is not held by this client; held: {held}") from None


def _observations(values: Mapping[str, float | Observation]) -> Sequence[data_pb2.Observation]:
    bare = {metric: value for metric, value in values.items() if not isinstance(value, Observation)}
    _check_finite(bare)
    problems = [
        Problem(metric, "the observation is of another metric", value.metric, metric)
        for metric, value in values.items()
        if isinstance(value, Observation) and value.metric != metric
    ]
    if problems:
        raise InvalidInput(problems)
    return [
        convert.observation_to_proto(
            value if isinstance(value, Observation) else Observation(metric, float(value), method=TOLD)
        )
        for metric, value in values.items()
    ]


def _check_finite(values: Mapping[str, float]) -> None:
    problems = [
        Problem(metric, "is not a finite number", value, "a finite number")
        for metric, value in values.items()
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value)
    ]
    if problems:
        raise InvalidInput(problems)
