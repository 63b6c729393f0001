"""The promises of ``tuner.engine.base``, as tests that any engine can run.

    class TestMyEngine(EngineTestCase):
        @pytest.fixture
        def engine(self) -> Engine:
            return MyEngine()

A space or objectives that the engine's ``validate`` refuses are skipped, with its reason.
"""

from __future__ import annotations

import copy
import math
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tuner.core.errors import InvalidInput, SpaceExhausted, WrongState
from tuner.core.expression import Value, parse
from tuner.core.observation import Metric
from tuner.core.space import Configuration, Space
from tuner.core.study import Goal, Objective, OutcomeConstraint
from tuner.engine.base import Engine, Predictor, Source, Suggestion, SuggestRequest
from tuner.testing.histories import ELSEWHERE, HERE, HISTORIES, completed, configurations, history
from tuner.testing.spaces import CONTINUOUS, MIXED, NESTED, SPACES, TINY, UNICODE

LATENCY = Objective(Metric("latency_ms", "latency_ms"))
SCORE = Objective(Metric("score", "score"), Goal.MAXIMIZE)
ENERGY = Objective(Metric("energy_j", "energy_j"))

_CONSTRAINTS = {
    "absolute": OutcomeConstraint(Metric("accuracy", "accuracy"), ">=", parse("1.5")),
    "of an objective": OutcomeConstraint(LATENCY.metric, "<=", parse("1.2")),
    "relative": OutcomeConstraint(Metric("accuracy", "accuracy"), ">=", parse("0.9 * default")),
    "broken by all": OutcomeConstraint(Metric("accuracy", "accuracy"), ">=", parse("1e300")),
}

_ELSEWHERE_IN_A_PROCESS = """
import pickle, sys
engine, request = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(b"\\n" + pickle.dumps(engine.suggest(request)).hex().encode())
"""


