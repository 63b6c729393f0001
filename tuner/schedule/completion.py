"""What a result does to its trial: decided once, by the states that trial and attempt are in when it arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuner.core.errors import InvalidInput, Problem
from tuner.core.observation import Metric
from tuner.core.trial import Attempt, CauseKind, Result, Trial, TrialState
from tuner.schedule.lease import end

REPORTABLE = (TrialState.COMPLETED, TrialState.INFEASIBLE, TrialState.FAILED, TrialState.STOPPED)


@dataclass(frozen=True)
class Completion:
    """What is to be done with a result.

    Attributes:
        trial: as it is afterwards.
        late: the result is kept as a replicate and the trial does not change.
        superseded: the trial's newer attempt, if it is live, has nothing left to measure.
    """

    trial: Trial
    late: bool
    superseded: bool


def complete(trial: Trial, attempt: Attempt, result: Result, now: float) -> Completion:
    """Decide on a result that no earlier one of the same attempt preceded.

    A result counts for its trial as long as the trial has not ended, even if the attempt's lease was lost: it was
    measured. A newer attempt is then superseded. After the end it is a replicate.
    """
    if trial.state.terminal:
        return Completion(trial, late=True, superseded=False)
    superseded = trial.state.held and attempt.number != trial.attempts
    return Completion(end(trial, result.state, now, result.cause), late=False, superseded=superseded)


def check_result(result: Result, wanted: Sequence[Metric], auxiliary: Mapping[str, str] | None) -> None:
    """Refuse a result that is not what its trial asked for.

    Args:
        result: as reported.
        wanted: metrics that a completion must carry.
        auxiliary: further metric names with their units, as workload and meters declared them; None where they
            could not be declared beforehand, then each must carry a unit.

    Raises:
        InvalidInput: a state that no worker can report, a missing, unknown or doubled metric, a wrong unit, a failure
            without a cause; all of them at once.
    """
    problems: list[Problem] = []
    if result.state not in REPORTABLE:
        names = ", ".join(state.value for state in REPORTABLE)
        problems.append(Problem("state", "cannot be reported", result.state.value, f"one of {names}"))
    if result.state in (TrialState.INFEASIBLE, TrialState.FAILED) and result.cause is None:
        problems.append(Problem("cause", f"is missing from a trial that is {result.state.value}", None, "a cause"))
    if result.state is TrialState.INFEASIBLE and result.cause and result.cause.kind is not CauseKind.REFUSED:
        problems.append(Problem("cause.kind", "of an infeasible trial", result.cause.kind.value, "refused"))
    if result.cost < 0:
        problems.append(Problem("cost", "is negative", result.cost, "seconds"))
    keys = [metric.key for metric in wanted]
    seen: set[str] = set()
    for observation in result.observations:
        name = observation.metric
        if name in seen:
            problems.append(Problem(f"observations.{name}", "is reported twice"))
        seen.add(name)
        if name in keys:
            continue
        if auxiliary is None:
            if not observation.unit:
                problems.append(Problem(f"observations.{name}", "has no unit", None, _expected(keys)))
        elif name not in auxiliary:
            problems.append(Problem(f"observations.{name}", "is not wanted, nor declared", None, _expected(keys)))
        elif observation.unit != auxiliary[name]:
            problems.append(
                Problem(f"observations.{name}.unit", "is not as declared", observation.unit, repr(auxiliary[name]))
            )
    if result.state is TrialState.COMPLETED:
        problems += [
            Problem(f"observations.{key}", "is missing", None, _expected(keys)) for key in keys if key not in seen
        ]
    if problems:
        raise InvalidInput(problems)


def _expected(keys: Sequence[str]) -> str:
    return "the metrics that the trial wants: " + ", ".join(keys)
