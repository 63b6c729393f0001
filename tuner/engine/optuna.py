"""Optuna's samplers as engines: ``optuna:tpe``, ``optuna:gp``, ..."""

from __future__ import annotations

import inspect
import random
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tuner.core.errors import NotFound, Problem, Unavailable
from tuner.core.expression import Value
from tuner.core.seed import derived_seed
from tuner.core.space import Configuration, Space
from tuner.core.study import Objective
from tuner.core.trial import TrialState
from tuner.engine.base import Engine, Evaluated, Suggestion, SuggestRequest
from tuner.engine.unseen import fill, measured, refuse, taken

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class _Sampler:
    """One of Optuna's samplers.

    Attributes:
        tries: draws for one suggestion before it is drawn at random instead.
        torch: it computes with torch.
        walks: it goes through one fixed sequence, from its beginning in every study that is built anew.
        settings: what is always passed to it.
    """

    class_name: str
    tries: int
    torch: bool = False
    walks: bool = False
    settings: Mapping[str, bool] = field(default_factory=dict)


_SAMPLERS = {
    "tpe": _Sampler("TPESampler", tries=50, settings={"constant_liar": True}),
    "gp": _Sampler("GPSampler", tries=4, torch=True, settings={"warn_independent_sampling": False}),
    "nsgaii": _Sampler("NSGAIISampler", tries=200),
    "nsgaiii": _Sampler("NSGAIIISampler", tries=200),
    "qmc": _Sampler(
        "QMCSampler",
        tries=200,
        walks=True,
        settings={"scramble": True, "warn_asynchronous_seeding": False, "warn_independent_sampling": False},
    ),
    "random": _Sampler("RandomSampler", tries=200),
}

_UNSUITED = {
    "cmaes": "it keeps its covariance in the study, where no history of measurements can restore it; use 'gp'",
    "grid": "use 'grid'",
    "bruteforce": "use 'grid'",
}

_LARGEST = 1e100
"""Objectives are cut here: Optuna squares them, and an outlier must not become infinite. Their order is kept."""


class OptunaEngine(Engine):
    """One of Optuna's samplers, on a study rebuilt in memory from each request.

    Completed trials come with their values (and constraints), stopped ones as pruned, failed and infeasible ones as
    failed, pending ones as running: TPE and GP keep away from those. Trials of other environments and priors are left
    out: Optuna has no notion of them. Conditions are drawn define-by-run. A draw that breaks a known constraint or
    repeats a configuration is drawn again, a bounded number of times, then replaced by a random one that says so in
    its note. Options are the sampler's own keyword arguments, where they are plain values.

    TPE: Bergstra et al., "Algorithms for hyper-parameter optimization", NeurIPS 2011; Optuna: Akiba et al., KDD 2019.
    """

    def __init__(self, sampler: str) -> None:
        if sampler in _UNSUITED:
            raise NotFound(f"Optuna's sampler {sampler!r} is no engine: {_UNSUITED[sampler]}")
        if sampler not in _SAMPLERS:
            raise NotFound(f"no sampler of Optuna is called {sampler!r}; there are {', '.join(_SAMPLERS)}")
        self.name = f"optuna:{sampler}"
        self._kind = _SAMPLERS[sampler]

    def validate(
        self, space: Space, objectives: Sequence[Objective], options: Mapping[str, Value]
    ) -> Sequence[Problem]:
        del space, objectives
        own = inspect.signature(getattr(_optuna().samplers, self._kind.class_name)).parameters
        reserved = {"seed", *self._kind.settings}
        allowed = [
            name
            for name, its in own.items()
            if name not in reserved and isinstance(its.default, (bool, int, float, str))
        ]
        problems = [
            Problem(f"engine.options.{key}", f"is no option of {self.name}", value, "one of " + ", ".join(allowed))
            for key, value in options.items()
            if key not in allowed
        ]
        if not problems:
            try:
                self._sampler(options, seed=0)
            except (TypeError, ValueError) as error:
                problems = [Problem("engine.options", str(error), dict(options))]
        return problems

    def suggest(self, request: SuggestRequest) -> list[Suggestion]:
        refuse(self.validate(request.space, request.objectives, request.options))
        # A walk must stay on its one sequence; any other sampler must not draw from the same numbers twice.
        past = () if self._kind.walks else (len(request.completed), len(request.pending))
        seed = derived_seed(self.name, request.seed, *past)
        with _quiet(), _one_thread() if self._kind.torch else nullcontext():
            sampler = self._sampler(request.options, seed)
            found = self._ask(_rebuilt(request, sampler), request)
        note = f"drawn at random: {self.name} proposed nothing valid and new in {self._kind.tries} tries"
        return fill(request, found, random.Random(seed), note)

    def _ask(self, study: optuna.Study, request: SuggestRequest) -> list[Configuration]:
        """Up to ``request.count`` configurations; fewer where the tries run out."""
        from tuner.engine.optuna_codec import draw

        seen = set(taken(request))
        tries = self._kind.tries + (len(seen) if self._kind.walks else 0)
        found: list[Configuration] = []
        while len(found) < request.count:
            for _ in range(tries):
                trial = study.ask()
                values = draw(request.space, trial)
                configuration = Configuration(values)
                if configuration not in seen and not request.space.violated(values):
                    seen.add(configuration)
                    found.append(configuration)  # its trial keeps running, as a pending one
                    break
                study.tell(trial, state=_optuna().trial.TrialState.FAIL)
            else:
                break
        return found

    def _sampler(self, options: Mapping[str, Value], seed: int) -> optuna.samplers.BaseSampler:
        arguments: dict[str, Any] = {**options, **self._kind.settings, "seed": seed}
        with _quiet():
            sampler: optuna.samplers.BaseSampler = getattr(_optuna().samplers, self._kind.class_name)(**arguments)
        return sampler


