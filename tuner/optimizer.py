"""Ask and tell without a server: the engines as a library.

The words are those of ``tuner.Client(address).study(name)``, so a program moves from one to the other by one line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real

from tuner.core import preference
from tuner.core.clock import Clock, SteadyClock
from tuner.core.errors import InvalidInput, NotFound, Problem, SpaceExhausted, WrongState
from tuner.core.expression import Value
from tuner.core.observation import Intermediate, Observation
from tuner.core.space import Configuration, Space
from tuner.core.study import Objective, OutcomeConstraint
from tuner.core.trial import Cause, CauseKind, TrialState
from tuner.engine.base import Engine, Evaluated, Source, Suggestion, SuggestRequest
from tuner.engine.registry import get_engine
from tuner.spec.document import objectives_from_document, outcome_constraints_from_document, space_from_document

Values = Mapping[str, float | Observation]
Pair = tuple[Mapping[str, object], Values]
"""A configuration and what was measured there, by metric key."""

TOLD = "told by the program"
"""Method of an observation that was told as a bare number."""


@dataclass(frozen=True)
class Asked:
    """A configuration to measure. ``note`` says what a person should know about where it came from."""

    id: str
    config: Mapping[str, Value]
    note: str = ""


@dataclass(frozen=True)
class Measured:
    """A configuration that was measured, with what was observed, by metric key."""

    id: str
    config: Mapping[str, Value]
    observations: Mapping[str, Observation]

    @property
    def values(self) -> dict[str, float]:
        """The means, by metric key."""
        return {key: observation.mean for key, observation in self.observations.items()}


@dataclass(frozen=True)
class Prior:
    """Measurements from elsewhere.

    Attributes:
        space: theirs, as ``space:`` of a study file; it may differ from the study's own.
        environment: what they were measured on, in words.
        trials: configurations of that space, and their values.
    """

    space: Mapping[str, object]
    environment: str
    trials: Sequence[Pair]


@dataclass
class _Trial:
    configuration: Configuration
    asked_at: float
    outcome: Evaluated | None = None
    curve: list[Intermediate] = field(default_factory=list)


class Optimizer:
    """Proposes configurations, is told what they measured, and knows the best.

    The default configuration is the first that it proposes: constraints may be relative to it, and an improvement is
    one over it. The same calls with the same seed propose the same. Not for use by several threads at once.

    Args:
        space: as ``space:`` of a study file; each parameter needs its ``default``.
        objectives: as ``objectives:``.
        engine: a registered name ("auto", "gp", "random", "sobol", "grid", "optuna:tpe", ...), or an engine.
        seed: the only source of randomness.
        priors: ``Prior``s; a pair of a configuration of ``space`` and its values is taken for one of this same space.
        constraints: as ``constraints:``, between parameters.
        outcome_constraints: as ``outcome_constraints:``, on metrics.
        engine_options: the engine's own.
        clock: what ``report`` takes the time from.

    Raises:
        InvalidInput: with every problem of the argument that is wrong.
        NotFound: no engine has that name.
    """

    def __init__(
        self,
        space: Mapping[str, object],
        objectives: Sequence[Mapping[str, object]],
        engine: str | Engine = "auto",
        seed: int = 0,
        priors: Sequence[Prior | Pair] = (),
        constraints: Sequence[str] = (),
        outcome_constraints: Sequence[str] = (),
        engine_options: Mapping[str, Value] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.space: Space = space_from_document(space, constraints)
        self.objectives: tuple[Objective, ...] = objectives_from_document(objectives)
        self.outcome_constraints: tuple[OutcomeConstraint, ...] = outcome_constraints_from_document(
            outcome_constraints, self.objectives
        )
        self.engine = get_engine(engine) if isinstance(engine, str) else engine
        self.seed = seed
        self._options = dict(engine_options or {})
        if problems := self.engine.validate(self.space, self.objectives, self._options):
            raise InvalidInput(problems)
        metrics = [o.metric for o in self.objectives] + [c.metric for c in self.outcome_constraints]
        self.wanted: tuple[str, ...] = tuple(dict.fromkeys(metric.key for metric in metrics))
        self._default = self.space.default()
        self._priors = _sources(priors, self.space)
        self._clock = clock or SteadyClock()
        self._trials: dict[str, _Trial] = {}

    def ask(self, n: int = 1) -> list[Asked]:
        """Up to ``n`` configurations to measure, none of which was proposed before.

        Raises:
            InvalidInput: ``n`` is no positive whole number.
            SpaceExhausted: there is no other configuration.
        """
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise InvalidInput(Problem("n", "is no number of suggestions", n, "a whole number, at least 1"))
        suggestions = [] if self._trials else [Suggestion(self._default, "default")]
        if n > len(suggestions):
            try:
                suggestions += self.engine.suggest(self._request(suggestions, n - len(suggestions)))
            except SpaceExhausted:
                if not suggestions:
                    raise
        now = self._clock.now()
        asked = []
        for suggestion in suggestions:
            number = str(len(self._trials) + 1)
            self._trials[number] = _Trial(suggestion.configuration, now)
            asked.append(Asked(number, dict(suggestion.configuration), suggestion.note))
        return asked

    def tell(
        self,
        id: str,  # noqa: A002 - the word of the documentation
        values: Values | None = None,
        *,
        cost: float = 0.0,
        failed: str | None = None,
    ) -> None:
        """Hand in what was measured, by metric key, or ``failed``: why nothing was. ``cost`` is in seconds, 0 where
        it is not known. What is refused leaves no trace.

        Raises:
            InvalidInput: neither or both are given; a metric is missing, unknown, or no finite number.
            NotFound: nothing was asked under this id.
            WrongState: it has been told.
        """
        trial = self._open(id)
        if (values is None) == (failed is None):
            raise InvalidInput(Problem("tell", "needs either values or failed=REASON", None, "exactly one of the two"))
        if not (_is_finite(cost) and cost >= 0):
            raise InvalidInput(Problem("cost", "is not a duration", cost, "seconds, at least 0"))
        state, cause, observations = TrialState.COMPLETED, None, {}
        if values is not None:
            observations = _observations(values, self.wanted)
        else:
            state, cause = TrialState.FAILED, Cause(CauseKind.CRASHED, str(failed))
        trial.outcome = Evaluated(
            trial.configuration,
            state,
            observations,
            cost=float(cost),
            cause=cause,
            is_default=trial.configuration == self._default,
        )

    def report(self, id: str, step: int, values: Mapping[str, float]) -> bool:  # noqa: A002
        """Report a point of the learning curve; False when it is better to stop than to go on.

        No rule for stopping early exists yet, so it always says to go on; the points are kept (``curve``).

        Raises:
            InvalidInput: ``step`` is no whole number from 0, or a value is not finite.
            NotFound: nothing was asked under this id.
            WrongState: it has been told.
        """
        trial = self._open(id)
        problems = [
            Problem(metric, "is not a finite number", value, "a finite number")
            for metric, value in values.items()
            if not _is_finite(value)
        ]
        if isinstance(step, bool) or not isinstance(step, int) or step < 0:
            problems.append(Problem("step", "is no position on the curve", step, "a whole number, at least 0"))
        if problems:
            raise InvalidInput(problems)
        elapsed = self._clock.now() - trial.asked_at
        trial.curve.extend(Intermediate(step, elapsed, metric, float(value)) for metric, value in values.items())
        return True

    def curve(self, id: str) -> tuple[Intermediate, ...]:  # noqa: A002
        """What was reported of a trial, in that order; ``elapsed`` is seconds since it was asked.

        Raises:
            NotFound: nothing was asked under this id.
        """
        return tuple(self._trial(id).curve)

    def best(self) -> Measured | None:
        """The recommended configuration among those that keep every outcome constraint; None while there is none.

        With several objectives it is one point of the front, by the rule of ``tuner.core.preference.recommend``.
        """
        chosen = preference.recommend(self.objectives, self._feasible(), self._default_values())
        return chosen[0] if chosen else None

    def front(self) -> list[Measured]:
        """The Pareto front of those that keep every outcome constraint, in the order of the first objective."""
        return [measured for measured, _ in preference.front(self.objectives, self._feasible())]

    def _feasible(self) -> list[tuple[Measured, Mapping[str, float]]]:
        default = self._default_values()
        points = [
            Measured(number, dict(trial.configuration), trial.outcome.observations)
            for number, trial in self._trials.items()
            if trial.outcome and trial.outcome.state is TrialState.COMPLETED
        ]
        return [
            (point, point.values)
            for point in points
            if preference.feasible(self.outcome_constraints, point.values, default) is True
        ]

    def _default_values(self) -> Mapping[str, float] | None:
        for trial in self._trials.values():
            if trial.outcome and trial.outcome.is_default and trial.outcome.state is TrialState.COMPLETED:
                return {key: observation.mean for key, observation in trial.outcome.observations.items()}
        return None

    def _request(self, before: Sequence[Suggestion], count: int) -> SuggestRequest:
        trials = self._trials.values()
        waiting = [trial.configuration for trial in trials if trial.outcome is None]
        return SuggestRequest(
            self.space,
            self.objectives,
            self.outcome_constraints,
            completed=tuple(trial.outcome for trial in trials if trial.outcome is not None),
            pending=(*waiting, *(suggestion.configuration for suggestion in before)),
            priors=self._priors,
            count=count,
            seed=self.seed,
            sequence=len(self._trials),
            options=self._options,
        )

    def _open(self, id: str) -> _Trial:  # noqa: A002
        trial = self._trial(id)
        if trial.outcome is not None:
            raise WrongState(f"trial {id!r} has been told already: it is {trial.outcome.state.value}")
        return trial

    def _trial(self, id: str) -> _Trial:  # noqa: A002
        if id not in self._trials:
            waiting = ", ".join(known for known, trial in self._trials.items() if trial.outcome is None)
            raise NotFound(f"no trial {id!r} was asked; waiting to be told: {waiting or 'none'}")
        return self._trials[id]


def _is_finite(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _observations(values: Values, wanted: Sequence[str] | None) -> dict[str, Observation]:
    """Checked; ``wanted`` is the exact set of metrics, None where any will do."""
    problems = [] if wanted is None else [Problem(key, "was not measured") for key in wanted if key not in values]
    expected = ", ".join(wanted or ())
    for key, value in values.items():
        if wanted is not None and key not in wanted:
            problems.append(Problem(str(key), "is no metric of this study", value, f"exactly {expected}"))
        elif isinstance(value, Observation):
            if value.metric != key:
                problems.append(Problem(key, "the observation is of another metric", value.metric, key))
        elif not _is_finite(value):
            problems.append(Problem(key, "is not a finite number", value, "a finite number"))
    if problems:
        raise InvalidInput(problems)
    return {
        key: value if isinstance(value, Observation) else Observation(key, float(value), method=TOLD)
        for key, value in values.items()
    }


def _sources(priors: Sequence[Prior | Pair], space: Space) -> tuple[Source, ...]:
    named = [prior for prior in priors if isinstance(prior, Prior)]
    pairs = [prior for prior in priors if not isinstance(prior, Prior)]
    sources = [
        _source(f"priors[{index}]", space_from_document(prior.space), prior.environment, prior.trials)
        for index, prior in enumerate(named)
    ]
    return (*sources, _source("priors", space, "", pairs)) if pairs else tuple(sources)


def _source(name: str, space: Space, environment: str, pairs: Sequence[Pair]) -> Source:
    problems: list[Problem] = []
    trials = []
    for index, pair in enumerate(pairs):
        place = f"{name}[{index}]"
        try:
            config, values = pair
            configuration = space.configuration(config, source=place)
            trials.append(Evaluated(configuration, TrialState.COMPLETED, _observations(values, None), environment))
        except InvalidInput as refused:
            problems.extend(replace(problem, source=place) for problem in refused.problems)
        except (AttributeError, TypeError, ValueError):
            problems.append(Problem(place, "is no pair", pair, "(configuration, {metric: value})"))
    if problems:
        raise InvalidInput(problems)
    return Source(name, space, environment, tuple(trials))
