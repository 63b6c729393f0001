"""How much is to be hoped for from measuring a configuration next: acquisition functions, to be maximised.

All are logarithms, so that they still tell candidates apart where the hope is tiny (Ament et al., "Unexpected
Improvements to Expected Improvement for Bayesian Optimization", NeurIPS 2023), integrate over the noise of what was
observed, and count what is pending as if it were measured.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective import logei
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.acquisition.multi_objective.objective import IdentityMCMultiOutputObjective
from botorch.acquisition.objective import LinearMCObjective
from botorch.models.model_list_gp_regression import ModelListGP
from botorch.sampling.normal import SobolQMCNormalSampler
from torch import Tensor

from tuner_models.belief import Belief, Threshold
from tuner_models.spread import farthest_first

# BoTorch would compile a C++ kernel at its first use: a minute in which the engine answers nobody, compilers that
# outlive it when it is killed, and other roundings, so other suggestions, than where there is no compiler. What these
# models evaluate is small enough without.
logei._load_attempted = True

Acquisition = Callable[[Tensor], Tensor]
"""From n x columns to n."""

_SAMPLES = {1: 64, 2: 64, 3: 32, 4: 16}  # by number of objectives: the cost of a sample grows with it
_BASELINE = {2: 64, 3: 24, 4: 12}  # points by number of objectives
_BATCH = 256  # candidates evaluated at once: bounds the memory
_MARGIN = 0.1  # of each objective's range: how far the reference point lies behind the worst of the front


def acquisition(belief: Belief, pending: Tensor, seed: int) -> Acquisition:
    """The logarithm of the expected improvement over what was measured, times the probability that the outcome
    constraints hold, times that of a valid configuration; for several objectives the improvement is that of the
    hypervolume (Daulton, Balandat, Bakshy, "Parallel Bayesian Optimization of Multiple Noisy Objectives with Expected
    Hypervolume Improvement", NeurIPS 2021).

    Args:
        pending: rows being measured (n x columns, n may be 0).
    """
    single = len(belief.task.objectives) == 1
    improvement = (_single if single else _several)(belief, pending if len(pending) else None, seed)

    def evaluate(x: Tensor) -> Tensor:
        with torch.no_grad():
            parts = [improvement(x[start : start + _BATCH].unsqueeze(-2)) for start in range(0, len(x), _BATCH)]
            return torch.cat(parts) + belief.log_valid(x)

    return evaluate


def _single(belief: Belief, pending: Tensor | None, seed: int) -> Acquisition:
    return qLogNoisyExpectedImprovement(
        _model(belief),
        belief.x,
        sampler=_sampler(belief, seed),
        objective=LinearMCObjective(torch.eye(len(belief.surrogates), dtype=belief.x.dtype)[0]),
        constraints=_violations(belief),
        X_pending=pending,
    )


def _several(belief: Belief, pending: Tensor | None, seed: int) -> Acquisition:
    return qLogNoisyExpectedHypervolumeImprovement(
        _model(belief),
        reference_point(belief),
        belief.x[_baseline(belief)],
        sampler=_sampler(belief, seed),
        objective=IdentityMCMultiOutputObjective(outcomes=list(range(len(belief.task.objectives)))),
        constraints=_violations(belief),
        X_pending=pending,
        prune_baseline=True,
    )


def _model(belief: Belief) -> ModelListGP:
    return ModelListGP(*(surrogate.gp for surrogate in belief.surrogates.values()))


def _sampler(belief: Belief, seed: int) -> SobolQMCNormalSampler:
    return SobolQMCNormalSampler(torch.Size([_SAMPLES[len(belief.task.objectives)]]), seed=seed)


def reference_point(belief: Belief) -> Tensor:
    """A point somewhat worse than the worst of the observed front in each objective, on the surrogates' scales.

    The rule of Ishibuchi et al. ("How to Specify a Reference Point in Hypervolume Calculation", Evolutionary
    Computation 26, 2018): behind the nadir by a share of the range; the range of all points where the front has none.
    """
    targets = _targets(belief)
    best = targets[belief.front or belief.rest]
    nadir = best.amin(0)
    extent = best.amax(0) - nadir
    overall = targets.amax(0) - targets.amin(0)
    extent = torch.where(extent > 0, extent, torch.where(overall > 0, overall, torch.ones_like(overall)))
    return nadir - _MARGIN * extent


def _baseline(belief: Belief) -> list[int]:
    """The measured points whose hypervolume is to be improved: of too many, a well-spread part of the front and the
    best of the rest. The number of boxes under a front explodes with its size and dimension."""
    most = _BASELINE[len(belief.task.objectives)]
    if len(belief.front) <= most:
        return (belief.front + belief.rest)[:most]
    chosen = farthest_first(_targets(belief)[belief.front], torch.empty(0), most)
    return [belief.front[index] for index in chosen]


def _targets(belief: Belief) -> Tensor:
    """The observed objectives on the surrogates' scales: n x objectives."""
    keys = [objective.metric.key for objective in belief.task.objectives]
    return torch.stack([belief.surrogates[key].targets for key in keys], dim=-1)


def _violations(belief: Belief) -> list[Callable[[Tensor], Tensor]] | None:
    return [_violation(threshold) for threshold in belief.thresholds] or None


def _violation(threshold: Threshold) -> Callable[[Tensor], Tensor]:
    def violation(outcomes: Tensor) -> Tensor:
        return threshold.sign * (threshold.limit - outcomes[..., threshold.metric])

    return violation
