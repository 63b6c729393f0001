"""The scale of a metric: monotone, robust, and undone for what is predicted."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("numpy", reason="the models need the extra [server]")

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tuner_models.scale import Scale, scales

FINITE = st.floats(allow_nan=False, allow_infinity=False)
SOME = st.lists(FINITE, min_size=1, max_size=20)


@given(values=SOME, others=st.lists(FINITE, min_size=2, max_size=10), sign=st.sampled_from([1.0, -1.0]))
def test_it_is_finite_and_keeps_the_order_for_any_values(values: list[float], others: list[float], sign: float):
    for scale in scales(np.array(values), sign):
        mapped = scale.forward(np.array(sorted(others)))
        assert np.all(np.isfinite(mapped))
        assert np.all(np.diff(sign * mapped) >= 0)
        assert not np.any(np.isnan(scale.log_slope(np.array(values))))


@given(values=SOME, mean=st.floats(-10, 10), deviation=st.floats(0, 10))
def test_a_prediction_is_finite_for_any_values(values: list[float], mean: float, deviation: float):
    for scale in scales(np.array(values), -1.0):
        for result in scale.backward(np.array([mean]), np.array([deviation])):
            assert np.all(np.isfinite(result))
            assert scale.log is False or np.all(result >= 0)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_certain_predictions_come_back_as_they_went(log: bool, sign: float):
    values = np.random.default_rng(0).lognormal(size=30)
    scale = Scale.of(values, sign, log=log)
    middle = np.sort(values)[8:22]
    mean, deviation = scale.backward(scale.forward(middle), np.full(len(middle), 1e-9))
    np.testing.assert_allclose(mean, middle, rtol=1e-6)
    assert np.all(deviation < 1e-6)


def test_a_log_normal_prediction_has_the_moments_of_its_samples():
    scale = Scale.of(np.array([1.0, 2.0, 4.0, 8.0, 16.0]), -1.0, log=True)
    mean, deviation = scale.backward(np.array([0.3]), np.array([0.5]))
    normal = 0.3 + 0.5 * np.random.default_rng(1).standard_normal(400_000)
    samples = np.exp(scale.centre + scale.sign * scale.spread * (scale.mean + scale.deviation * normal))
    assert mean[0] == pytest.approx(samples.mean(), rel=0.01)
    assert deviation[0] == pytest.approx(samples.std(), rel=0.02)


@pytest.mark.parametrize("log", [False, True])
def test_the_slope_is_the_derivative_also_where_it_bends(log: bool):
    values = np.array([1.0, 1.1, 1.2, 1.3, 1.5, 9.0, 0.02])
    scale = Scale.of(values, -1.0, log=log)
    step = 1e-6 * values
    numeric = np.abs(scale.forward(values + step) - scale.forward(values - step)) / (2 * step)
    np.testing.assert_allclose(np.exp(scale.log_slope(values)), numeric, rtol=1e-4)


@pytest.mark.parametrize("outlier", [1e3, 1e300, -1e300])
def test_an_outlier_of_any_size_leaves_the_rest_told_apart(outlier: float):
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, outlier])
    rest = Scale.of(values, -1.0, log=False).forward(values)[:-1]
    assert np.ptp(rest) > 0.4


@pytest.mark.parametrize("value", [0.0, 0.97, -3.0, 1e300])
def test_a_constant_metric_is_at_zero_and_near_limits_are_far(value: float):
    for scale in scales(np.full(5, value), 1.0):
        assert scale.forward(np.array([value]))[0] == 0
        assert scale.forward(np.array([value - 0.05 * (abs(value) or 100.0)]))[0] < -1


def test_the_logarithm_is_offered_where_all_are_positive():
    assert [scale.log for scale in scales(np.array([1.0, 2.0]), 1.0)] == [False, True]
    assert [scale.log for scale in scales(np.array([0.0, 2.0]), 1.0)] == [False]


def test_a_limit_that_is_not_positive_is_at_the_end_of_a_logarithm():
    scale = Scale.of(np.array([1.0, 2.0, 3.0]), 1.0, log=True)
    mapped = scale.forward(np.array([-1.0, 0.0, 1e-300]))
    assert mapped[0] == mapped[1] < mapped[2]
    assert math.isfinite(mapped[0])