def _rebuilt(request: SuggestRequest, sampler: optuna.samplers.BaseSampler) -> optuna.Study:
    """The study that would have led to this request."""
    from optuna.samplers import BaseGASampler
    from optuna.trial import TrialState as State

    study: optuna.Study = _optuna().create_study(sampler=sampler, directions=[o.goal.value for o in request.objectives])
    trials = measured(request)
    default = next((t for t in trials if t.is_default and t.state is TrialState.COMPLETED), None)
    completed = 0
    for trial in trials:
        state, values = _outcome(trial, request.objectives)
        attributes: dict[str, Any] = {}
        if state is State.COMPLETE:
            if isinstance(sampler, BaseGASampler) and sampler.population_size:
                # Where it would have noted to which generation the trial belongs; it breeds from what carries it.
                attributes[sampler._get_generation_key()] = completed // sampler.population_size
            completed += 1
        constraints = _violations(trial, default, request) if state is State.COMPLETE else {}
        _add(study, request.space, trial.configuration, state, values, constraints, attributes)
    for configuration in request.pending:
        _add(study, request.space, configuration, State.RUNNING)
    return study


def _outcome(trial: Evaluated, objectives: Sequence[Objective]) -> tuple[optuna.trial.TrialState, list[float] | None]:
    from optuna.trial import TrialState as State

    if trial.state is TrialState.COMPLETED and all(o.metric.key in trial.observations for o in objectives):
        means = [trial.observations[o.metric.key].mean for o in objectives]
        return State.COMPLETE, [min(max(mean, -_LARGEST), _LARGEST) for mean in means]
    if trial.state is TrialState.STOPPED and len(objectives) == 1:  # Optuna prunes only where there is one objective
        return State.PRUNED, None
    return State.FAIL, None


def _violations(trial: Evaluated, default: Evaluated | None, request: SuggestRequest) -> dict[str, float]:
    """By how much each outcome constraint is broken (Optuna: feasible up to 0); undecided counts as kept."""
    violations = {}
    for constraint in request.outcome_constraints:
        key = constraint.metric.key
        reference = default.observations[key].mean if default and key in default.observations else None
        observed = trial.observations.get(key)
        margin = constraint.margin(observed.mean, reference) if observed else None
        violations[str(constraint)] = 0.0 if margin is None else min(max(-margin, -_LARGEST), _LARGEST)
    return violations


def _add(
    study: optuna.Study,
    space: Space,
    configuration: Configuration,
    state: optuna.trial.TrialState,
    values: list[float] | None = None,
    constraints: dict[str, float] | None = None,
    attributes: dict[str, Any] | None = None,
) -> None:
    from tuner.engine.optuna_codec import encode

    try:
        parameters, distributions = encode(space, configuration)
    except ValueError:
        return  # measured in a space that has changed since: nothing that this sampler could use
    study.add_trial(
        _optuna().trial.create_trial(
            state=state,
            values=values,
            params=parameters,
            distributions=distributions,
            constraints=constraints,
            system_attrs=attributes,
        )
    )


def _optuna() -> Any:  # noqa: ANN401 - the module, which mypy sees through TYPE_CHECKING elsewhere
    try:
        import optuna
    except ImportError as error:
        raise Unavailable("this engine needs Optuna: pip install 'mlsys-tuner[server]'") from error
    return optuna


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's progress messages, its warnings about what is experimental, and NumPy's about the infinities
    that its GP sampler meets, and copes with, where the acquisition function has converged to one point."""
    optuna = _optuna()
    import numpy

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings(), numpy.errstate(all="ignore"):
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)


@contextmanager
def _one_thread() -> Iterator[None]:
    """The number of torch's threads decides the last digits, and the answer must not depend on the machine's cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def sampler_names() -> list[str]:
    """What may stand after ``optuna:``."""
    return list(_SAMPLERS)
