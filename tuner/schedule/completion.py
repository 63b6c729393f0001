"""What a result does to its trial: decided once, by the states that trial and attempt are in when it arrives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tuner.core.errors import InvalidInput, Problem
from tuner.core.observation import Metric, Run
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
    measured. A newer attempt is then superseded. After the end it is a replicate. An old attempt's stop does not end a
    trial that waits to be measured again: nothing of it was measured to its end.
    """
    if trial.state.terminal or (trial.state is TrialState.QUEUED and result.state is TrialState.STOPPED):
        return Completion(trial, late=True, superseded=False)
    superseded = trial.state.held and attempt.number != trial.attempts
    return Completion(end(trial, result.state, now, result.cause), late=False, superseded=superseded)


def check_result(
    result: Result, wanted: Sequence[Metric], declared: Mapping[str, str] | None, plan: Sequence[str] = ()
) -> None:
    """Refuse a result that is not what its trial asked for.

    Args:
        result: as reported.
        wanted: metrics that a completion must carry.
        declared: metric names with their units, as workload and meters declared them; None where they could not be
            declared beforehand, then each auxiliary metric must carry a unit.
        plan: for a final check, the arms that a completion must hold the runs of.

    Raises:
        InvalidInput: a state that no worker can report, a missing, unknown or doubled metric, a wrong unit, a cause
            that is missing or does not fit the state, runs that are not the plan's; all of them at once.
    """
    problems = [*_of_the_end(result), *_of_the_metrics(result, wanted, declared)]
    if plan and result.state is TrialState.COMPLETED:
        problems += _of_the_plan(result.runs, wanted, plan)
    if problems:
        raise InvalidInput(problems)


def _of_the_end(result: Result) -> Iterator[Problem]:
    state, cause = result.state, result.cause
    if state not in REPORTABLE:
        names = ", ".join(state.value for state in REPORTABLE)
        yield Problem("state", "cannot be reported", state.value, f"one of {names}")
    elif state is TrialState.COMPLETED:
        if cause is not None:
            yield Problem("cause", "is there, of a trial that is completed", str(cause), "none")
    elif cause is None:
        yield Problem("cause", f"is missing from a trial that is {state.value}", None, "a cause")
    elif (state is TrialState.INFEASIBLE) != (cause.kind is CauseKind.REFUSED):
        fitting = "refused" if state is TrialState.INFEASIBLE else "any other: what was refused is infeasible"
        yield Problem("cause.kind", f"does not fit a trial that is {state.value}", cause.kind.value, fitting)
    if result.cost < 0:
        yield Problem("cost", "is negative", result.cost, "seconds")


def _of_the_metrics(result: Result, wanted: Sequence[Metric], declared: Mapping[str, str] | None) -> Iterator[Problem]:
    names = {metric.key: metric.name for metric in wanted}
    expected = "the metrics that the trial wants: " + ", ".join(names)
    seen: set[str] = set()
    for observation in result.observations:
        key, field = observation.metric, f"observations.{observation.metric}"
        if key in seen:
            yield Problem(field, "is reported twice")
        seen.add(key)
        if declared is None:
            if key not in names and not observation.unit:
                yield Problem(field, "has no unit", None, expected)
            continue
        unit = declared.get(names.get(key, key))
        if unit is None and key not in names:
            yield Problem(field, "is not wanted, nor declared", None, expected)
        elif unit is not None and observation.unit != unit:
            yield Problem(f"{field}.unit", "is not as declared", observation.unit, repr(unit))
    if result.state is TrialState.COMPLETED:
        for key in [key for key in names if key not in seen]:
            yield Problem(f"observations.{key}", "is missing", None, expected)


def _of_the_plan(runs: Sequence[Run], wanted: Sequence[Metric], plan: Sequence[str]) -> Iterator[Problem]:
    planned = {(place // 2, arm) for place, arm in enumerate(plan)}
    if {(run.block, run.arm) for run in runs} != planned:
        yield Problem("runs", "are not those of the final check", len(runs), f"{len(plan) // 2} blocks of both arms")
    missing = sorted({metric.key for metric in wanted for run in runs if metric.key not in run.values})
    if missing:
        yield Problem("runs", f"lack {', '.join(missing)}", None, "each wanted metric in every run")
