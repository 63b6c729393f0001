"""Attempts, their members and their leases."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, bindparam, case, delete, exists, select, tuple_, update

from tuner.core.errors import AlreadyExists, NotFound
from tuner.core.trial import Attempt, AttemptState, Cause, Member
from tuner.store.base import Transaction
from tuner.store.checks import number
from tuner.store.codec import Row, attempt_row, attempt_value, cause_row, member_rows
from tuner.store.rules import check_attempt_transition, check_members, refuse_changed
from tuner.store.sql import schema
from tuner.store.sql.session import Session

_study = schema.study
_trial = schema.trial
_attempt = schema.attempt
_member = schema.member

_NATURAL = (_attempt.c.study_key, _attempt.c.trial, _attempt.c.number)
_LIVE = _attempt.c.state.in_([state.value for state in AttemptState if state.live])


def _belongs(member: FromClause) -> ColumnElement[bool]:
    """Whether a row of members belongs to the attempt."""
    return and_(*(mine == its for mine, its in zip(_NATURAL, _place(member), strict=True)))


def _place(member: FromClause) -> tuple[ColumnElement[int], ...]:
    return member.c.study_key, member.c.trial, member.c.attempt


_holder = _member.alias("holder")

_TRIAL = select(_trial.c.number).where(
    _trial.c.study_key == bindparam("study_key"), _trial.c.number == bindparam("trial")
)
_THIS = and_(
    _attempt.c.study_key == bindparam("of_study"),
    _attempt.c.trial == bindparam("of_trial"),
    _attempt.c.number == bindparam("of_number"),
)
_UPDATE = update(_attempt).where(_THIS, _attempt.c.state == bindparam("expected"))
_DELETE = delete(_attempt).where(_THIS)
_LATER = case((_attempt.c.expires_at > bindparam("until"), _attempt.c.expires_at), else_=bindparam("until"))
_RENEW = update(_attempt).where(_LIVE).values(expires_at=_LATER)

# One row for each member, in the order of the attempts.
_MEMBERS = (
    select(
        _study.c.id.label("study_id"),
        _attempt,
        *(_member.c[column] for column in ("worker_id", "role", "rank", "token", "address")),
    )
    .join_from(_attempt, _study, _study.c.key == _attempt.c.study_key)
    .join(_member, _belongs(_member))
)
_ORDER = (*_NATURAL, _member.c.position)
_BY_ID = _MEMBERS.where(
    _study.c.id == bindparam("study_id"),
    _attempt.c.trial == bindparam("trial"),
    _attempt.c.number == bindparam("number"),
).order_by(*_ORDER)
_BY_TOKEN = _MEMBERS.where(
    tuple_(*_NATURAL).in_(select(*_place(_holder)).where(_holder.c.token == bindparam("of_token")))
).order_by(*_ORDER)
_EXPIRED = _MEMBERS.where(_LIVE, _attempt.c.expires_at <= bindparam("now")).order_by(_attempt.c.expires_at, *_ORDER)


@cache
def _living(*, worker: bool, study: bool) -> Select[Any]:
    """The query of ``live_attempts`` with those of its filters that are given."""
    query = _MEMBERS.where(_LIVE).order_by(*_ORDER)
    if worker:
        query = query.where(exists().where(_belongs(_holder), _holder.c.worker_id == bindparam("of_worker")))
    return query.where(_study.c.id == bindparam("study_id")) if study else query


class Attempts(Session, Transaction):
    """The part of a transaction that is about attempts."""

    def add_attempt(self, attempt: Attempt) -> None:
        check_members(attempt)
        key = self.study_key(attempt.study_id)
        row = {**attempt_row(attempt), "study_key": key, "trial": attempt.trial}
        place = {"study_key": key, "trial": attempt.trial, "attempt": attempt.number}
        members = [{**place, **member} for member in member_rows(attempt)]
        if self.read(_TRIAL, {"study_key": key, "trial": attempt.trial}).first() is None:
            raise NotFound(f"there is no trial {attempt.trial_id}")
        if not self.add(_attempt, row):
            raise AlreadyExists(f"there is an attempt {attempt.number} at trial {attempt.trial_id} already")
        if self.add(_member, *members) < len(members):
            self.write(_DELETE, _this(key, attempt))
            raise AlreadyExists(f"a token of attempt {attempt.number} at trial {attempt.trial_id} is another's already")

    def attempt(self, study_id: str, trial: int, number: int) -> Attempt:
        found = self._attempts(_BY_ID, study_id=study_id, trial=trial, number=number)
        if not found:
            raise NotFound(f"there is no attempt {number} at trial {study_id}/{trial}")
        return found[0]

    def attempt_by_token(self, token: str) -> tuple[Attempt, Member]:
        found = self._attempts(_BY_TOKEN, of_token=token)
        if not found:
            raise NotFound("no attempt has a member with this token")
        return found[0], next(member for member in found[0].members if member.token == token)

    def live_attempts(self, *, worker_id: str = "", study_id: str = "") -> list[Attempt]:
        query = _living(worker=bool(worker_id), study=bool(study_id))
        return self._attempts(query, of_worker=worker_id, study_id=study_id)

    def expired_attempts(self, now: float) -> list[Attempt]:
        return self._attempts(_EXPIRED, now=now)

    def _attempts(self, query: Select[Any], **parameters: object) -> list[Attempt]:
        rows = self.read(query, parameters).mappings()
        of_one = groupby(rows, key=lambda row: (row["study_id"], row["trial"], row["number"]))
        attempts = ((study_id, trial, list(members)) for (study_id, trial, _), members in of_one)
        return [attempt_value(study_id, trial, members[0], members) for study_id, trial, members in attempts]

    def update_attempt(
        self,
        attempt: Attempt,
        to: AttemptState,
        *,
        ended_at: float | None = None,
        cause: Cause | None = None,
        expires_at: float | None = None,
    ) -> None:
        name = f"{attempt.number} at trial {attempt.trial_id}"
        check_attempt_transition(name, attempt.state, to)
        changes: Row = {"state": to.value}
        if ended_at is not None:
            changes["ended_at"] = number(ended_at, "ended_at")
        if expires_at is not None:
            changes["expires_at"] = number(expires_at, "expires_at")
        if cause is not None:
            changes |= cause_row(cause)
        where = {**_this(self.study_key(attempt.study_id), attempt), "expected": attempt.state.value}
        if self.write(_UPDATE, {**changes, **where}).rowcount == 0:
            found = self.attempt(attempt.study_id, attempt.trial, attempt.number)
            refuse_changed(f"attempt {name}", attempt.state.value, found.state.value)

    def renew_all(self, expires_at: float) -> int:
        return self.write(_RENEW, {"until": number(expires_at, "expires_at")}).rowcount


def _this(study_key: int, attempt: Attempt) -> Row:
    return {"of_study": study_key, "of_trial": attempt.trial, "of_number": attempt.number}
