"""A Gaussian process over encoded configurations: kernel, priors, noise, fit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from botorch.models import SingleTaskGP
from gpytorch.kernels import Kernel
from gpytorch.likelihoods import FixedNoiseGaussianLikelihood
from gpytorch.means import ConstantMean
from torch import Tensor

from tuner.core.observation import Observation
from tuner_models.hyperparameters import Hyperparameters, most_probable, squared_distances
from tuner_models.scale import Array, Scale, scales

_NOISE_RANGE = (1e-6, 1e2)
_STEEPEST = 300.0  # logarithm of a slope: beyond it, values that are denormal numbers overflow
_PRIOR_RUNS = 4.0  # how many degrees of freedom the pooled variance weighs against a configuration's own


class MixedMatern(Kernel):  # type: ignore[misc]
    """Matern 5/2 over encoded configurations with one length-scale per group of columns.

    With r^2 = sum over numbers of (x - x')^2 / l^2 + sum over categories of [x != x'] / l^2, it is at once a Matern
    kernel in the numbers and a function of the weighted Hamming distance in the categories.
    """

    def __init__(self, length_scales: Tensor) -> None:
        """Take the length-scale of each column."""
        super().__init__()
        self._length_scales = length_scales

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **params: object) -> Tensor:
        distance = self.covar_dist(x1 / self._length_scales, x2 / self._length_scales, diag=diag, **params)
        r = math.sqrt(5) * distance
        value: Tensor = (1 + r + r**2 / 3) * torch.exp(-r)
        return value


def build_gp(
    x: Tensor, y: Tensor, known_noise: Tensor, groups: tuple[int, ...], found: Hyperparameters
) -> SingleTaskGP:
    """A Gaussian process with hyperparameters ``found`` for targets ``y`` (n), each with a known noise variance (n), at
    ``x`` (n x columns)."""
    mean = ConstantMean()
    mean.constant.data.fill_(found.mean)
    model = SingleTaskGP(
        x,
        y.unsqueeze(-1),
        likelihood=FixedNoiseGaussianLikelihood(noise=known_noise + found.noise),
        covar_module=MixedMatern(torch.from_numpy(found.length_scales[list(groups)])),
        mean_module=mean,
        outcome_transform=None,
    )
    model.eval()
    return model


class Surrogate:
    """What one metric is expected to be.

    Attributes:
        gp: models the metric on ``scale``, greater is better.
        targets: the observed means on ``scale`` (n).
    """

    def __init__(self, x: Tensor, observations: Sequence[Observation], sign: float, groups: tuple[int, ...]) -> None:
        """Fit to ``observations`` (n) at ``x`` (n x columns); greater is better if ``sign`` is +1.

        The scale is the one on which data and hyperparameters together are most probable, by the density in the
        metric's own unit: the choice of a warped Gaussian process (Snelson, Rasmussen, Ghahramani, NeurIPS 2004).

        Raises:
            LinAlgError: the covariance cannot be factorised.
        """
        means = np.array([o.mean for o in observations])
        distances = squared_distances(x.numpy(), groups)
        fits = []
        for scale in scales(means, sign):
            y, known = scale.forward(means), noise_variances(observations, scale)
            found = most_probable(distances, y, known, infer_noise=True)
            fits.append((found.support + scale.log_slope(means).sum(), scale, y, known, found))
        _, self.scale, y, known, found = max(fits, key=lambda fit: float(fit[0]))
        self.targets = torch.from_numpy(y)
        self.gp = build_gp(x, self.targets, torch.from_numpy(known), groups, found)
        self._repeat_noise = float(np.median(known)) + found.noise

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
    slopes = np.exp(np.minimum(scale.log_slope(np.array([o.mean for o in observations])), _STEEPEST))
    deviations = slopes * np.sqrt([o.variance or 0.0 for o in observations])
    freedom = np.array([o.n - 1 if o.variance is not None else 0 for o in observations], dtype=np.float64)
    variances = np.minimum(deviations, _NOISE_RANGE[1]) ** 2
    pooled = float(freedom @ variances / freedom.sum()) if freedom.any() else 0.0
    shrunk = (_PRIOR_RUNS * pooled + freedom * variances) / (_PRIOR_RUNS + freedom)
    clipped: Array = np.clip(shrunk / n, *_NOISE_RANGE)
    return clipped
