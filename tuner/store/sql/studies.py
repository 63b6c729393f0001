"""Studies and their environments."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, delete, func, select, update

from tuner.core.environment import StudyEnvironment
from tuner.core.errors import AlreadyExists, NotFound
from tuner.core.study import Study, StudyState
from tuner.store.base import Transaction
from tuner.store.codec import environment_row, environment_value, study_changes, study_row, study_value
from tuner.store.rules import check_study_transition, refuse_changed
from tuner.store.sql import schema
from tuner.store.sql.session import Session

_study = schema.study
_environment = schema.environment


class Studies(Session, Transaction):
    """The part of a transaction that is about studies."""

    def add_study(self, study: Study) -> None:
        if not self.add(_study, {**study_row(study), "trials": 0}):
            raise AlreadyExists(f"there is a study {study.id!r} already")

    def study(self, study_id: str) -> Study:
        row = self.read(select(_study).where(_study.c.id == study_id)).mappings().one_or_none()
        if row is None:
            raise NotFound(f"there is no study {study_id!r}")
        return study_value(row)

    def study_runs(self, name: str) -> list[Study]:
        return self._studies(select(_study).where(_study.c.name == name).order_by(_study.c.run))

    def studies(
        self, *, states: Sequence[StudyState] = (), owner: str = "", after: str = "", limit: int = 0
    ) -> list[Study]:
        query = select(_study).order_by(_study.c.key)
        if states:
            query = query.where(_study.c.state.in_([state.value for state in states]))
        if owner:
            query = query.where(_study.c.owner == owner)
        if after:
            query = query.where(_study.c.key > self.study_key(after))
        return self._studies(query.limit(limit) if limit else query)

    def _studies(self, query: Select[tuple[object, ...]]) -> list[Study]:
        return [study_value(row) for row in self.read(query).mappings()]

    def update_study(self, study: Study, *, expected: StudyState) -> None:
        check_study_transition(study.id, expected, study.state)
        same = (_study.c.id == study.id) & (_study.c.state == expected.value)
        if self.write(update(_study).where(same).values(study_changes(study))).rowcount == 0:
            refuse_changed(f"study {study.id}", expected.value, self.study(study.id).state.value)

    def delete_study(self, study_id: str) -> None:
        if self.write(delete(_study).where(_study.c.id == study_id)).rowcount == 0:
            raise NotFound(f"there is no study {study_id!r}")
        self.forget_key(study_id)

    def add_environment(self, study_id: str, environment: StudyEnvironment) -> None:
        key = self.study_key(study_id)
        ours = _environment.c.study_key == key
        position = select(func.coalesce(func.max(_environment.c.position), 0) + 1).where(ours).scalar_subquery()
        row = {**environment_row(environment), "study_key": key, "position": position}
        self.add(_environment, row)

    def environments(self, study_id: str) -> list[StudyEnvironment]:
        ours = _environment.c.study_key == self.study_key(study_id)
        query = select(_environment).where(ours).order_by(_environment.c.position)
        return [environment_value(row) for row in self.read(query).mappings()]
