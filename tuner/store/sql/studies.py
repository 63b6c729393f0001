"""Studies and their environments."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select, update

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

_BY_ID = select(_study).where(_study.c.id == bindparam("study_id"))
_BY_NAME = select(_study).where(_study.c.name == bindparam("name")).order_by(_study.c.run)
_UPDATE = update(_study).where(_study.c.id == bindparam("study_id"), _study.c.state == bindparam("expected"))
_DELETE = delete(_study).where(_study.c.id == bindparam("study_id"))
_ENVIRONMENTS = (
    select(_environment).where(_environment.c.study_key == bindparam("study_key")).order_by(_environment.c.position)
)


class Studies(Session, Transaction):
    """The part of a transaction that is about studies."""

    def add_study(self, study: Study) -> None:
        if not self.add(_study, {**study_row(study), "trials": 0}):
            raise AlreadyExists(f"there is a study {study.id!r} already")

    def study(self, study_id: str) -> Study:
        row = self.read(_BY_ID, {"study_id": study_id}).mappings().one_or_none()
        if row is None:
            raise NotFound(f"there is no study {study_id!r}")
        return study_value(row)

    def study_runs(self, name: str) -> list[Study]:
        return [study_value(row) for row in self.read(_BY_NAME, {"name": name}).mappings()]

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
        rows = self.read(query.limit(limit) if limit else query).mappings()
        return [study_value(row) for row in rows]

    def update_study(self, study: Study, *, expected: StudyState) -> None:
        check_study_transition(study.id, expected, study.state)
        where = {"study_id": study.id, "expected": expected.value}
        if self.write(_UPDATE, {**study_changes(study), **where}).rowcount == 0:
            refuse_changed(f"study {study.id}", expected.value, self.study(study.id).state.value)

    def delete_study(self, study_id: str) -> None:
        if self.write(_DELETE, {"study_id": study_id}).rowcount == 0:
            raise NotFound(f"there is no study {study_id!r}")
        self.forget_key(study_id)

    def add_environment(self, study_id: str, environment: StudyEnvironment) -> None:
        key = self.study_key(study_id)
        position = len(self.environments(study_id))
        self.add(_environment, {**environment_row(environment), "study_key": key, "position": position})

    def environments(self, study_id: str) -> list[StudyEnvironment]:
        rows = self.read(_ENVIRONMENTS, {"study_key": self.study_key(study_id)}).mappings()
        return [environment_value(row) for row in rows]
