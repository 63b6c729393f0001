"""Trials: their numbers, their states, their counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import func, select, update

from tuner.core.errors import NotFound
from tuner.core.trial import Purpose, Trial, TrialState
from tuner.store.base import Count, Transaction
from tuner.store.codec import trial_changes, trial_row, trial_value
from tuner.store.rules import check_trial_transition, refuse_changed
from tuner.store.sql import schema
from tuner.store.sql.session import Session

_study = schema.study
_trial = schema.trial


class Trials(Session, Transaction):
    """The part of a transaction that is about trials."""

    def add_trial(self, trial: Trial) -> Trial:
        row = trial_row(trial)
        # The counter lies in the study's row: a transaction that rolls back gives its numbers back.
        count = update(_study).where(_study.c.id == trial.study_id).values(trials=_study.c.trials + 1)
        given = self.write(count.returning(_study.c.key, _study.c.trials)).mappings().one_or_none()
        if given is None:
            raise NotFound(f"there is no study {trial.study_id!r}")
        number: int = given["trials"]
        self.write(self.insert(_trial).values({**row, "study_key": given["key"], "number": number}))
        return replace(trial, number=number)

    def trial(self, study_id: str, number: int) -> Trial:
        query = select(_trial).join(_study).where(_study.c.id == study_id, _trial.c.number == number)
        row = self.read(query).mappings().one_or_none()
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
        query = select(_trial).where(_trial.c.study_key == self.study_key(study_id)).order_by(_trial.c.number)
        if states:
            query = query.where(_trial.c.state.in_([state.value for state in states]))
        if purposes:
            query = query.where(_trial.c.purpose.in_([purpose.value for purpose in purposes]))
        if after:
            query = query.where(_trial.c.number > after)
        rows = self.read(query.limit(limit) if limit else query).mappings()
        return [trial_value(study_id, row["number"], row) for row in rows]

    def counts(self, study_id: str) -> list[Count]:
        groups = (_trial.c.environment, _trial.c.purpose, _trial.c.state)
        ours = _trial.c.study_key == self.study_key(study_id)
        rows = self.read(select(*groups, func.count().label("number")).where(ours).group_by(*groups)).mappings()
        return [
            Count(row["environment"], Purpose(row["purpose"]), TrialState(row["state"]), row["number"]) for row in rows
        ]

    def update_trial(self, trial: Trial, *, expected: TrialState) -> None:
        check_trial_transition(trial.id, expected, trial.state)
        this = (_trial.c.study_key == self.study_key(trial.study_id)) & (_trial.c.number == trial.number)
        same = this & (_trial.c.state == expected.value)
        if self.write(update(_trial).where(same).values(trial_changes(trial))).rowcount == 0:
            found = self.trial(trial.study_id, trial.number)
            refuse_changed(f"trial {trial.id}", expected.value, found.state.value)
