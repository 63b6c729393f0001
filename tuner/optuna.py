"""Our engines inside a plain Optuna study."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import intersection_search_space
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from tuner.core.errors import SpaceExhausted
from tuner.core.expression import Value, parse
from tuner.core.observation import Metric, Observation
from tuner.core.param import CategoricalParam, FloatParam, IntParam, Param
from tuner.core.space import Configuration, Space
from tuner.core.study import Goal, Objective, OutcomeConstraint
from tuner.core.trial import Cause, CauseKind, TrialState
from tuner.engine.base import Engine, Evaluated, SuggestRequest
from tuner.engine.registry import get_engine

_PROPOSED = "tuner:proposed"
"""System attribute of a trial: what was proposed for it, in Optuna's internal representation, by parameter."""

# An engine may use what a process has once (the threads and the random state of a numerical library), and a proposal
# must be noted before the next one is asked for. One for all samplers, which have to stay picklable.
_one_at_a_time = threading.Lock()


class TunerSampler(BaseSampler):
    """``optuna.create_study(sampler=TunerSampler("gp"))``.

    An engine needs the whole space before it proposes, while Optuna learns of parameters as the objective asks for
    them. So the engine proposes values for the parameters that every completed trial has had, with the same domain
    (``optuna.search_space.intersection_search_space``); the first trial, and parameters that are not always there or
    whose domain changes, are drawn at random. Where the engine has no new configuration left, so is all the rest.

    Directions and constraints (``trial.set_constraint``, feasible up to 0) are those of the study. Pruned trials are
    seen as stopped, failed ones and those with an infinite value as failed, running ones as pending: threads
    (``n_jobs``) never get the same proposal; processes that ask within the same moment may.

    Args:
        engine: a registered name, or an engine.
        seed: the only source of randomness.
        engine_options: the engine's own; it refuses wrong ones (InvalidInput) at its first proposal.

    Raises:
        NotFound: no engine has that name.
    """

    def __init__(
        self, engine: str | Engine = "auto", seed: int = 0, engine_options: Mapping[str, Value] | None = None
    ) -> None:
        self._engine = get_engine(engine) if isinstance(engine, str) else engine
        self._seed = seed
        self._options = dict(engine_options or {})
        self._independent = RandomSampler(seed=seed)

    def reseed_rng(self) -> None:
        self._independent.reseed_rng()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        del trial
        space = intersection_search_space(study.get_trials(deepcopy=False))
        return {name: distribution for name, distribution in space.items() if not distribution.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        if not search_space:
            return {}
        axes = [_Axis(name, distribution) for name, distribution in search_space.items()]
        with _one_at_a_time:
            others = [other for other in study.get_trials(deepcopy=False) if other.number != trial.number]
            try:
                suggestion = self._engine.suggest(self._request(study, axes, others))[0]
            except SpaceExhausted:
                return {}
            proposed = {axis.name: axis.theirs(suggestion.configuration[axis.name]) for axis in axes}
            noted = {name: search_space[name].to_internal_repr(value) for name, value in proposed.items()}
            study._storage.set_trial_system_attr(trial._trial_id, _PROPOSED, noted)
        return proposed

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:  # noqa: ANN401 - Optuna's signature
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def _request(self, study: Study, axes: Sequence[_Axis], trials: Sequence[FrozenTrial]) -> SuggestRequest:
        objectives = _objectives(study)
        constraints = dict.fromkeys(name for trial in trials for name in trial.constraints)
        completed, pending = [], []
        for trial in trials:
            configuration = _configuration(axes, trial)
            if configuration is None:
                continue
            if trial.state.is_finished():
                completed.append(_evaluated(trial, configuration, objectives))
            else:
                pending.append(configuration)
        return SuggestRequest(
            Space(tuple(axis.param for axis in axes)),
            objectives,
            tuple(OutcomeConstraint(_bound(name), "<=", parse("0")) for name in constraints),
            tuple(completed),
            tuple(pending),
            seed=self._seed,
            sequence=len(trials),
            options=self._options,
        )


@dataclass(frozen=True)
class _Axis:
    """One of Optuna's parameters as one of ours. Choices and steps go by position."""

    name: str
    distribution: BaseDistribution

    @property
    def _step(self) -> float | None:
        """The step of a grid that starts at ``low``; None where the values are the domain itself."""
        step = getattr(self.distribution, "step", None)
        return None if isinstance(self.distribution, IntDistribution) and step == 1 else step

    @property
    def param(self) -> Param:
        its = self.distribution
        if isinstance(its, CategoricalDistribution):
            return CategoricalParam(name=self.name, values=tuple(range(len(its.choices))))
        assert isinstance(its, (FloatDistribution, IntDistribution))
        if self._step is not None:
            return IntParam(name=self.name, low=0, high=round((its.high - its.low) / self._step))
        if isinstance(its, IntDistribution):
            return IntParam(name=self.name, low=its.low, high=its.high, log=its.log)
        return FloatParam(name=self.name, low=its.low, high=its.high, log=its.log)

    def ours(self, internal: float) -> Value:
        """A value in Optuna's internal representation."""
        its = self.distribution
        if isinstance(its, CategoricalDistribution):
            return int(internal)
        assert isinstance(its, (FloatDistribution, IntDistribution))
        if self._step is not None:
            return round((internal - its.low) / self._step)
        return int(internal) if isinstance(its, IntDistribution) else float(internal)

    def theirs(self, value: Value) -> Any:  # noqa: ANN401 - a choice may be anything
        its = self.distribution
        assert not isinstance(value, str)
        if isinstance(its, CategoricalDistribution):
            return its.choices[int(value)]
        assert isinstance(its, (FloatDistribution, IntDistribution))
        return value if self._step is None else min(its.low + value * self._step, its.high)


def _objectives(study: Study) -> tuple[Objective, ...]:
    names = study.metric_names or [f"value {index}" for index in range(len(study.directions))]
    return tuple(
        Objective(Metric(name, name), Goal.MAXIMIZE if direction is StudyDirection.MAXIMIZE else Goal.MINIMIZE)
        for name, direction in zip(names, study.directions, strict=True)
    )


def _bound(constraint: str) -> Metric:
    return Metric(f"constraint {constraint}", constraint)


def _configuration(axes: Sequence[_Axis], trial: FrozenTrial) -> Configuration | None:
    """What the trial has or will have on these axes; None where that is not known or was another domain."""
    internal: dict[str, float] = {}
    for axis in axes:
        if trial.distributions.get(axis.name) == axis.distribution:
            internal[axis.name] = axis.distribution.to_internal_repr(trial.params[axis.name])
        elif axis.name not in trial.distributions and axis.name in trial.system_attrs.get(_PROPOSED, {}):
            internal[axis.name] = trial.system_attrs[_PROPOSED][axis.name]
        else:
            return None
    try:
        return Configuration({axis.name: axis.param.coerce(axis.ours(internal[axis.name])) for axis in axes})
    except ValueError:
        return None  # proposed when the domain was another


def _evaluated(trial: FrozenTrial, configuration: Configuration, objectives: Sequence[Objective]) -> Evaluated:
    cost = trial.duration.total_seconds() if trial.duration else 0.0
    if trial.state is OptunaState.PRUNED:
        return Evaluated(configuration, TrialState.STOPPED, cost=cost, cause=Cause(CauseKind.STOPPED, "pruned"))
    if trial.state is OptunaState.FAIL:
        return Evaluated(configuration, TrialState.FAILED, cost=cost, cause=Cause(CauseKind.CRASHED))
    metrics = [objective.metric.key for objective in objectives]
    values = dict(zip(metrics, trial.values, strict=True))
    values |= {_bound(name).key: value for name, value in trial.constraints.items()}
    if not all(math.isfinite(value) for value in values.values()):
        cause = Cause(CauseKind.BAD_OUTPUT, "a value is not finite")
        return Evaluated(configuration, TrialState.FAILED, cost=cost, cause=cause)
    observations = {key: Observation(key, float(value)) for key, value in values.items()}
    return Evaluated(configuration, TrialState.COMPLETED, observations, cost=cost)
