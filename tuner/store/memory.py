"""The store in memory: for the library without a server, and for tests. It keeps nothing when the process ends.

What it is given goes through the codec as on its way to a database, so it refuses, normalises and detaches from its
caller in the same way; what it hands out is immutable. A transaction changes the tables in place and notes how to undo
each change; one lock makes transactions come one after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from tuner.core.environment import StudyEnvironment
from tuner.core.errors import AlreadyExists, NotFound, StoreError
from tuner.core.event import Event
from tuner.core.observation import Intermediate
from tuner.core.study import Study, StudyState
from tuner.core.trial import Attempt, AttemptState, Cause, Member, Purpose, Trial, TrialState
from tuner.core.worker import Worker, WorkerState
from tuner.store import codec
from tuner.store.base import Count, Store, StoredResult, Transaction
from tuner.store.checks import name, number
from tuner.store.exclusive import Exclusive
from tuner.store.rules import (
    check_attempt_transition,
    check_members,
    check_result,
    check_study_transition,
    check_trial_transition,
    refuse_changed,
)

_PATIENCE = 30.0

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Curve = dict[tuple[int, str], Intermediate]


@dataclass
class _Folder:
    """What belongs to one study. Attempts, and what hangs on them, are keyed by (trial, attempt)."""

    created: int
    environments: dict[str, StudyEnvironment] = field(default_factory=dict)
    trials: dict[int, Trial] = field(default_factory=dict)
    attempts: dict[tuple[int, int], Attempt] = field(default_factory=dict)
    results: dict[tuple[int, int], StoredResult] = field(default_factory=dict)
    curves: dict[tuple[int, int], Curve] = field(default_factory=dict)


@dataclass
class _Tables:
    studies: dict[str, Study] = field(default_factory=dict)
    folders: dict[str, _Folder] = field(default_factory=dict)
    live: dict[tuple[str, int, int], Attempt] = field(default_factory=dict)
    tokens: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    workers: dict[str, Worker] = field(default_factory=dict)
    events: dict[int, Event] = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)
    leaders: dict[str, tuple[str, float]] = field(default_factory=dict)
    studies_made: int = 0


class MemoryStore(Store):
    """A store in the memory of this process, safe for threads."""

    def __init__(self) -> None:
        self._tables = _Tables()
        self._lock = Exclusive(_PATIENCE)
        self._closed = False

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._begun(reading=False) as transaction:
            yield transaction

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        with self._begun(reading=True) as transaction:
            yield transaction

    def close(self) -> None:
        self._closed = True

    @contextmanager
    def _begun(self, *, reading: bool) -> Iterator[Transaction]:
        with self._lock.held():
            if self._closed:
                raise StoreError("the store is closed")
            transaction = _MemoryTransaction(self._tables, reading=reading)
            try:
                yield transaction
            except BaseException:
                transaction.undo()
                raise


class _MemoryTransaction(Transaction):
    def __init__(self, tables: _Tables, *, reading: bool) -> None:
        self._tables = tables
        self._reading = reading
        self._undo: list[Callable[[], object]] = []

    def undo(self) -> None:
        """Put back what was there before, the last change first."""
        while self._undo:
            self._undo.pop()()

    def _set(self, table: dict[Key, Item], key: Key, item: Item) -> None:
        self._may_write()
        if key in table:
            old = table[key]
            self._undo.append(lambda: table.__setitem__(key, old))
        else:
            self._undo.append(lambda: table.pop(key))
        table[key] = item

    def _remove(self, table: dict[Key, Item], key: Key) -> None:
        self._may_write()
        if key in table:
            old = table.pop(key)
            self._undo.append(lambda: table.__setitem__(key, old))

    def _may_write(self) -> None:
        if self._reading:
            raise StoreError("a snapshot is for reading: begin a transaction to change the store")

    def _folder(self, study_id: str) -> _Folder:
        if study_id not in self._tables.folders:
            raise NotFound(f"there is no study {study_id!r}")
        return self._tables.folders[study_id]

    # --- studies and environments ---

    def add_study(self, study: Study) -> None:
        tables = self._tables
        kept = codec.study_value(codec.study_row(study))
        taken = {(other.spec.name, other.run) for other in tables.studies.values()}
        if kept.id in tables.studies or (kept.spec.name, kept.run) in taken:
            raise AlreadyExists(f"there is a study {kept.id!r} already")
        self._set(tables.studies, kept.id, kept)
        tables.studies_made += 1
        self._set(tables.folders, kept.id, _Folder(created=tables.studies_made))

    def study(self, study_id: str) -> Study:
        self._folder(study_id)
        return self._tables.studies[study_id]

    def study_runs(self, name: str) -> list[Study]:
        return sorted((s for s in self._tables.studies.values() if s.spec.name == name), key=lambda study: study.run)

    def studies(
        self, *, states: Sequence[StudyState] = (), owner: str = "", after: str = "", limit: int = 0
    ) -> list[Study]:
        behind = self._folder(after).created if after else 0
        found = [
            study
            for study in sorted(self._tables.studies.values(), key=lambda study: self._folder(study.id).created)
            if (not states or study.state in states)
            and (not owner or study.owner == owner)
            and self._folder(study.id).created > behind
        ]
        return found[: limit or None]

    def update_study(self, study: Study, *, expected: StudyState) -> None:
        check_study_transition(study.id, expected, study.state)
        found = self.study(study.id)
        if found.state is not expected:
            refuse_changed(f"study {study.id}", expected.value, found.state.value)
        changed = codec.study_value({**codec.study_row(found), **codec.study_changes(study)})
        self._set(self._tables.studies, study.id, changed)

    def delete_study(self, study_id: str) -> None:
        tables = self._tables
        for attempt in self._folder(study_id).attempts.values():
            self._remove(tables.live, (study_id, attempt.trial, attempt.number))
            for member in attempt.members:
                self._remove(tables.tokens, member.token)
        self._remove(tables.leaders, study_id)
        self._remove(tables.folders, study_id)
        self._remove(tables.studies, study_id)

    def add_environment(self, study_id: str, environment: StudyEnvironment) -> None:
        kept = codec.environment_value(codec.environment_row(environment))
        environments = self._folder(study_id).environments
        if kept.environment.id not in environments:
            self._set(environments, kept.environment.id, kept)

    def environments(self, study_id: str) -> list[StudyEnvironment]:
        return list(self._folder(study_id).environments.values())

    # --- trials ---

    def add_trial(self, trial: Trial) -> Trial:
        trials = self._folder(trial.study_id).trials
        number = len(trials) + 1
        self._set(trials, number, codec.trial_value(trial.study_id, number, codec.trial_row(trial)))
        return trials[number]

    def trial(self, study_id: str, number: int) -> Trial:
        trials = self._tables.folders[study_id].trials if study_id in self._tables.folders else {}
        if number not in trials:
            raise NotFound(f"there is no trial {study_id}/{number}")
        return trials[number]

    def trials(
        self,
        study_id: str,
        *,
        states: Sequence[TrialState] = (),
        purposes: Sequence[Purpose] = (),
        after: int = 0,
        limit: int = 0,
    ) -> list[Trial]:
        found = [
            trial
            for trial in self._folder(study_id).trials.values()
            if trial.number > after
            and (not states or trial.state in states)
            and (not purposes or trial.purpose in purposes)
        ]
        return found[: limit or None]

    def counts(self, study_id: str) -> list[Count]:
        trials = self._folder(study_id).trials.values()
        groups = Counter((trial.environment, trial.purpose, trial.state) for trial in trials)
        return [Count(*group, number) for group, number in groups.items()]

    def update_trial(self, trial: Trial, *, expected: TrialState) -> None:
        check_trial_transition(trial.id, expected, trial.state)
        found = self.trial(trial.study_id, trial.number)
        if found.state is not expected:
            refuse_changed(f"trial {trial.id}", expected.value, found.state.value)
        row = {**codec.trial_row(found), **codec.trial_changes(trial)}
        changed = codec.trial_value(trial.study_id, trial.number, row)
        self._set(self._folder(trial.study_id).trials, trial.number, changed)

    # --- attempts ---

    def add_attempt(self, attempt: Attempt) -> None:
        check_members(attempt)
        self.trial(attempt.study_id, attempt.trial)
        if (attempt.trial, attempt.number) in self._folder(attempt.study_id).attempts:
            raise AlreadyExists(f"there is an attempt {attempt.number} at trial {attempt.trial_id} already")
        tokens = [member.token for member in attempt.members]
        if len(set(tokens)) < len(tokens) or not self._tables.tokens.keys().isdisjoint(tokens):
            raise AlreadyExists(f"a token of attempt {attempt.number} at trial {attempt.trial_id} is another's already")
        for token in tokens:
            self._set(self._tables.tokens, token, (attempt.study_id, attempt.trial, attempt.number))
        self._put_attempt(attempt)

    def _put_attempt(self, attempt: Attempt) -> None:
        row, members = codec.attempt_row(attempt), codec.member_rows(attempt)
        kept = codec.attempt_value(attempt.study_id, attempt.trial, row, members)
        self._set(self._folder(kept.study_id).attempts, (kept.trial, kept.number), kept)
        key = (kept.study_id, kept.trial, kept.number)
        if kept.state.live:
            self._set(self._tables.live, key, kept)
        else:
            self._remove(self._tables.live, key)

    def attempt(self, study_id: str, trial: int, number: int) -> Attempt:
        attempts = self._tables.folders[study_id].attempts if study_id in self._tables.folders else {}
        if (trial, number) not in attempts:
            raise NotFound(f"there is no attempt {number} at trial {study_id}/{trial}")
        return attempts[trial, number]

    def attempt_by_token(self, token: str) -> tuple[Attempt, Member]:
        if token not in self._tables.tokens:
            raise NotFound("no attempt has a member with this token")
        attempt = self.attempt(*self._tables.tokens[token])
        return attempt, next(member for member in attempt.members if member.token == token)

    def live_attempts(self, *, worker_id: str = "", study_id: str = "") -> list[Attempt]:
        return self._in_order(
            attempt
            for attempt in self._tables.live.values()
            if (not study_id or attempt.study_id == study_id)
            and (not worker_id or any(member.worker_id == worker_id for member in attempt.members))
        )

    def expired_attempts(self, now: float) -> list[Attempt]:
        expired = self._in_order(attempt for attempt in self._tables.live.values() if attempt.expires_at <= now)
        return sorted(expired, key=lambda attempt: attempt.expires_at)

    def _in_order(self, attempts: Iterable[Attempt]) -> list[Attempt]:
        return sorted(attempts, key=lambda a: (self._folder(a.study_id).created, a.trial, a.number))

    def update_attempt(
        self,
        attempt: Attempt,
        to: AttemptState,
        *,
        ended_at: float | None = None,
        cause: Cause | None = None,
        expires_at: float | None = None,
    ) -> None:
        name = f"attempt {attempt.number} at trial {attempt.trial_id}"
        check_attempt_transition(name, attempt.state, to)
        found = self.attempt(attempt.study_id, attempt.trial, attempt.number)
        if found.state is not attempt.state:
            refuse_changed(name, attempt.state.value, found.state.value)
        self._put_attempt(
            replace(
                found,
                state=to,
                ended_at=found.ended_at if ended_at is None else ended_at,
                cause=found.cause if cause is None else cause,
                expires_at=found.expires_at if expires_at is None else expires_at,
            )
        )

    def renew_all(self, expires_at: float) -> int:
        live, until = list(self._tables.live.values()), number(expires_at, "expires_at")
        for attempt in live:
            self._put_attempt(replace(attempt, expires_at=max(attempt.expires_at, until)))
        return len(live)

    # --- results ---

    def add_result(self, stored: StoredResult) -> bool:
        check_result(stored.result)
        self.attempt(stored.study_id, stored.trial, stored.attempt)
        result = stored.result
        kept = codec.result_value(
            codec.result_row(result), codec.observation_rows(result.observations), codec.run_rows(result.runs), ()
        )
        results = self._folder(stored.study_id).results
        if (stored.trial, stored.attempt) in results:
            return False
        name(stored.worker_id, "worker_id")
        name(stored.environment, "environment")
        number(stored.stored_at, "stored_at")
        self._set(results, (stored.trial, stored.attempt), replace(stored, result=kept))
        self.add_intermediates(stored.study_id, stored.trial, stored.attempt, result.intermediates)
        return True

    def results(
        self, study_id: str, *, trials: Sequence[int] = (), late: bool | None = None, runs: bool = False
    ) -> list[StoredResult]:
        folder, wanted = self._folder(study_id), frozenset(trials)
        found = []
        for key, stored in sorted(folder.results.items()):
            if (wanted and stored.trial not in wanted) or (late is not None and stored.late != late):
                continue
            parts = {"intermediates": _points(folder, key)} if runs else {"runs": ()}
            found.append(replace(stored, result=replace(stored.result, **parts)))
        return found

    def add_intermediates(self, study_id: str, trial: int, attempt: int, values: Sequence[Intermediate]) -> None:
        self.attempt(study_id, trial, attempt)
        curves = self._folder(study_id).curves
        points = [codec.intermediate_value(codec.intermediate_row(point)) for point in values]
        # Of two with one step and metric the first stays.
        curve = {(point.step, point.metric): point for point in reversed(points)} | curves.get((trial, attempt), {})
        self._set(curves, (trial, attempt), curve)

    def intermediates(self, study_id: str, trial: int) -> list[Intermediate]:
        self.trial(study_id, trial)
        folder = self._folder(study_id)
        latest = max((number for of, number in folder.attempts if of == trial), default=0)
        return list(_points(folder, (trial, latest)))

    # --- workers ---

    def put_worker(self, worker: Worker) -> None:
        self._set(self._tables.workers, worker.id, codec.worker_value(codec.worker_row(worker)))

    def worker(self, worker_id: str) -> Worker:
        if worker_id not in self._tables.workers:
            raise NotFound(f"there is no worker {worker_id!r}")
        return self._tables.workers[worker_id]

    def workers(self, *, states: Sequence[WorkerState] = ()) -> list[Worker]:
        found = (worker for worker in self._tables.workers.values() if not states or worker.state in states)
        return sorted(found, key=lambda worker: worker.id)

    # --- events ---

    def append(self, event: Event) -> Event:
        events = self._tables.events
        sequence = len(events) + 1
        self._set(events, sequence, codec.event_value({**codec.event_row(event), "sequence": sequence}))
        return events[sequence]

    def events(self, *, after: int = 0, study_id: str = "", limit: int = 0) -> list[Event]:
        events = self._tables.events
        behind = (events[sequence] for sequence in range(max(after, 0) + 1, len(events) + 1))
        return [event for event in behind if not study_id or event.study_id == study_id][: limit or None]

    def last_event(self, study_id: str = "") -> int:
        events = self._tables.events
        behind = (n for n in range(len(events), 0, -1) if not study_id or events[n].study_id == study_id)
        return next(behind, 0)

    # --- repeated requests, leadership ---

    def recall(self, request_id: str) -> bytes | None:
        return self._tables.answers.get(request_id)

    def remember(self, request_id: str, answer: bytes, at: float) -> None:
        name(request_id, "request_id")
        number(at, "at")
        if request_id not in self._tables.answers:
            self._set(self._tables.answers, request_id, answer)

    def lead(self, study_id: str, holder: str, now: float, until: float) -> bool:
        self._folder(study_id)
        leader, expires_at = self._tables.leaders.get(study_id, (holder, 0.0))
        if leader != holder and expires_at > number(now, "now"):
            return False
        self._set(self._tables.leaders, study_id, (name(holder, "holder"), number(until, "until")))
        return True


def _points(folder: _Folder, key: tuple[int, int]) -> tuple[Intermediate, ...]:
    return tuple(point for _, point in sorted(folder.curves.get(key, {}).items()))
