"""Where configurations work at all: the probability that one is valid, from those that ran and those that broke.

A classifier by regression (Milios et al., "Dirichlet-based Gaussian Processes for Large-scale Calibrated
Classification", NeurIPS 2018, section 4): counts of outcomes are read as a Dirichlet's parameters, whose gamma variates
are matched by log-normal ones, so that an exact Gaussian process on the log-odds does for a classifier.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from tuner_models.hyperparameters import most_probable, squared_distances
from tuner_models.surrogate import build_gp

_CONCENTRATION = 0.01  # of either class before anything is seen


class Feasibility:
    """The probability that a configuration is valid."""

    def __init__(self, x: Tensor, valid: Sequence[int], invalid: Sequence[int], groups: tuple[int, ...]) -> None:
        """Fit to ``x`` (n x columns) and how often each ran and broke.

        Raises:
            LinAlgError: the covariance cannot be factorised.
        """
        good, bad = (torch.tensor(counts, dtype=torch.float64) + _CONCENTRATION for counts in (valid, invalid))
        noise_good, noise_bad = torch.log1p(1 / good), torch.log1p(1 / bad)
        odds = torch.log(good / bad) - (noise_good - noise_bad) / 2
        self._unit = odds.abs().max()
        noise = (noise_good + noise_bad) / self._unit**2
        y = odds / self._unit
        found = most_probable(squared_distances(x.numpy(), groups), y.numpy(), noise.numpy(), infer_noise=False)
        self._gp = build_gp(x, y, noise, groups, found)

    def log_probability(self, x: Tensor) -> Tensor:
        """Logarithm of the probability that each row of ``x`` (n x columns) is valid: n.

        The expected logistic of normal log-odds, by MacKay's approximation ("The Evidence Framework Applied to
        Classification Networks", Neural Computation 4, 1992, section 3).
        """
        with torch.no_grad():
            posterior = self._gp.posterior(x)
        mean = posterior.mean.squeeze(-1) * self._unit
        variance = posterior.variance.squeeze(-1).clamp_min(0) * self._unit**2
        return torch.nn.functional.logsigmoid(mean / torch.sqrt(1 + math.pi / 8 * variance))
