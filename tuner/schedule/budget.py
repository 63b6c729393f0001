"""When exploring ends."""

from __future__ import annotations

from tuner.core.study import EXTERNAL, Study, StudyState
from tuner.core.trial import Purpose
from tuner.schedule.tally import Tally

CHECK_SHARE = 0.1
"""Least share of a time budget that is kept for the final check, and the largest is half."""

ARM_SHARE = 0.7
"""What an arm of the final check takes of a trial's time: it measures as long but builds nothing."""


def reserve(study: Study, typical_cost: float) -> float:
    """Seconds of the time budget to keep for the final check, given the median seconds of a trial so far."""
    budget, arms = study.spec.budget.time, _arms(study)
    if budget is None or not arms:
        return 0.0
    return min(budget / 2, max(budget * CHECK_SHARE, arms * ARM_SHARE * typical_cost))


def may_explore(study: Study, tally: Tally, now: float, typical_cost: float) -> bool:
    """Whether one more explore trial may be begun: what is open counts as if it had ended."""
    budget = study.spec.budget
    if study.state is not StudyState.ACTIVE:
        return False
    if budget.trials is not None and tally.counted + tally.open([Purpose.EXPLORE]) >= budget.trials:
        return False
    return budget.time is None or study.elapsed(now) < budget.time - reserve(study, typical_cost)


def exploring_is_over(study: Study, tally: Tally, now: float, typical_cost: float, exhausted: bool) -> bool:
    """Whether no explore trial is open and none will be begun. ``exhausted``: the space holds no more."""
    if tally.open([Purpose.EXPLORE, Purpose.DEFAULT]):
        return False
    return exhausted or not may_explore(study, tally, now, typical_cost)


def time_left(study: Study, tally: Tally, now: float, typical_cost: float, workers: int) -> float | None:
    """Estimated seconds until the study ends; None while nothing has been measured."""
    budget = study.spec.budget
    if study.state.terminal:
        return 0.0
    if not typical_cost:
        return None
    check = _arms(study) * ARM_SHARE * typical_cost
    if study.state is StudyState.CONFIRMING:
        return check
    estimates = []
    if budget.trials is not None:
        left = max(0, budget.trials - tally.counted)
        estimates.append(left * typical_cost / max(1, workers) + check)
    if budget.time is not None:
        estimates.append(max(0.0, budget.time - study.elapsed(now)))
    return min(estimates, default=None)


def _arms(study: Study) -> int:
    """Arms of the final check; none where a program measures by itself, which nobody can make alternate."""
    return 0 if study.spec.workload.kind == EXTERNAL else 2 * study.spec.measurement.blocks
