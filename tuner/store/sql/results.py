"""Results with their observations and runs, and learning curves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Select, Table, bindparam, func, select

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

_PLACE = select(_attempt.c.number).where(
    _attempt.c.study_key == bindparam("study_key"),
    _attempt.c.trial == bindparam("trial"),
    _attempt.c.number == bindparam("attempt"),
)
_LATEST = select(func.max(_attempt.c.number)).where(
    _attempt.c.study_key == bindparam("study_key"), _attempt.c.trial == bindparam("trial")
)
_LATEST_CURVE = (
    select(_intermediate)
    .where(
        _intermediate.c.study_key == bindparam("study_key"),
        _intermediate.c.trial == bindparam("trial"),
        _intermediate.c.attempt == _LATEST.scalar_subquery(),
    )
    .order_by(_intermediate.c.step, _intermediate.c.metric)
)


@cache
def _listing(table: Table, order: tuple[str, ...], some: bool) -> Select[Any]:
    """What the attempts of a study have in ``table``, of ``some`` trials or of all."""
    query = select(table).where(table.c.study_key == bindparam("study_key"))
    if some:
        query = query.where(table.c.trial.in_(bindparam("trials", expanding=True)))
    return query.order_by(table.c.trial, table.c.attempt, *(table.c[column] for column in order))


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
        self.add_all(schema.observation, [{**place, **part} for part in observations])
        self.add_all(schema.run, [{**place, **part} for part in runs])
        self.add_all(_intermediate, [{**place, **part} for part in curve])
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
        self.add_all(_intermediate, [{**place, **intermediate_row(point)} for point in values])

    def intermediates(self, study_id: str, trial: int) -> list[Intermediate]:
        key = self.study_key(study_id)
        rows = self.read(_LATEST_CURVE, {"study_key": key, "trial": trial}).mappings().all()
        if not rows:
            self.trial(study_id, trial)
        return [intermediate_value(row) for row in rows]

    def _place(self, study_id: str, trial: int, attempt: int) -> Row:
        place = {"study_key": self.study_key(study_id), "trial": trial, "attempt": attempt}
        if self.read(_PLACE, place).first() is None:
            raise NotFound(f"there is no attempt {attempt} at trial {study_id}/{trial}")
        return place

    def _by_attempt(
        self, table: Table, key: int, trials: Sequence[int], *order: str
    ) -> dict[tuple[int, int], list[AnyRow]]:
        some = 0 < len(trials) <= _MANY
        wanted = frozenset(trials)
        parameters = {"study_key": key, **({"trials": list(trials)} if some else {})}
        found: dict[tuple[int, int], list[AnyRow]] = defaultdict(list)
        for row in self.read(_listing(table, order, some), parameters).mappings():
            if not wanted or row["trial"] in wanted:
                found[row["trial"], row["attempt"]].append(row)
        return found
