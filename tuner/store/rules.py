"""The transitions that every store refuses, and the words in which it does."""

from __future__ import annotations

from typing import NoReturn

from tuner.core.errors import InvalidInput, Problem, WrongState
from tuner.core.study import STUDY_TRANSITIONS, StudyState
from tuner.core.trial import TRIAL_TRANSITIONS, Attempt, AttemptState, Result, TrialState

_ORDER = {AttemptState.OFFERED: 0, AttemptState.LEASED: 1, AttemptState.RUNNING: 2}


def check_study_transition(study_id: str, expected: StudyState, to: StudyState) -> None:
    """Raises WrongState where the life of a study has no such transition."""
    if to not in STUDY_TRANSITIONS[expected] and (to is not expected or expected.terminal):
        refuse(f"study {study_id}", expected.value, to.value)


def check_trial_transition(trial_id: str, expected: TrialState, to: TrialState) -> None:
    """Raises WrongState where the life of a trial has no such transition."""
    if to not in TRIAL_TRANSITIONS[expected] and (to is not expected or expected.terminal):
        refuse(f"trial {trial_id}", expected.value, to.value)


def check_attempt_transition(attempt_id: str, expected: AttemptState, to: AttemptState) -> None:
    """Raises WrongState where the attempt is over, or would go back."""
    if not expected.live or (to.live and _ORDER[to] < _ORDER[expected]):
        refuse(f"attempt {attempt_id}", expected.value, to.value)


def refuse(what: str, expected: str, to: str) -> NoReturn:
    """Raise WrongState: no such transition."""
    raise WrongState(f"{what} is {expected} and cannot become {to}")


def refuse_changed(what: str, expected: str, found: str) -> NoReturn:
    """Raise WrongState: somebody else was faster."""
    raise WrongState(f"{what} is {found}, not {expected}: it was changed meanwhile")


def check_members(attempt: Attempt) -> None:
    """Raises InvalidInput where nobody would make the attempt."""
    if not attempt.members:
        raise InvalidInput(Problem("members", f"an attempt at trial {attempt.trial_id} has none", None, "at least one"))


def check_result(result: Result) -> None:
    """Raises InvalidInput where a result names one metric twice."""
    metrics = [observation.metric for observation in result.observations]
    twice = sorted({metric for metric in metrics if metrics.count(metric) > 1})
    if twice:
        raise InvalidInput([Problem("observations", "a metric is observed twice", metric) for metric in twice])
