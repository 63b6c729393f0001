"""The conformance suite catches an engine that breaks a promise: each of these breaks exactly one."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from tuner.core.errors import InvalidInput, SpaceExhausted
from tuner.core.space import Configuration
from tuner.engine.base import Suggestion, SuggestRequest
from tuner.engine.grid import GridEngine
from tuner.engine.random import RandomEngine
from tuner.testing.engine import EngineTestCase
from tuner.testing.spaces import TINY

SUITE = EngineTestCase()


class Repeating(RandomEngine):
    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        return super().suggest(replace(request, pending=()))


class Remeasuring(RandomEngine):
    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        return super().suggest(replace(request, completed=()))


class Doubling(RandomEngine):
    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        return super().suggest(replace(request, count=1)) * request.count


class Stingy(RandomEngine):
    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        return super().suggest(request)[:1]


class Invalid(RandomEngine):
    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        return [
            Suggestion(Configuration({**s.configuration, "cpu_share": 7.0, "pinned": True}))
            for s in super().suggest(request)
        ]


class Restless(RandomEngine):
    seeds = itertools.count()

    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        return super().suggest(replace(request, seed=next(self.seeds)))


class HashOrdered(RandomEngine):
    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        return super().suggest(replace(request, seed=hash("a word")))


class Silent(RandomEngine):
    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        try:
            return super().suggest(request)
        except SpaceExhausted:
            return []


class Worldwide(RandomEngine):
    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        here = tuple(replace(trial, environment=request.environment) for trial in request.completed)
        return super().suggest(replace(request, completed=here))


class Lax(RandomEngine):
    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        return super().suggest(replace(request, options={}))


class Certain(RandomEngine):
    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        return [replace(s, predicted={"latency_ms": (float("nan"), 0.0)}) for s in super().suggest(request)]


class Fragile(RandomEngine):
    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        means = [trial.observations["latency_ms"].mean for trial in request.completed]
        return super().suggest(replace(request, seed=int(100 / (max(means) - min(means)))))


def valid_and_new(engine: RandomEngine) -> None:
    SUITE.test_suggestions_are_valid_and_new(engine, "nested")
    SUITE.test_suggestions_are_valid_and_new(engine, "mixed")


def same_again(engine: RandomEngine) -> None:
    SUITE.test_the_same_request_gives_the_same_suggestions(engine, "mixed")


def to_the_end(engine: RandomEngine) -> None:
    SUITE.test_a_small_space_is_exhausted_exactly(engine, TINY)


def a_history(name: str) -> Callable[[RandomEngine], None]:
    return lambda engine: SUITE.test_no_history_breaks_it(engine, name)


@pytest.mark.parametrize(
    ("engine", "check", "failure"),
    [
        (Repeating, valid_and_new, AssertionError),
        (Remeasuring, valid_and_new, AssertionError),
        (Doubling, valid_and_new, AssertionError),
        (Stingy, SUITE.test_a_batch_beside_a_batch, AssertionError),
        (Stingy, to_the_end, AssertionError),
        (Invalid, SUITE.test_several_objectives, InvalidInput),
        (Restless, same_again, AssertionError),
        (HashOrdered, SUITE.test_another_process_gives_the_same_suggestions, AssertionError),
        (Silent, to_the_end, pytest.fail.Exception),
        (Worldwide, SUITE.test_what_other_environments_measured_is_still_to_be_measured_here, SpaceExhausted),
        (Lax, SUITE.test_an_unknown_option_is_refused, pytest.fail.Exception),
        (Certain, SUITE.test_priors_are_used_or_left_alone, AssertionError),
        (Fragile, a_history("none"), ValueError),
        (Fragile, a_history("all failed"), KeyError),
        (Fragile, a_history("constant"), ZeroDivisionError),
    ],
)
def test_a_broken_promise_is_caught(engine, check, failure):
    check(RandomEngine())
    with pytest.raises(failure):
        check(engine())


def test_what_an_engine_refuses_is_skipped_with_its_reason():
    with pytest.raises(pytest.skip.Exception, match="grid refuses it: space: has too many combinations"):
        SUITE.test_suggestions_are_valid_and_new(GridEngine(), "large")
