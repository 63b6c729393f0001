"""When a configuration is warm, and when enough runs are counted."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuner_workers.measurement.repetition import MAX_RUNS, MAX_WARMUP, MIN_RUNS, Repetition, relative_error

AUTO = Repetition.of(None, None)
durations = st.lists(st.floats(0, 100), max_size=12)


@pytest.mark.parametrize(
    ("seen", "warm"),
    [
        ([], False),
        ([1.0], False),
        ([1.0, 0.5], False),
        ([1.0, 0.5, 0.49], True),
        ([0.0, 0.0], True),
        ([1e-5, 9e-4], True),  # a tick, not a trend
        ([5.0, 4.0, 3.0, 2.0], False),
        ([5.0, 4.0, 3.0, 2.0, 1.0], True),  # enough is enough
        ([61.0], True),  # a tenth of the timeout is gone
    ],
)
def test_automatic_warm_up(seen, warm):
    assert AUTO.is_warm(seen, timeout=600.0) is warm


@given(durations, st.floats(1, 1e6))
def test_automatic_warm_up_takes_at_least_one_run_and_ends(seen, timeout):
    assert not AUTO.is_warm([], timeout)
    if len(seen) >= MAX_WARMUP:
        assert AUTO.is_warm(seen, timeout)


@given(st.integers(0, 9), durations)
def test_a_stated_warm_up_is_kept(warmup, seen):
    assert Repetition.of(warmup, None).is_warm(seen, 600.0) is (len(seen) >= warmup)


@pytest.mark.parametrize(
    ("values", "enough"),
    [
        ([[1.0, 1.0]], False),
        ([[1.0, 1.0, 1.0]], True),
        ([[1.0, 2.0, 3.0]], False),
        ([[1.0, 1.0, 1.0], [1.0, 2.0, 3.0]], False),
        ([[1.0, 2.0] * 4], True),
        ([[1.0, -1.0, 0.0]], False),
    ],
)
def test_automatic_runs(values, enough):
    assert AUTO.is_enough(values, [0.1] * len(values[0]), left=100.0) is enough


def test_a_run_that_would_not_end_in_time_is_not_begun():
    assert AUTO.is_enough([[1.0]], [30.0], left=20.0)
    assert not AUTO.is_enough([[1.0]], [30.0], left=40.0)
    # But what was asked for is tried, and fails by its timeout if it must.
    assert not Repetition.of(0, 2).is_enough([[1.0]], [30.0], left=20.0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.integers(1, 9))
def test_the_number_of_runs_keeps_its_bounds(values, runs):
    n = len(values)
    auto = AUTO.is_enough([values], [0.1] * n, left=1e9)
    assert n >= MIN_RUNS if auto else n < MAX_RUNS
    assert Repetition.of(0, runs).is_enough([values], [0.1] * n, left=1e9) is (n >= runs)


def test_relative_error():
    assert relative_error([1.0]) == math.inf
    assert relative_error([0.0, 0.0]) == 0.0
    assert relative_error([1.0, -1.0]) == math.inf
    assert relative_error([9.0, 11.0]) == pytest.approx(0.1)
