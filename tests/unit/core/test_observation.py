"""Summaries over runs, and replicates pooled as if their runs had been one."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.core.observation import Observation, pool, summarise

RUNS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8)


@given(RUNS)
def test_a_summary_is_mean_and_variance_between_runs(values: list[float]) -> None:
    found = summarise("m", values, "ms", "wall clock")
    assert (found.metric, found.n, found.unit, found.method) == ("m", len(values), "ms", "wall clock")
    assert found.mean == pytest.approx(statistics.fmean(values))
    if len(values) == 1:
        assert found.variance is None
    else:
        assert found.variance == pytest.approx(statistics.variance(values), rel=1e-6, abs=1e-6)


@given(st.lists(RUNS, min_size=1, max_size=5))
def test_a_pool_equals_the_summary_over_all_runs(replicates: list[list[float]]) -> None:
    together = summarise("m", [value for runs in replicates for value in runs], "ms")
    pooled = pool([summarise("m", runs, "ms") for runs in replicates])
    assert pooled.n == together.n
    assert pooled.unit == "ms"
    assert pooled.mean == pytest.approx(together.mean, abs=1e-6)
    if together.variance is None:
        assert pooled.variance is None
    else:
        assert pooled.variance == pytest.approx(together.variance, rel=1e-6, abs=1e-3)


def test_a_pool_of_one_is_that_one() -> None:
    only = Observation("m", 1.0, 0.5, 3, "J", "rapl")
    assert pool([only]) is only


def test_what_cannot_be_pooled_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to pool"):
        pool([])
    with pytest.raises(ValueError, match="different metrics"):
        pool([Observation("a", 1.0), Observation("b", 1.0)])


@pytest.mark.parametrize(
    "values",
    [
        [],
        [float("nan")],
        [float("inf")],
        [float("-inf"), 1.0],
        [float("inf"), float("-inf")],
        [1e308, 1e308],
        [1e200, -1e200],
    ],
)
def test_what_no_number_can_summarise_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each in its own words
        summarise("m", values)


WIDE = [[1e200, 1.0, -1e200], [1.7e308, 1.6e308, 1.5e308], [-1e308, -1.7e308], [1.7e308, -1.7e308]]


@pytest.mark.parametrize("means", WIDE)
def test_of_a_pool_too_wide_for_a_number_the_middle_speaks(means: list[float]) -> None:
    found = pool([Observation("m", mean, 1.0, 3) for mean in means])
    assert found == Observation("m", sorted(means)[(len(means) - 1) // 2], 1.0, 3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mean": float("nan")}, "mean must be a finite number, got nan"),
        ({"mean": float("inf")}, "mean must be a finite number, got inf"),
        ({"mean": 1.0, "n": 0}, "n must be at least 1, got 0"),
        ({"mean": 1.0, "variance": -1e-9}, "variance must be finite and not negative"),
        ({"mean": 1.0, "variance": float("nan")}, "variance must be finite and not negative"),
    ],
)
def test_an_observation_holds_numbers_only(fields: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=f"^m: .*{message}"):
        Observation("m", **fields)  # type: ignore[arg-type]
