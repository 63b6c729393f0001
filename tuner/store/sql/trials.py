"""Trials: their numbers, their states, their counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import Integer, Select, bindparam, func, insert, select, update

from tuner.core.errors import NotFound
from tuner.core.trial import Purpose, Trial, TrialState
from tuner.store.base import Count, Transaction
from tuner.store.codec import trial_changes, trial_row, trial_value
from tuner.store.rules import check_trial_transition, refuse_changed
from tuner.store.sql import schema
from tuner.store.sql.session import Session

_study = schema.study
_trial = schema.trial

# The counter lies in the study's row: a transaction that rolls back gives its numbers back.
_NEXT_NUMBER = (
    update(_study)
    .where(_study.c.id == bindparam("study_id"))
    .values(trials=_study.c.trials + 1)
    .returning(_study.c.key, _study.c.trials)
)
_INSERT = insert(_trial)
_BY_ID = select(_trial).join(_study).where(_study.c.id == bindparam("study_id"), _trial.c.number == bindparam("number"))
_UPDATE = update(_trial).where(
    _trial.c.study_key == bindparam("of_study"),
    _trial.c.number == bindparam("of_number"),
    _trial.c.state == bindparam("expected"),
)
_GROUPS = (_trial.c.environment, _trial.c.purpose, _trial.c.state)
_COUNTS = (
    select(*_GROUPS, func.count().label("number"))
    .where(_trial.c.study_key == bindparam("study_key"))
    .group_by(*_GROUPS)
)


@cache
def _listing(*, states: bool, purposes: bool, after: bool, limit: bool) -> Select[Any]:
    """The query of ``trials`` with those of its filters that are given."""
    query = select(_trial).where(_trial.c.study_key == bindparam("study_key")).order_by(_trial.c.number)
    if states:
        query = query.where(_trial.c.state.in_(bindparam("states", expanding=True)))
    if purposes:
        query = query.where(_trial.c.purpose.in_(bindparam("purposes", expanding=True)))
    if after:
        query = query.where(_trial.c.number > bindparam("after"))
    return query.limit(bindparam("limit", type_=Integer)) if limit else query


class Trials(Session, Transaction):
    """The part of a transaction that is about trials."""

    def add_trial(self, trial: Trial) -> Trial:
        row = trial_row(trial)
        given = self.write(_NEXT_NUMBER, {"study_id": trial.study_id}).mappings().one_or_none()
        if given is None:
            raise NotFound(f"there is no study {trial.study_id!r}")
        number: int = given["trials"]
        self.write(_INSERT, {**row, "study_key": given["key"], "number": number})
        return replace(trial, number=number)

    def trial(self, study_id: str, number: int) -> Trial:
        row = self.read(_BY_ID, {"study_id": study_id, "number": number}).mappings().one_or_none()
        if row is None:
            raise NotFound(f"there is no trial {study_id}/{number}")
        return trial_value(study_id, number, row)

    def trials(
        self,
        study_id: str,
        *,
        states: Sequence[TrialState] = (),
        purposes: Sequence[Purpose] = (),
        after: int = 0,
        limit: int = 0,
    ) -> list[Trial]:
        filters = {
            "states": [state.value for state in states],
            "purposes": [purpose.value for purpose in purposes],
            "after": after,
            "limit": limit,
        }
        given = {name: value for name, value in filters.items() if value}
        query = _listing(**{name: name in given for name in filters})
        rows = self.read(query, {"study_key": self.study_key(study_id), **given}).mappings()
        return [trial_value(study_id, row["number"], row) for row in rows]

    def counts(self, study_id: str) -> list[Count]:
        rows = self.read(_COUNTS, {"study_key": self.study_key(study_id)}).mappings()
        return [
            Count(row["environment"], Purpose(row["purpose"]), TrialState(row["state"]), row["number"]) for row in rows
        ]

    def update_trial(self, trial: Trial, *, expected: TrialState) -> None:
        check_trial_transition(trial.id, expected, trial.state)
        changes = trial_changes(trial)
        where = {"of_study": self.study_key(trial.study_id), "of_number": trial.number, "expected": expected.value}
        if self.write(_UPDATE, {**changes, **where}).rowcount == 0:
            found = self.trial(trial.study_id, trial.number)
            refuse_changed(f"trial {trial.id}", expected.value, found.state.value)
