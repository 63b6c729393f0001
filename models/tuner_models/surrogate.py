"""A Gaussian process over encoded configurations: kernel, priors, noise, fit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from botorch.models import SingleTaskGP
from botorch.optim.fit import fit_gpytorch_mll_scipy
from gpytorch.constraints import GreaterThan
from gpytorch.kernels import Kernel
from gpytorch.likelihoods import FixedNoiseGaussianLikelihood
from gpytorch.likelihoods.noise_models import HomoskedasticNoise
from gpytorch.mlls import ExactMarginalLogLikelihood
from gpytorch.priors import LogNormalPrior
from torch import Tensor

from tuner.core.observation import Observation
from tuner_models.scale import Array, Scale

_MIN_LENGTH_SCALE = 0.025
_MIN_NOISE = 1e-4  # of the variance: what the inferred noise never goes below
_NOISE_RANGE = (1e-6, 1e2)
_PRIOR_RUNS = 4.0  # how many degrees of freedom the pooled variance weighs against a configuration's own
_FIT_ITERATIONS = 60


class MixedMatern(Kernel):  # type: ignore[misc]
    """Matern 5/2 over encoded configurations with one length-scale per group of columns.

    With r^2 = sum over numbers of (x - x')^2 / l^2 + sum over categories of [x != x'] / l^2, it is at once a Matern
    kernel in the numbers and a function of the weighted Hamming distance in the categories. The length-scales have
    the log-normal prior that grows with the square root of their number (Hvarfner, Hellsten, Nardi, "Vanilla Bayesian
    Optimization Performs Great in High Dimensions", ICML 2024, section 5); there is no outputscale, as there.
    """

    has_lengthscale = True

    def __init__(self, groups: Sequence[int]) -> None:
        count = max(groups) + 1
        prior = LogNormalPrior(loc=math.sqrt(2) + math.log(count) / 2, scale=math.sqrt(3))
        constraint = GreaterThan(_MIN_LENGTH_SCALE, transform=None, initial_value=prior.mode)
        super().__init__(ard_num_dims=count, lengthscale_prior=prior, lengthscale_constraint=constraint)
        self.ard_num_dims = None  # or the base class demands as many columns as length-scales
        self._column_group = torch.tensor(tuple(groups))

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **params: object) -> Tensor:
        scales = self.lengthscale[..., self._column_group]
        r = math.sqrt(5) * self.covar_dist(x1 / scales, x2 / scales, diag=diag, **params)
        value: Tensor = (1 + r + r**2 / 3) * torch.exp(-r)
        return value


def fit_gp(x: Tensor, z: Tensor, noise: Tensor, groups: Sequence[int], *, infer_noise: bool) -> SingleTaskGP:
    """The maximum a posteriori fit to targets ``z`` (n, about standardised) at ``x`` (n x columns).

    Args:
        noise: known variance of each target (n).
        infer_noise: add one unknown variance, log-normal a priori (ibid., appendix), for what the known ones miss.

    Raises:
        NUMERICAL_ERRORS: the covariance cannot be factorised.
    """
    likelihood = FixedNoiseGaussianLikelihood(noise=noise)
    if infer_noise:
        prior = LogNormalPrior(loc=-4.0, scale=1.0)
        constraint = GreaterThan(_MIN_NOISE, transform=None, initial_value=prior.mode)
        likelihood.second_noise_covar = HomoskedasticNoise(noise_prior=prior, noise_constraint=constraint)
    kernel = MixedMatern(groups)
    model = SingleTaskGP(x, z.unsqueeze(-1), likelihood=likelihood, covar_module=kernel, outcome_transform=None)
    mll = ExactMarginalLogLikelihood(likelihood, model)
    mll.train()
    fit_gpytorch_mll_scipy(mll, options={"maxiter": _FIT_ITERATIONS})
    mll.eval()
    return model


class Surrogate:
    """What one metric is expected to be.

    Attributes:
        gp: models the metric on ``scale``, greater is better.
        targets: the observed means on ``scale`` (n).
    """

    def __init__(self, x: Tensor, observations: Sequence[Observation], sign: float, groups: Sequence[int]) -> None:
        means = np.array([o.mean for o in observations])
        self.scale = Scale.of(means, sign)
        self.targets = torch.from_numpy(self.scale.forward(means))
        known = noise_variances(observations, self.scale)
        self.gp = fit_gp(x, self.targets, torch.from_numpy(known), groups, infer_noise=True)
        self._repeat_noise = float(np.median(known)) + self.gp.likelihood.second_noise.item()

    def predict(self, x: Tensor) -> tuple[Array, Array]:
        """Mean and standard deviation of a new measurement's mean at ``x`` (n x columns), in the metric's unit."""
        with torch.no_grad():
            posterior = self.gp.posterior(x)
        mean = posterior.mean.squeeze(-1).numpy()
        variance = posterior.variance.squeeze(-1).clamp_min(0).numpy() + self._repeat_noise
        return self.scale.backward(mean, np.sqrt(variance))


def noise_variances(observations: Sequence[Observation], scale: Scale) -> Array:
    """The variance of each observed mean, on ``scale``.

    A variance from few runs is itself noise, so each is shrunk towards the one pooled over all configurations,
    weighted by degrees of freedom (Smyth, "Linear Models and Empirical Bayes Methods", SAGMB 3, 2004, section 4, with
    the prior's degrees of freedom set, not estimated). Without any repeated run it is the floor.
    """
    n = np.array([o.n for o in observations], dtype=np.float64)
    slopes = scale.slope(np.array([o.mean for o in observations]))
    deviations = slopes * np.sqrt([o.variance or 0.0 for o in observations])
    freedom = np.array([o.n - 1 if o.variance is not None else 0 for o in observations], dtype=np.float64)
    variances = np.minimum(deviations, _NOISE_RANGE[1]) ** 2
    pooled = float(freedom @ variances / freedom.sum()) if freedom.any() else 0.0
    shrunk = (_PRIOR_RUNS * pooled + freedom * variances) / (_PRIOR_RUNS + freedom)
    clipped: Array = np.clip(shrunk / n, *_NOISE_RANGE)
    return clipped
