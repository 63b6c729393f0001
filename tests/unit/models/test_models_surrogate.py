"""The Gaussian processes: gradient, kernel, noise, scale, and the probability of a valid configuration."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("botorch", reason="the models need the extra [server]")

import numpy as np
import torch
from scipy.optimize import check_grad
from tuner_models.feasibility import Feasibility
from tuner_models.hyperparameters import _evidence, matern, most_probable, squared_distances
from tuner_models.scale import Scale
from tuner_models.surrogate import MixedMatern, Surrogate, noise_variances

from tuner.core.observation import Observation

GROUPS = (0, 1, 1, 1, 2)


def rows(n: int, seed: int = 0) -> np.ndarray:
    """A number, a category of three, a number."""
    rng = np.random.default_rng(seed)
    categories = np.eye(3)[rng.integers(0, 3, n)] / math.sqrt(2)
    return np.hstack([rng.random((n, 1)), categories, rng.random((n, 1))])


def noise(n: int) -> np.ndarray:
    return np.random.default_rng(9).standard_normal(n)


def observed(values: np.ndarray, variance: float | None = None, n: int = 1) -> list[Observation]:
    return [Observation("ms", float(value), variance, n) for value in values]


def test_the_gradient_of_the_evidence_is_its_derivative():
    x, y, known = rows(12), noise(12), np.full(12, 0.01)
    distances = squared_distances(x, GROUPS)
    for theta in (np.array([0.1, -0.5, 1.0, -3.0]), np.array([-1.0, 1.0, 0.0, 0.5])):
        error = check_grad(
            lambda t: _evidence(t, distances, y, known)[0], lambda t: _evidence(t, distances, y, known)[1], theta
        )
        assert error < 1e-4


def test_the_kernel_of_the_fit_is_that_of_the_model():
    x, scales = rows(7), np.array([0.3, 2.0, 0.7])
    fitted, _ = matern(np.tensordot(scales**-2, squared_distances(x, GROUPS), axes=1))
    kernel = MixedMatern(torch.from_numpy(scales[list(GROUPS)]))
    modelled = kernel(torch.from_numpy(x)).to_dense().numpy()
    np.testing.assert_allclose(modelled, fitted, atol=1e-6)


def test_it_tells_what_matters_from_what_does_not():
    x = rows(40)
    y = np.sin(6 * x[:, 0])
    found = most_probable(squared_distances(x, GROUPS), (y - y.mean()) / y.std(), np.full(40, 1e-6), infer_noise=True)
    assert found.length_scales[0] < 0.2 * min(found.length_scales[1:])
    assert found.noise < 1e-2


def test_it_finds_noise_that_nobody_told_it_of():
    x = rows(60)
    y = x[:, 0] * 2 + 0.5 * noise(60)
    found = most_probable(squared_distances(x, GROUPS), (y - y.mean()) / y.std(), np.full(60, 1e-6), infer_noise=True)
    assert 0.1 < found.noise * y.var() < 0.4  # 0.25, drawn to zero by its prior


def test_multiplicative_effects_are_modelled_on_the_logarithm_and_additive_ones_not():
    x = rows(30)
    additive = 10 + 3 * x[:, 0] + x[:, 4] + np.where(x[:, 1] > 0, 1.0, 0.0)
    for values, log in [(np.exp(additive), True), (additive - 10.5, False)]:
        assert Surrogate(torch.from_numpy(x), observed(values), -1.0, GROUPS).scale.log is log


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_predictions_are_in_the_metrics_own_unit_and_direction(sign: float):
    x, asked = rows(40), rows(20, seed=1)

    def truth(at: np.ndarray) -> np.ndarray:
        return 1e6 * np.exp(at[:, 0] + np.where(at[:, 1] > 0, 0.5, 0.0))

    mean, deviation = Surrogate(torch.from_numpy(x), observed(truth(x)), sign, GROUPS).predict(torch.from_numpy(asked))
    np.testing.assert_allclose(mean, truth(asked), rtol=0.05)
    assert np.all(deviation > 0)
    assert np.mean(np.abs(mean - truth(asked)) < 2 * deviation) >= 0.9


def test_variances_of_few_runs_are_shrunk_and_divided_by_their_number():
    values = np.array([1.0, 2.0, 3.0, 4.0])
    scale = Scale.of(values, -1.0, log=False)
    unit = float(np.exp(2 * scale.log_slope(values[:1])[0]))
    observations = [
        Observation("ms", 1.0, 0.0, 3),
        Observation("ms", 2.0, 0.02, 3),
        Observation("ms", 3.0, None, 1),
        Observation("ms", 4.0, 0.01, 100),
    ]
    quiet, loud, single, many = noise_variances(observations, scale) / unit
    pooled = (2 * 0.02 + 99 * 0.01) / 103
    assert single == pytest.approx(pooled)
    assert 0 < quiet < pooled / 3 < loud < 0.02 / 3
    assert many == pytest.approx(0.01 / 100, rel=0.05)


def test_where_things_broke_is_avoided_and_where_they_ran_is_not():
    x = torch.from_numpy(rows(40))
    broke = x[:, 0] > 0.6
    feasibility = Feasibility(x, (~broke).int().tolist(), broke.int().tolist(), GROUPS)
    asked = torch.from_numpy(rows(200, seed=1))
    probability = feasibility.log_probability(asked).exp()
    assert torch.all((probability > 0) & (probability < 1))
    assert probability[asked[:, 0] > 0.75].max() < 0.3
    assert probability[asked[:, 0] < 0.45].min() > 0.7


def test_a_configuration_that_mostly_runs_is_more_likely_valid_than_one_that_mostly_breaks():
    x = torch.tensor([[0.1], [0.5], [0.9]], dtype=torch.float64)
    often, half, seldom = Feasibility(x, [9, 5, 1], [1, 5, 9], (0,)).log_probability(x)
    assert often > half > seldom