class EngineTestCase:
    """Subclass it, and say which engine by the fixture ``engine``.

    ``past`` is the number of finished trials in an ordinary history; an engine whose model starts later needs more,
    and a ``Predictor`` must be able to predict from them.
    ``timeout`` bounds the one suggestion that is made in another process, in seconds.
    """

    past: int = 6
    timeout: float = 120.0

    @pytest.fixture
    def engine(self) -> Engine:
        """The engine under test."""
        raise NotImplementedError(f"{type(self).__name__} lacks the fixture 'engine'")

    @pytest.mark.parametrize("name", SPACES)
    def test_suggestions_are_valid_and_new(self, engine: Engine, name: str) -> None:
        """In every space, with half of what is known pending."""
        space = SPACES[name]
        known = configurations(space, self.past + 1)[:-1]  # one at least is left to propose
        half = len(known) // 2
        past = tuple(completed(configuration, ["latency_ms"]) for configuration in known[half:])
        request = _request(space, completed=past, pending=tuple(known[:half]), count=2)
        _check(request, _suggest(engine, request))

    @pytest.mark.parametrize("name", ["mixed", "nested", "unicode"])
    def test_the_same_request_gives_the_same_suggestions(self, engine: Engine, name: str) -> None:
        """And the request is left as it was."""
        space = SPACES[name]
        request = _request(space, completed=history(space, 3 if name == "nested" else self.past, ["latency_ms"]))
        untouched = copy.deepcopy(request)
        first = _suggest(engine, request)
        assert _suggest(engine, untouched) == first
        assert request == untouched

    def test_another_process_gives_the_same_suggestions(self, engine: Engine) -> None:
        """With another seed of Python's hashes, so that no order of a set leaks into the answer."""
        request = _request(MIXED, completed=history(MIXED, self.past, ["latency_ms"]), count=2)
        here = _suggest(engine, request)
        answer = subprocess.run(
            [sys.executable, "-c", _ELSEWHERE_IN_A_PROCESS],
            input=pickle.dumps((engine, request)),
            stdout=subprocess.PIPE,
            check=True,
            timeout=self.timeout,
            env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        there: list[Suggestion] = pickle.loads(bytes.fromhex(answer.stdout.splitlines()[-1].decode()))
        assert [s.configuration for s in there] == [s.configuration for s in here]

    @pytest.mark.parametrize("space", [TINY, NESTED], ids=["tiny", "nested"])
    def test_a_small_space_is_exhausted_exactly(self, engine: Engine, space: Space) -> None:
        """Everything that is left comes, once; then SpaceExhausted."""
        _accept(engine, _request(space))
        every = set(space.enumerate())
        assert {s.configuration for s in engine.suggest(_request(space, count=10))} == every
        first, second, third, last = sorted(every, key=lambda c: c.digest)
        done = tuple(completed(configuration, ["latency_ms"]) for configuration in (first, second))
        rest = engine.suggest(_request(space, completed=done, pending=(third,), count=10))
        assert [s.configuration for s in rest] == [last]
        with pytest.raises(SpaceExhausted):
            engine.suggest(_request(space, completed=done, pending=(third, last)))

    def test_what_other_environments_measured_is_still_to_be_measured_here(self, engine: Engine) -> None:
        """Only this environment's trials are out of the question."""
        _accept(engine, _request(TINY))
        elsewhere = tuple(completed(configuration, ["latency_ms"], ELSEWHERE) for configuration in TINY.enumerate())
        suggestions = engine.suggest(_request(TINY, completed=elsewhere, count=4))
        assert {s.configuration for s in suggestions} == set(TINY.enumerate())

    @pytest.mark.parametrize("name", HISTORIES)
    def test_no_history_breaks_it(self, engine: Engine, name: str) -> None:
        """However few, failed, flat or far out its values are."""
        request = _request(MIXED, completed=tuple(HISTORIES[name](MIXED, self.past)))
        _check(request, _suggest(engine, request))

    def test_several_objectives(self, engine: Engine) -> None:
        """Of both directions."""
        objectives = (LATENCY, SCORE, ENERGY)
        past = history(MIXED, self.past, [objective.metric.key for objective in objectives])
        request = _request(MIXED, objectives=objectives, completed=past)
        _check(request, _suggest(engine, request))

    @pytest.mark.parametrize("name", _CONSTRAINTS)
    def test_outcome_constraints(self, engine: Engine, name: str) -> None:
        """Decided, and undecided for want of the default's own trial."""
        past = history(MIXED, self.past, ["latency_ms", "accuracy"])
        request = _request(MIXED, outcome_constraints=(_CONSTRAINTS[name],), completed=past)
        _check(request, _suggest(engine, request))
        undecided = replace(request, completed=past[1:])
        _check(undecided, _suggest(engine, undecided))

    def test_a_batch_beside_a_batch(self, engine: Engine) -> None:
        """Eight wanted while eight are pending."""
        known = configurations(MIXED, 8 + self.past)
        past = tuple(completed(configuration, ["latency_ms"]) for configuration in known[8:])
        request = _request(MIXED, completed=past, pending=tuple(known[:8]), count=8)
        _check(request, _suggest(engine, request))

    def test_priors_are_used_or_left_alone(self, engine: Engine) -> None:
        """Those of the same space and those of another."""
        priors = tuple(
            Source(name, space, ELSEWHERE, history(space, self.past, ["latency_ms"]))
            for name, space in [("same space", MIXED), ("other space", UNICODE), ("third", CONTINUOUS)]
        )
        request = _request(MIXED, priors=priors)
        _check(request, _suggest(engine, request))

    def test_an_unknown_option_is_refused(self, engine: Engine) -> None:
        """By ``validate``, with its place, and by ``suggest``."""
        options: dict[str, Value] = {"no such option": 1}
        problems = engine.validate(MIXED, (LATENCY,), options)
        assert [problem.field for problem in problems if "no such option" in problem.field]
        with pytest.raises(InvalidInput):
            engine.suggest(_request(MIXED, options=options))

    def test_predictions(self, engine: Engine) -> None:
        """Finite, for each objective; none before there is anything to learn from."""
        if not isinstance(engine, Predictor):
            pytest.skip(f"{engine.name} does not predict")
        request = _request(MIXED, completed=history(MIXED, self.past, ["latency_ms"]))
        asked = configurations(MIXED, 3, seed=2)
        predictions = engine.predict(request, asked)
        assert len(predictions) == len(asked)
        for prediction in predictions:
            assert prediction.keys() == {"latency_ms"}
            assert math.isfinite(prediction["latency_ms"].mean)
            assert 0 <= prediction["latency_ms"].deviation < math.inf
        with pytest.raises(WrongState):
            engine.predict(replace(request, completed=()), asked)


def _request(
    space: Space, *, objectives: Sequence[Objective] = (LATENCY,), count: int = 1, **fields: object
) -> SuggestRequest:
    request = SuggestRequest(space, tuple(objectives), environment=HERE, count=count, seed=3)
    return replace(request, **fields)  # type: ignore[arg-type]


def _accept(engine: Engine, request: SuggestRequest) -> None:
    if problems := engine.validate(request.space, request.objectives, request.options):
        pytest.skip(f"{engine.name} refuses it: " + "; ".join(map(str, problems)))


def _suggest(engine: Engine, request: SuggestRequest) -> list[Suggestion]:
    _accept(engine, request)
    return engine.suggest(request)


def _check(request: SuggestRequest, suggestions: Sequence[Suggestion]) -> None:
    """What is promised of every answer."""
    space = request.space
    proposed = [suggestion.configuration for suggestion in suggestions]
    for configuration in proposed:
        assert space.configuration(configuration) == configuration, "not spelled as the space spells it"
    seen = {trial.configuration for trial in request.completed if trial.environment == request.environment}
    seen.update(request.pending)
    assert len(set(proposed)) == len(proposed), "a suggestion comes twice"
    assert seen.isdisjoint(proposed), "a suggestion has been measured or is pending"
    assert len(proposed) == request.count or _left(space, seen) == len(proposed)
    keys = {objective.metric.key for objective in request.objectives}
    for suggestion in suggestions:
        assert suggestion.predicted.keys() <= keys
        for mean, deviation in suggestion.predicted.values():
            assert math.isfinite(mean)
            assert 0 <= deviation < math.inf


def _left(space: Space, seen: set[Configuration]) -> int | None:
    size = space.size()
    return None if size is None or size > 1_000 else sum(c not in seen for c in space.enumerate())
