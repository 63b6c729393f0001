"""Measurements made elsewhere come in, as trials that have ended."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tuner.core.environment import Environment, StudyEnvironment
from tuner.core.errors import InvalidInput, Problem, WrongState
from tuner.core.expression import Value
from tuner.core.study import Study
from tuner.core.trial import Attempt, AttemptState, Member, Origin, Purpose, Result, Trial
from tuner.schedule.completion import check_result
from tuner.service.operations.findings import joined
from tuner.service.operations.record import create_trial
from tuner.store.base import StoredResult, Transaction


@dataclass(frozen=True)
class Imported:
    """A configuration, by parameter name, and what was found of it."""

    values: Mapping[str, Value]
    result: Result


def import_trials(
    tx: Transaction, study: Study, environment: Environment, trials: Sequence[Imported], now: float
) -> None:
    """Take in all of the trials, or none.

    Raises:
        WrongState: measurements of that environment cannot be taken in now.
        InvalidInput: with every problem of every trial.
    """
    _check_open(tx, study, environment)
    tx.add_environment(study.id, StudyEnvironment(environment))
    settled = next(settled for settled in tx.environments(study.id) if settled.environment.id == environment.id)
    problems: list[Problem] = []
    for index, imported in enumerate(trials):
        try:
            _import_one(tx, study, settled, imported, now)
        except InvalidInput as error:
            problems += of_trial(index, error)
    if problems:
        raise InvalidInput(problems)


def of_trial(index: int, error: InvalidInput) -> list[Problem]:
    """What is wrong with one of the trials of a request, told from the others."""
    return [replace(problem, field=f"trials[{index}].{problem.field}") for problem in error.problems]


def _check_open(tx: Transaction, study: Study, environment: Environment) -> None:
    if study.state.terminal:
        raise WrongState(f"study {study.id!r} is {study.state.value}: it takes no more measurements")
    measured = any(settled.environment.id == environment.id for settled in joined(tx, study))
    if not measured and any(param.optional for param in study.spec.space.params):
        # Which of the optional knobs a device lacks is settled by the first worker; it would find the place taken.
        raise WrongState(f"study {study.id!r} has optional knobs: import once a worker of that device has joined it")


def _import_one(tx: Transaction, study: Study, settled: StudyEnvironment, imported: Imported, now: float) -> None:
    result, environment = imported.result, settled.environment.id
    check_result(result, study.spec.wanted, None)
    trial = create_trial(
        tx,
        Trial(
            study_id=study.id,
            number=0,
            configuration=study.spec.space.without(settled.absent).configuration(imported.values),
            purpose=Purpose.IMPORTED,
            state=result.state,
            origin=Origin("user", tx.last_event(study.id)),
            created_at=now,
            environment=environment,
            wanted=tuple(metric.key for metric in study.spec.wanted),
            attempts=1,
            ended_at=now,
            cause=result.cause,
        ),
        now,
    )
    member = Member(f"import-{secrets.token_hex(8)}", "main", 0, secrets.token_hex(20))
    tx.add_attempt(Attempt(study.id, trial.number, 1, AttemptState.FINISHED, (member,), now, now, now, result.cause))
    tx.add_result(StoredResult(study.id, trial.number, 1, member.worker_id, environment, now, False, result))
