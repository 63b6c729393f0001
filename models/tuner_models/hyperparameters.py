"""Length-scales and noise of a Gaussian process: their most probable values given the data.

Written out instead of left to automatic differentiation: with its gradient in closed form a fit of fifty points takes
milliseconds, so that several starts are affordable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, cholesky
from scipy.optimize import minimize

from tuner_models.scale import Array

_LENGTH_SCALES = (0.025, 1e3)
_NOISE = (1e-4, 10.0)  # of the inferred variance, where the targets' is 1
_NOISE_PRIOR = (-4.0, 1.0)
_ITERATIONS = 100


@dataclass(frozen=True)
class Hyperparameters:
    """Of a Gaussian process with unit variance.

    Attributes:
        length_scales: one per group.
        noise: variance beyond what is known.
        mean: the constant prior mean.
        support: logarithm of the joint density of targets and hyperparameters.
    """

    length_scales: Array
    noise: float
    mean: float
    support: float


def matern(squared: Array) -> tuple[Array, Array]:
    """Matern 5/2 of the squared scaled distance, and its derivative with respect to it (Rasmussen and Williams,
    "Gaussian Processes for Machine Learning", 2006, equation 4.17)."""
    r = np.sqrt(5 * squared)
    decay = np.exp(-r)
    return (1 + r + r**2 / 3) * decay, -5 / 6 * (1 + r) * decay


def squared_distances(x: Array, groups: tuple[int, ...]) -> Array:
    """Between all rows of ``x`` (n x columns), summed over the columns of each group: groups x n x n."""
    by_column = (x.T[:, :, None] - x.T[:, None, :]) ** 2
    distances = np.zeros((max(groups) + 1, *by_column.shape[1:]))
    np.add.at(distances, np.array(groups), by_column)
    return distances


def most_probable(distances: Array, y: Array, known_noise: Array, *, infer_noise: bool) -> Hyperparameters:
    """The maximum a posteriori hyperparameters.

    Log-normal priors on the length-scales whose location grows with the logarithm of their number's square root
    (Hvarfner, Hellsten, Nardi, "Vanilla Bayesian Optimization Performs Great in High Dimensions", ICML 2024, section 5)
    and on the noise; the mean is the generalised least-squares estimate.

    Args:
        distances: squared, by group: groups x n x n.
        y: targets (n), of about unit variance.
        known_noise: variance of each target (n).
        infer_noise: whether there may be noise beyond what is known.

    Raises:
        LinAlgError: the covariance cannot be factorised.
    """
    count = len(distances)
    prior = np.array([(math.sqrt(2) + math.log(count) / 2, math.sqrt(3))] * count + [_NOISE_PRIOR] * infer_noise)
    bounds = np.log(np.array([_LENGTH_SCALES] * count + [_NOISE] * infer_noise))

    def loss(theta: Array) -> tuple[float, Array]:
        evidence, slope = _evidence(theta, distances, y, known_noise)
        offset = (theta - prior[:, 0]) / prior[:, 1]
        density = -theta - offset**2 / 2
        return -(evidence + density.sum()), -(slope - 1 - offset / prior[:, 1])

    modes = prior[:, 0] - prior[:, 1] ** 2
    fits = [
        minimize(loss, np.clip(start, *bounds.T), jac=True, method="L-BFGS-B", bounds=bounds, options=_OPTIONS)
        for start in (modes, prior[:, 0] - 1)
    ]
    best = min(fits, key=lambda fit: float(fit.fun))
    theta: Array = best.x
    noise = math.exp(theta[count]) if infer_noise else 0.0
    factor, _ = _factor(theta[:count], distances, known_noise + noise)
    return Hyperparameters(np.exp(theta[:count]), noise, _mean(factor, y), -float(best.fun))


_OPTIONS = {"maxiter": _ITERATIONS}


def _evidence(theta: Array, distances: Array, y: Array, known_noise: Array) -> tuple[float, Array]:
    """The logarithm of the marginal likelihood and its gradient (ibid., equations 2.30 and 5.9); the mean, being at its
    optimum, adds nothing to the gradient."""
    count = len(distances)
    noise = np.exp(theta[count:])
    factor, slope = _factor(theta[:count], distances, known_noise + noise.sum())
    residual = y - _mean(factor, y)
    alpha = cho_solve((factor, True), residual)
    evidence = -residual @ alpha / 2 - np.log(np.diag(factor)).sum() - len(y) / 2 * math.log(2 * math.pi)
    inner = np.outer(alpha, alpha) - cho_solve((factor, True), np.eye(len(y)))
    by_scale = np.tensordot(distances, inner * slope, axes=2) * -np.exp(-2 * theta[:count])
    return float(evidence), np.concatenate([by_scale, noise * np.trace(inner) / 2])


def _factor(log_scales: Array, distances: Array, noise: Array) -> tuple[Array, Array]:
    value, slope = matern(np.tensordot(np.exp(-2 * log_scales), distances, axes=1))
    return cholesky(value + np.diag(noise), lower=True), slope


def _mean(factor: Array, y: Array) -> float:
    weights = cho_solve((factor, True), np.ones_like(y))
    return float(weights @ y / weights.sum())
