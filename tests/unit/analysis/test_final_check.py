"""The intervals of the final check: by hand, under drift, and how often they hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from tuner.analysis.check import check
from tuner.core.observation import Metric, Run
from tuner.core.study import Goal, Objective
from tuner.schedule.conclusion import check_plan

MS = Objective(Metric("p95(ms)", "ms", "p95"))
ACC = Objective(Metric("acc", "acc"), Goal.MAXIMIZE)


def run(block, arm, **values):
    named = {"p95(ms)" if name == "ms" else name: value for name, value in values.items()}
    return Run(0, 0.0, 1.0, named, arm=arm, block=block)


def pairs(before, after, name="ms"):
    """One run of each arm in each block."""
    runs = []
    for block, (b, a) in enumerate(zip(before, after, strict=True)):
        runs += [run(block, "default", **{name: b}), run(block, "recommended", **{name: a})]
    return runs


def test_the_interval_is_students_over_the_blocks_log_ratios():
    """By hand: log ratios ln(1/2), ln(1/2), ln(1/4), ln(1/8), ln(1/4) = -ln 2 x (1, 1, 2, 3, 2).

    Their mean is -1.8 ln 2, the sum of squares 2.8 ln2^2, so s^2 = 0.7 ln2^2 and s/sqrt(5) = sqrt(0.14) ln 2;
    t(0.975, 4) = 2.7764451 (any table).
    """
    [found] = check([MS], pairs([8.0] * 5, [4.0, 4.0, 2.0, 1.0, 2.0]))
    t, ln2 = 2.7764451051977987, math.log(2)
    assert found.metric == "p95(ms)"
    assert (found.default, found.recommended, found.n) == (8.0, pytest.approx(2.6), 5)
    assert found.ratio == pytest.approx(2**-1.8)
    reach = t * math.sqrt(0.14) * ln2
    assert found.ci95 == pytest.approx((math.exp(-1.8 * ln2 - reach), math.exp(-1.8 * ln2 + reach)))
    again = t * math.sqrt(2 * 0.14) * ln2
    assert found.pi95 == pytest.approx((math.exp(-1.8 * ln2 - again), math.exp(-1.8 * ln2 + again)))
    assert found.verdict == "better"


def test_runs_within_a_block_are_one_repeat():
    once = pairs([10.0, 11.0, 12.0, 9.0, 10.5], [9.0, 10.5, 10.0, 9.5, 9.0])
    again = [
        run(r.block, r.arm, ms=r.values["p95(ms)"] + shift) for r in once for shift in (-0.5, 0.0, 0.5)
    ]  # fmt: skip
    assert check([MS], once) == check([MS], again)


@pytest.mark.parametrize("blocks", [6, 8, 20])
def test_a_steady_drift_cancels(blocks):
    """The device slows by 1 % of its time at each step; no arm is better."""
    place = iter(range(2 * blocks))
    runs = [run(i // 2, arm, ms=10.0 * 1.01 ** next(place)) for i, arm in enumerate(check_plan(blocks))]
    [found] = check([MS], runs)
    assert found.ratio == pytest.approx(1.0)
    assert found.verdict == "no difference shown"


def test_a_drift_that_is_as_large_as_the_gain_hides_nothing():
    runs = [run(i // 2, arm, ms=(10.0 if arm == "default" else 9.0) * 1.01**i) for i, arm in enumerate(check_plan(6))]
    [found] = check([MS], runs)
    assert found.ratio == pytest.approx(0.9)
    assert found.verdict == "better"


@pytest.mark.parametrize(
    ("objective", "name", "before", "after", "verdict"),
    [
        (MS, "ms", 10.0, 9.0, "better"),
        (MS, "ms", 9.0, 10.0, "worse"),
        (ACC, "acc", 0.8, 0.9, "better"),
        (ACC, "acc", 0.9, 0.8, "worse"),
        (ACC, "acc", 0.9, 0.9, "no difference shown"),
    ],
)
def test_the_verdict_knows_which_way_is_better(objective, name, before, after, verdict):
    [found] = check([objective], pairs([before] * 6, [after] * 6, name))
    assert found.verdict == verdict
    assert found.ci95 == pytest.approx((after / before, after / before))


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ([0.0] * 6, [1.0, 1.1, 0.9, 1.0, 1.05, 0.95], "worse"),
        ([-1.0, -1.1, -0.9, -1.0, -1.05, -0.95], [-3.0] * 6, "better"),
        ([0.0] * 6, [0.0] * 6, "no difference shown"),
        ([1.0, 2.0, 3.0, 4.0, 5.0, 0.0], [0.5, 1.5, 2.5, 3.5, 4.5, -0.5], "better"),
    ],
)
def test_where_a_value_is_not_positive_the_differences_decide(before, after, verdict):
    [found] = check([MS], pairs(before, after))
    assert (found.ratio, found.ci95, found.pi95, found.n) == (None, None, None, 6)
    assert found.verdict == verdict


def test_the_intervals_of_several_objectives_hold_together():
    before, after = [8.0, 8.1, 8.2, 7.9, 8.0, 7.8], [7.0, 7.4, 6.9, 7.5, 7.2, 7.1]
    runs = [
        run(a.block, a.arm, ms=a.values["p95(ms)"], acc=b.values["acc"])
        for a, b in zip(pairs(before, after), pairs(after, before, "acc"), strict=True)
    ]
    [alone] = check([MS], runs)
    first, second = check([MS, ACC], runs)
    [alone_wide] = check([Objective(MS.metric)], runs)
    assert alone == alone_wide
    assert first.ci95[0] < alone.ci95[0] < alone.ci95[1] < first.ci95[1]
    # Bonferroni: 97.5 % each for two; t(0.9875, 5) = 3.1634 and t(0.975, 5) = 2.5706.
    widths = [math.log(c.ci95[1] / c.ci95[0]) for c in (first, alone)]
    assert widths[0] / widths[1] == pytest.approx(3.16338 / 2.57058, rel=1e-4)
    # What a repeat will find is said of each ratio by itself.
    assert first.pi95 == alone.pi95
    assert second.verdict == "better"


def test_incomplete_blocks_are_left_out():
    runs = [*pairs([8.0] * 5, [4.0] * 5), run(5, "default", ms=1000.0), run(6, "recommended", ms=0.001)]
    [found] = check([MS], runs)
    assert (found.n, found.default, found.ratio) == (5, 8.0, pytest.approx(0.5))


def test_runs_of_no_arm_do_not_count():
    assert check([MS], [*pairs([8.0] * 5, [4.0] * 5), run(0, "", ms=1e9)])[0].default == 8.0


def test_nothing_measured_is_an_error():
    with pytest.raises(ValueError, match="no complete block"):
        check([MS], [run(0, "default", ms=1.0), run(1, "recommended", ms=1.0)])
    with pytest.raises(ValueError, match="p95"):
        check([MS, ACC], pairs([1.0], [1.0], "acc"))


def test_one_block_shows_nothing():
    [found] = check([MS], pairs([8.0], [1.0]))
    assert found.verdict == "no difference shown"
    assert (found.ratio, found.ci95) == (pytest.approx(0.125), (0.0, math.inf))


def test_values_at_the_ends_of_the_floats_do_not_overflow():
    wild = pairs([1e-300, 1e300, 1e-300, 1e300, 1e-300], [1e300, 1e-300, 1e300, 1e-300, 5e-324])
    [found] = check([MS], wild)
    assert found.verdict == "no difference shown"
    assert not any(math.isnan(value) for value in (found.ratio, *found.ci95, *found.pi95))
    [apart] = check([MS], pairs([1e-300] * 6, [1e300] * 6))
    assert apart.verdict == "worse"
    [huge] = check([MS], pairs([1e308] * 6, [1e308, 1.1e308, 1e308, 1e308, 0.9e308, 1e308]))
    assert huge.ratio == pytest.approx(1.0, rel=0.05)
    [signed] = check([MS], pairs([-1e308] * 5, [1.5e308] * 5))
    assert signed.verdict in ("worse", "no difference shown")


def test_how_often_the_intervals_hold():
    """2000 seeded checks of six blocks with noise within and between blocks; a true ratio of 0.93.

    The bounds are where a right interval falls in 999 999 of a million such simulations.
    """
    rng = np.random.default_rng(20_260_101)
    repeats, blocks, truth = 2000, 6, 0.93
    plan = check_plan(blocks)

    def measured():
        levels = 10.0 * np.exp(rng.normal(0.0, 0.2, blocks))
        noise = np.exp(rng.normal(0.0, 0.03, len(plan)))
        ratio = {"default": 1.0, "recommended": truth}
        runs = [run(i // 2, arm, ms=levels[i // 2] * ratio[arm] * noise[i]) for i, arm in enumerate(plan)]
        return check([MS], runs)[0]

    checks = [measured() for _ in range(repeats)]
    repeated = [measured().ratio for _ in range(repeats)]
    covered = sum(found.ci95[0] <= truth <= found.ci95[1] for found in checks)
    predicted = sum(found.pi95[0] <= ratio <= found.pi95[1] for found, ratio in zip(checks, repeated, strict=True))
    low, high = binom.ppf([5e-7, 1 - 5e-7], repeats, 0.95)
    assert low <= covered <= high, covered
    assert low <= predicted <= high, predicted


def test_how_often_no_difference_is_called_one():
    """Of 2000 checks of two equal configurations in two objectives, at most one in twenty finds any difference."""
    rng = np.random.default_rng(7)
    repeats = 2000

    def differs():
        ms, acc = (np.exp(rng.normal(0.0, 0.05, 12)) for _ in range(2))
        runs = [run(i // 2, arm, ms=ms[i], acc=acc[i]) for i, arm in enumerate(check_plan(6))]
        return any(found.verdict != "no difference shown" for found in check([MS, ACC], runs))

    false = sum(differs() for _ in range(repeats))
    low, high = binom.ppf([5e-7, 1 - 5e-7], repeats, 1 - 0.975**2)
    assert low <= false <= high, false
