"""What the storm has done: ledger, store and machine held against each other."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner_workers.journal import Journal

from tuner.core.clock import SteadyClock
from tuner.core.expression import Value
from tuner.core.study import Study
from tuner.core.trial import Attempt, AttemptState, Purpose, Trial, TrialState
from tuner.store.base import StoredResult
from tuner.store.open import open_store


@dataclass(frozen=True)
class Entry:
    """A line of the ledger: a run that came to its end, whatever became of it."""

    ticket: int
    worker: int
    child: int
    at: float


def read_ledger(path: Path) -> list[Entry]:
    """Every line; a line that is cut short by a kill belongs to no run that was reported."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [Entry(**json.loads(line)) for line in lines if line.endswith("\n")]


class Record:
    """All that the store holds, read after the server has ended."""

    def __init__(self, url: str) -> None:
        store = open_store(url, SteadyClock())
        with store.snapshot() as tx:
            self.studies: list[Study] = tx.studies()
            self.trials: list[Trial] = [trial for study in self.studies for trial in tx.trials(study.id)]
            self.attempts: list[Attempt] = [
                tx.attempt(trial.study_id, trial.number, number)
                for trial in self.trials
                for number in range(1, trial.attempts + 1)
            ]
            self.results: list[StoredResult] = [
                stored for study in self.studies for stored in tx.results(study.id, runs=True)
            ]
        store.close()

    @property
    def tickets(self) -> list[int]:
        """The ticket of every stored run, as often as it is stored."""
        return [int(run.values["ticket"]) for stored in self.results for run in stored.result.runs]

    def attempts_of(self, worker_id: str) -> list[Attempt]:
        """The attempts of one worker in the order of their leases."""
        mine = [attempt for attempt in self.attempts if attempt.members[0].worker_id == worker_id]
        return sorted(mine, key=lambda attempt: attempt.leased_at)


def key(of: Attempt | StoredResult) -> tuple[str, int, int]:
    """Names an attempt."""
    return of.study_id, of.trial, of.number if isinstance(of, Attempt) else of.attempt


def lost_trials(record: Record) -> list[str]:
    """Trials and studies that have not ended, and completed trials without a result."""
    lost = [f"{trial.id} is {trial.state.value}" for trial in record.trials if not trial.state.terminal]
    lost += [f"{study.id} is {study.state.value}" for study in record.studies if not study.state.terminal]
    own = {(stored.study_id, stored.trial) for stored in record.results if not stored.late}
    completed = [trial for trial in record.trials if trial.state is TrialState.COMPLETED]
    return lost + [f"{trial.id} has no result" for trial in completed if (trial.study_id, trial.number) not in own]


def lost_results(
    record: Record,
    ledger: Sequence[Entry],
    lives: Mapping[str, Sequence[int]],
    killed: Iterable[int],
    spooled: Iterable[str],
) -> list[str]:
    """Attempts that were measured to their end and whose result is not stored.

    A life of a worker measures one attempt after the other: one without a stored result must be the last of a life
    that was killed, or have been called off because another's result had arrived. And what lay in the spool of a
    worker that was killed must be stored in any case.

    Args:
        lives: pids of a worker's lives by its id.
        killed: pids that were killed.
        spooled: tokens found in spools after a kill.
    """
    have = {key(stored) for stored in record.results}
    tokens = {attempt.members[0].token: attempt for attempt in record.attempts}
    lost = [
        f"spooled, not stored: {token}" for token in spooled if token not in tokens or key(tokens[token]) not in have
    ]
    dead = set(killed)
    for worker_id, pids in lives.items():
        attempts = record.attempts_of(worker_id)
        for pid in pids:
            measured = [_attempt_at(attempts, entry.at) for entry in ledger if entry.worker == pid]
            for attempt in dict.fromkeys(measured):
                called_off = attempt.state is AttemptState.RELEASED and "arrived" in str(attempt.cause)
                unfinished = pid in dead and attempt == measured[-1]
                if not (key(attempt) in have or called_off or unfinished):
                    lost.append(
                        f"measured, not stored: {attempt.trial_id} attempt {attempt.number} ({attempt.state.value})"
                    )
    return lost


def _attempt_at(attempts: Sequence[Attempt], at: float) -> Attempt:
    return [attempt for attempt in attempts if attempt.leased_at <= at][-1]


def counted_twice(record: Record, ledger: Sequence[Entry]) -> list[str]:
    """Runs, attempts and trials that are in the store more often than they were measured."""
    tickets, attempts = Counter(record.tickets), Counter(key(stored) for stored in record.results)
    own = Counter((stored.study_id, stored.trial) for stored in record.results if not stored.late)
    twice = [f"run {ticket} is stored {n} times" for ticket, n in tickets.items() if n > 1]
    twice += [f"attempt {attempt} has {n} results" for attempt, n in attempts.items() if n > 1]
    twice += [f"trial {trial} has {n} results of its own" for trial, n in own.items() if n > 1]
    signed = {entry.ticket for entry in ledger}
    twice += [f"run {ticket} was never signed" for ticket in tickets if ticket not in signed]
    for study in record.studies:
        explored = [t for t in record.trials if t.study_id == study.id and t.purpose is Purpose.EXPLORE]
        if len(explored) != study.spec.budget.trials:
            twice.append(f"{study.id} explored {len(explored)} times, its budget is {study.spec.budget.trials}")
    return twice


def under_other_values(record: Record) -> list[str]:
    """Stored runs during which a knob did not have the value of the run's configuration."""
    trials = {(trial.study_id, trial.number): trial for trial in record.trials}
    specs = {study.id: study.spec for study in record.studies}
    wrong = []
    for stored in record.results:
        trial = trials[stored.study_id, stored.trial]
        knobs = {p.name: p.knob for p in specs[stored.study_id].space.params if p.knob is not None}
        for run in stored.result.runs:
            of = trial.baseline if run.arm == "default" and trial.baseline is not None else trial.configuration
            for name, knob in knobs.items():
                if name in of and not _same(of[name], run.knobs.get(knob)):
                    wrong.append(
                        f"{trial.id} attempt {stored.attempt}: {knob} was {run.knobs.get(knob)}, not {of[name]}"
                    )
    return wrong


def _same(asked: Value, found: Value | None) -> bool:
    if isinstance(asked, float) and isinstance(found, (int, float)):
        return abs(asked - found) < 1e-4  # a quota is a whole number of microseconds
    return asked == found


def open_entries(journal: Path) -> list[str]:
    """What a journal says is still to be undone."""
    return [f"{entry.kind} {entry.key}" for entry in Journal(journal).entries()]


def control_groups(pids: Iterable[int]) -> list[str]:
    """Control groups that workers with these pids have left."""
    mine = {str(pid) for pid in pids}
    return [str(path) for path in Path("/sys/fs/cgroup").rglob("tuner-*-*") if path.name.split("-")[1] in mine]
