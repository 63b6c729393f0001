"""Counts of trials, and when exploring ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schedule_samples import NOW, SPEC, study, with_budget

from tuner.core.study import EXTERNAL, StudyState, Workload
from tuner.core.trial import COUNTED, Purpose, TrialState
from tuner.schedule.budget import exploring_is_over, may_explore, reserve, time_left
from tuner.schedule.tally import Tally

E, D, R, C = Purpose.EXPLORE, Purpose.DEFAULT, Purpose.REPLICATE, Purpose.CONFIRM
T = TrialState
ROW = st.tuples(
    st.sampled_from([None, "e1", "e2"]), st.sampled_from(list(Purpose)), st.sampled_from(list(T)), st.integers(0, 9)
)


def explored(number: int, running: int = 0) -> Tally:
    return Tally.of([("e", D, T.COMPLETED, 1), ("e", E, T.COMPLETED, number), ("e", E, T.RUNNING, running)])


@given(st.lists(ROW, max_size=20))
def test_a_tally_adds_up_rows_however_they_are_split(rows):
    tally = Tally.of(rows)
    assert tally.number() == sum(row[3] for row in rows)
    assert tally.number(environment="e1", states=[T.QUEUED]) == sum(
        n for where, _, state, n in rows if where == "e1" and state is T.QUEUED
    )
    assert tally.counted == sum(n for _, purpose, state, n in rows if purpose is E and state in COUNTED)
    assert tally.open() == sum(n for _, _, state, n in rows if not state.terminal)
    assert tally.open([D, E], "e2") == sum(
        n for where, purpose, state, n in rows if where == "e2" and purpose in (D, E) and not state.terminal
    )


def test_only_ended_explore_trials_use_up_the_budget():
    rows = [("e", purpose, state, 1) for purpose in Purpose for state in T]
    assert Tally.of(rows).counted == 4
    assert Tally.of([("e", E, T.CANCELLED, 5), ("e", E, T.QUEUED, 5), ("e", R, T.COMPLETED, 5)]).counted == 0


@pytest.mark.parametrize(
    ("ended", "running", "may"), [(0, 0, True), (4, 5, True), (5, 5, False), (10, 0, False), (11, 0, False)]
)
def test_open_trials_count_as_if_they_had_ended(ended, running, may):
    assert may_explore(with_budget(trials=10), explored(ended, running), NOW, 1.0) is may


@pytest.mark.parametrize("state", [s for s in StudyState if s is not StudyState.ACTIVE])
def test_only_an_active_study_explores(state):
    assert not may_explore(study(state=state), explored(0), NOW, 1.0)


def test_exploring_ends_where_the_reserve_for_the_final_check_begins():
    bounded = with_budget(time=1000.0, blocks=5)
    kept = reserve(bounded, 20.0)
    assert kept == pytest.approx(2 * 5 * 0.7 * 20.0)
    assert may_explore(bounded, explored(3), NOW + 1000 - kept - 1, 20.0)
    assert not may_explore(bounded, explored(3), NOW + 1000 - kept, 20.0)


@pytest.mark.parametrize(
    ("cost", "kept"), [(0.0, 100.0), (1.0, 100.0), (30.0, 252.0), (1e6, 500.0)], ids=["none", "least", "some", "most"]
)
def test_the_reserve_is_a_tenth_to_a_half_of_the_time(cost, kept):
    assert reserve(with_budget(time=1000.0, blocks=6), cost) == pytest.approx(kept)


def test_nothing_is_kept_for_a_check_that_will_not_be():
    assert reserve(with_budget(time=1000.0, blocks=0), 5.0) == 0
    assert reserve(with_budget(trials=5), 5.0) == 0
    told = with_budget(time=1000.0)
    assert reserve(replace(told, spec=replace(told.spec, workload=Workload(EXTERNAL))), 5.0) == 0


def test_time_that_a_study_was_not_active_is_not_counted():
    paused = replace(with_budget(time=100.0, blocks=0), active_seconds=40.0, active_since=None)
    assert may_explore(paused, explored(1), NOW + 1e6, 1.0)
    resumed = replace(paused, active_since=NOW + 1e6)
    assert may_explore(resumed, explored(1), NOW + 1e6 + 59, 1.0)
    assert not may_explore(resumed, explored(1), NOW + 1e6 + 60, 1.0)


def test_the_first_of_two_bounds_ends_exploring():
    both = with_budget(trials=10, time=100.0, blocks=0)
    assert may_explore(both, explored(9), NOW + 99, 1.0)
    assert not may_explore(both, explored(10), NOW + 1, 1.0)
    assert not may_explore(both, explored(1), NOW + 100, 1.0)


def test_exploring_is_over_when_nothing_is_open_and_nothing_will_be_begun():
    bounded = with_budget(trials=3)
    assert not exploring_is_over(bounded, explored(2), NOW, 1.0, exhausted=False)
    assert not exploring_is_over(bounded, explored(2, running=1), NOW, 1.0, exhausted=False)
    assert exploring_is_over(bounded, explored(3), NOW, 1.0, exhausted=False)
    assert exploring_is_over(bounded, explored(1), NOW, 1.0, exhausted=True)
    assert not exploring_is_over(bounded, explored(0, running=1), NOW, 1.0, exhausted=True)
    default_open = Tally.of([("e", D, T.RUNNING, 1)])
    assert not exploring_is_over(bounded, default_open, NOW, 1.0, exhausted=True)


def test_the_time_left_is_an_estimate_that_says_when_it_knows_nothing():
    assert time_left(with_budget(trials=10), explored(0), NOW, 0.0, 1) is None
    check = 2 * 6 * 0.7 * 2.0
    assert time_left(with_budget(trials=10), explored(4), NOW, 2.0, 1) == pytest.approx(6 * 2.0 + check)
    assert time_left(with_budget(trials=10), explored(4), NOW, 2.0, 3) == pytest.approx(2 * 2.0 + check)
    assert time_left(with_budget(trials=10), explored(4), NOW, 2.0, 0) == pytest.approx(6 * 2.0 + check)
    assert time_left(with_budget(time=60.0), explored(4), NOW + 20, 2.0, 1) == pytest.approx(40.0)
    assert time_left(with_budget(time=60.0), explored(4), NOW + 99, 2.0, 1) == 0.0
    assert time_left(study(state=StudyState.COMPLETED), explored(10), NOW, 2.0, 1) == 0.0
    assert time_left(study(state=StudyState.CONFIRMING), explored(10), NOW, 2.0, 1) == pytest.approx(check)


def test_no_check_is_expected_where_none_will_be():
    told = replace(SPEC, workload=Workload(EXTERNAL))
    assert time_left(study(told), explored(4), NOW, 2.0, 1) == pytest.approx(6 * 2.0)
