"""Results with their observations and runs, and learning curves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Table, func, select

from tuner.core.errors import NotFound
from tuner.core.observation import Intermediate
from tuner.store.base import StoredResult, Transaction
from tuner.store.checks import name, number
from tuner.store.codec import (
    AnyRow,
    Row,
    intermediate_row,
    intermediate_value,
    observation_rows,
    result_row,
    result_value,
    run_rows,
)
from tuner.store.rules import check_result
from tuner.store.sql import schema
from tuner.store.sql.session import Session

_attempt = schema.attempt
_result = schema.result
_intermediate = schema.intermediate

# Databases bound the parameters of a statement (SQLite: 32,766); above this all of the study is read instead.
_MANY = 10_000


class Results(Session, Transaction):
    """The part of a transaction that is about what was measured."""

    def add_result(self, stored: StoredResult) -> bool:
        check_result(stored.result)
        place = self._place(stored.study_id, stored.trial, stored.attempt)
        row = {
            **result_row(stored.result),
            "worker_id": name(stored.worker_id, "worker_id"),
            "environment": name(stored.environment, "environment"),
            "stored_at": number(stored.stored_at, "stored_at"),
            "late": stored.late,
        }
        observations = observation_rows(stored.result.observations)
        runs = run_rows(stored.result.runs)
        curve = [intermediate_row(point) for point in stored.result.intermediates]
        if not self.add(_result, {**place, **row}):
            return False
        self._add_all(schema.observation, place, observations)
        self._add_all(schema.run, place, runs)
        self._add_all(_intermediate, place, curve)
        return True

    def results(
        self, study_id: str, *, trials: Sequence[int] = (), late: bool | None = None, runs: bool = False
    ) -> list[StoredResult]:
        key = self.study_key(study_id)
        observations = self._by_attempt(schema.observation, key, trials, "position")
        ran = self._by_attempt(schema.run, key, trials, "position") if runs else {}
        curves = self._by_attempt(_intermediate, key, trials, "step", "metric") if runs else {}
        found = []
        for place, rows in self._by_attempt(_result, key, trials).items():
            row = rows[0]
            if late is not None and row["late"] != late:
                continue
            result = result_value(row, observations.get(place, ()), ran.get(place, ()), curves.get(place, ()))
            where = (row["worker_id"], row["environment"], row["stored_at"], row["late"])
            found.append(StoredResult(study_id, *place, *where, result))
        return found

    def add_intermediates(self, study_id: str, trial: int, attempt: int, values: Sequence[Intermediate]) -> None:
        place = self._place(study_id, trial, attempt)
        self._add_all(_intermediate, place, [intermediate_row(point) for point in values])

    def intermediates(self, study_id: str, trial: int) -> list[Intermediate]:
        key = self.study_key(study_id)
        latest = select(func.max(_attempt.c.number)).where(_attempt.c.study_key == key, _attempt.c.trial == trial)
        ours = (_intermediate.c.study_key == key) & (_intermediate.c.trial == trial)
        query = select(_intermediate).where(ours, _intermediate.c.attempt == latest.scalar_subquery())
        rows = self.read(query.order_by(_intermediate.c.step, _intermediate.c.metric)).mappings().all()
        if not rows:
            self.trial(study_id, trial)
        return [intermediate_value(row) for row in rows]

    def _place(self, study_id: str, trial: int, attempt: int) -> Row:
        key = self.study_key(study_id)
        same = (_attempt.c.study_key == key) & (_attempt.c.trial == trial) & (_attempt.c.number == attempt)
        if self.read(select(_attempt.c.number).where(same)).first() is None:
            raise NotFound(f"there is no attempt {attempt} at trial {study_id}/{trial}")
        return {"study_key": key, "trial": trial, "attempt": attempt}

    def _add_all(self, table: Table, place: Row, rows: Sequence[Row]) -> None:
        if rows:
            self.write(self.insert(table).on_conflict_do_nothing(), [{**place, **row} for row in rows])

    def _by_attempt(
        self, table: Table, key: int, trials: Sequence[int], *order: str
    ) -> dict[tuple[int, int], list[AnyRow]]:
        query = select(table).where(table.c.study_key == key)
        if 0 < len(trials) <= _MANY:
            query = query.where(table.c.trial.in_(trials))
        query = query.order_by(table.c.trial, table.c.attempt, *(table.c[column] for column in order))
        wanted = frozenset(trials)
        found: dict[tuple[int, int], list[AnyRow]] = defaultdict(list)
        for row in self.read(query).mappings():
            if not wanted or row["trial"] in wanted:
                found[row["trial"], row["attempt"]].append(row)
        return found
