"""The Gaussian-process engine: a request in, what ``tuner_models`` proposes out. The method: ``docs/engine.md``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tuner.core.errors import Problem, SpaceExhausted, WrongState
from tuner.core.expression import Value
from tuner.core.seed import derived_seed
from tuner.core.space import Configuration, Space
from tuner.core.study import Objective
from tuner.engine.base import Engine, Prediction, Predictor, Suggestion, SuggestRequest
from tuner.engine.sobol import SobolEngine
from tuner.engine.unseen import enumerable, measured, refuse, taken

if TYPE_CHECKING:
    from tuner_models.task import History, Task

MAX_OBJECTIVES = 4
"""The cost of an improvement in hypervolume grows steeply with their number."""

_WALKED = 16_384  # the largest ``Space.size()`` that is walked for each suggestion
_LISTED = 4_096  # configurations left of which the acquisition function is evaluated at each one
_SPREAD = 384  # candidates from which a local search starts in larger spaces
_NOTE = 200  # characters
_DESIGN_CHOICE = 4  # candidates for each configuration of the initial design


class GpEngine(Engine, Predictor):
    """Bayesian optimization with a Gaussian process per metric.

    A Sobol design first, then the maximum of the noisy expected (hypervolume) improvement under the outcome
    constraints and the probability of a valid configuration. Learns from the trials of the request's own environment.
    Where the numerics fail, it falls back to Sobol and says so in the note.

    The cost is bounded by construction, whatever the deadline.

    Args:
        threads: of torch while it computes. Their number decides the last digits, so a study keeps it.
    """

    name = "gp"

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    def validate(
        self, space: Space, objectives: Sequence[Objective], options: Mapping[str, Value]
    ) -> Sequence[Problem]:
        problems = [*super().validate(space, objectives, options), *SobolEngine().validate(space, objectives, {})]
        if not 1 <= len(objectives) <= MAX_OBJECTIVES:
            expected = f"1 to {MAX_OBJECTIVES} for the engine 'gp'"
            problems.append(Problem("objectives", "are too few or too many", len(objectives), expected))
        return problems

    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        refuse(self.validate(request.space, request.objectives, request.options))
        from tuner_models.belief import MIN_MEASURED
        from tuner_models.design import design_size
        from tuner_models.numerics import NUMERICAL_ERRORS

        missing = design_size(request.space) - len(taken(request))
        if len(_history(request).measured) < MIN_MEASURED:
            missing = request.count
        if missing >= request.count:
            return self._designed(request)
        if missing <= 0:
            try:
                return self._modelled(request)
            except NUMERICAL_ERRORS as reason:
                return _fallback(request, reason)
        first = self._designed(replace(request, count=missing))
        rest = replace(request, pending=(*request.pending, *(s.configuration for s in first)))
        try:
            return [*first, *self.suggest(replace(rest, count=request.count - len(first)))]
        except SpaceExhausted:
            return first

    def predict(
        self, request: SuggestRequest, configurations: Sequence[Configuration]
    ) -> list[Mapping[str, Prediction]]:
        from tuner_models.belief import MIN_MEASURED, Belief
        from tuner_models.numerics import NUMERICAL_ERRORS, isolated

        history = _history(request)
        if len(history.measured) < MIN_MEASURED:
            raise WrongState(f"a prediction needs {MIN_MEASURED} measured configurations, got {len(history.measured)}")
        try:
            with isolated(request.seed, self.threads):
                predicted = Belief(_task(request), history).predict(configurations)
        except NUMERICAL_ERRORS as reason:
            raise WrongState(f"no model fits these measurements: {reason}") from reason
        return [{key: Prediction(*normal) for key, normal in row.items()} for row in predicted]

    def _designed(self, request: SuggestRequest) -> list[Suggestion]:
        from tuner_models.design import well_spread
        from tuner_models.numerics import isolated
        from tuner_models.task import inside

        choice = SobolEngine().suggest(replace(request, count=_DESIGN_CHOICE * request.count))
        known = [*(trial.configuration for trial in measured(request)), *request.pending]
        with isolated(request.seed, self.threads):
            spread = well_spread(
                request.space,
                [candidate.configuration for candidate in choice],
                [configuration for configuration in known if inside(request.space, configuration)],
                request.count,
            )
        return [Suggestion(configuration, "initial design") for configuration in spread]

    def _modelled(self, request: SuggestRequest) -> list[Suggestion]:
        from tuner_models.belief import Belief
        from tuner_models.numerics import isolated
        from tuner_models.propose import propose
        from tuner_models.task import inside

        candidates, exhaustive = _candidates(request)
        with isolated(request.seed, self.threads):
            proposals = propose(
                Belief(_task(request), _history(request)),
                [configuration for configuration in request.pending if inside(request.space, configuration)],
                candidates,
                taken(request),
                request.count,
                request.seed,
                exhaustive=exhaustive,
            )
        return [Suggestion(proposal.configuration, predicted=proposal.predicted) for proposal in proposals]


def _task(request: SuggestRequest) -> Task:
    from tuner_models.task import Task

    return Task(request.space, request.objectives, request.outcome_constraints)


def _history(request: SuggestRequest) -> History:
    from tuner_models.task import History

    return History.of(_task(request), measured(request))


def _candidates(request: SuggestRequest) -> tuple[list[Configuration], bool]:
    """Valid configurations that may be proposed, and whether they are all there are.

    Raises:
        SpaceExhausted: there is none.
    """
    space, seen = request.space, taken(request)
    size = space.size()
    if size is not None and size <= _WALKED:
        left = [configuration for configuration in space.enumerate() if configuration not in seen]
        if not left:
            raise SpaceExhausted("every configuration has been measured or is pending")
        if len(left) <= _LISTED:
            return left, True
    # Another sequence for each state of knowledge, so that the same points are not looked at for ever.
    seed = derived_seed("gp", request.seed, len(seen))
    wanted = max(_SPREAD, request.count)
    drawn = SobolEngine().suggest(replace(request, count=wanted, seed=seed))
    return [candidate.configuration for candidate in drawn], enumerable(space) and len(drawn) < wanted


def _fallback(request: SuggestRequest, reason: Exception) -> list[Suggestion]:
    cause = f"fallback: {type(reason).__name__}: {reason}"[:_NOTE]
    return [replace(suggestion, note=cause) for suggestion in SobolEngine().suggest(request)]
