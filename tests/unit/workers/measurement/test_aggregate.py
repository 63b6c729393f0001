"""Statistics within a run."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuner_workers.measurement.aggregate import aggregate, quantile

from tuner.core.observation import STATISTICS

finite = st.floats(-1e12, 1e12)
samples = st.lists(finite, min_size=1, max_size=50)


@given(st.lists(finite, min_size=2, max_size=50))
def test_quantiles_are_those_of_definition_7(values):
    # statistics.quantiles(method="inclusive") is the same definition, written by others.
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    for name, cut in (("p50", cuts[49]), ("p90", cuts[89]), ("p95", cuts[94]), ("p99", cuts[98])):
        assert aggregate(name, values) == pytest.approx(cut, rel=1e-9, abs=1e-3)


@given(samples, st.sampled_from([name for name in STATISTICS if name != "sum"]))
def test_every_statistic_lies_within_the_samples(values, name):
    value = aggregate(name, values)
    slack = 1e-9 * max(map(abs, values))
    assert min(values) - slack <= value <= max(values) + slack


@given(finite, st.sampled_from(STATISTICS))
def test_one_sample_is_every_statistic(value, name):
    assert aggregate(name, [value]) == value


def test_the_plain_ones():
    values = [3.0, 1.0, 2.0]
    assert {name: aggregate(name, values) for name in ("mean", "median", "min", "max", "sum", "last")} == {
        "mean": 2.0,
        "median": 2.0,
        "min": 1.0,
        "max": 3.0,
        "sum": 6.0,
        "last": 2.0,
    }
    assert quantile([0.0, 10.0], 0.95) == 9.5


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", STATISTICS)
def test_what_is_not_finite_is_refused_wherever_it_stands(bad, name):
    with pytest.raises(ValueError, match="not a finite number"):
        aggregate(name, [1.0, bad, 2.0])


def test_what_cannot_be_computed_is_refused():
    with pytest.raises(ValueError, match="no samples"):
        aggregate("mean", [])
    with pytest.raises(ValueError, match="no statistic"):
        aggregate("p12", [1.0])
    with pytest.raises(ValueError, match=r"too large|not a finite"):
        aggregate("sum", [1e308, 1e308])
