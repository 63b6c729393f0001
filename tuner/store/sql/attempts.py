"""Attempts, their members and their leases."""

from __future__ import annotations

from itertools import groupby

from sqlalchemy import ColumnElement, FromClause, and_, case, delete, exists, select, tuple_, update

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
    return and_(*(mine == its for mine, its in zip(_NATURAL, _place(member), strict=True)))


def _place(member: FromClause) -> tuple[ColumnElement[int], ...]:
    return member.c.study_key, member.c.trial, member.c.attempt


class Attempts(Session, Transaction):
    """The part of a transaction that is about attempts."""

    def add_attempt(self, attempt: Attempt) -> None:
        check_members(attempt)
        key = self.study_key(attempt.study_id)
        row = {**attempt_row(attempt), "study_key": key, "trial": attempt.trial}
        place = {"study_key": key, "trial": attempt.trial, "attempt": attempt.number}
        members = [{**place, **member} for member in member_rows(attempt)]
        known = select(_trial.c.number).where(_trial.c.study_key == key, _trial.c.number == attempt.trial)
        if self.read(known).first() is None:
            raise NotFound(f"there is no trial {attempt.trial_id}")
        if not self.add(_attempt, row):
            raise AlreadyExists(f"there is an attempt {attempt.number} at trial {attempt.trial_id} already")
        if self.add(_member, *members) < len(members):
            self.write(delete(_attempt).where(_this(key, attempt)))
            raise AlreadyExists(f"a token of attempt {attempt.number} at trial {attempt.trial_id} is another's already")

    def attempt(self, study_id: str, trial: int, number: int) -> Attempt:
        found = self._attempts(_study.c.id == study_id, _attempt.c.trial == trial, _attempt.c.number == number)
        if not found:
            raise NotFound(f"there is no attempt {number} at trial {study_id}/{trial}")
        return found[0]

    def attempt_by_token(self, token: str) -> tuple[Attempt, Member]:
        holds = select(*_place(_member)).where(_member.c.token == token)
        found = self._attempts(tuple_(*_NATURAL).in_(holds))
        if not found:
            raise NotFound("no attempt has a member with this token")
        return found[0], next(member for member in found[0].members if member.token == token)

    def live_attempts(self, *, worker_id: str = "", study_id: str = "") -> list[Attempt]:
        conditions: list[ColumnElement[bool]] = [_LIVE]
        if worker_id:
            holder = _member.alias("holder")
            conditions.append(exists().where(_belongs(holder), holder.c.worker_id == worker_id))
        if study_id:
            conditions.append(_study.c.id == study_id)
        return self._attempts(*conditions)

    def expired_attempts(self, now: float) -> list[Attempt]:
        return self._attempts(_LIVE, _attempt.c.expires_at <= now, order=(_attempt.c.expires_at,))

    def _attempts(
        self, *conditions: ColumnElement[bool], order: tuple[ColumnElement[float], ...] = ()
    ) -> list[Attempt]:
        members = (_member.c.worker_id, _member.c.role, _member.c.rank, _member.c.token, _member.c.address)
        query = (
            select(_study.c.id.label("study_id"), _attempt, *members)
            .join_from(_attempt, _study, _study.c.key == _attempt.c.study_key)
            .join(_member, _belongs(_member))
            .where(*conditions)
            .order_by(*order, *_NATURAL, _member.c.position)
        )
        rows = self.read(query).mappings()
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
        this = _this(self.study_key(attempt.study_id), attempt)
        same = and_(this, _attempt.c.state == attempt.state.value)
        if self.write(update(_attempt).where(same).values(changes)).rowcount == 0:
            found = self.attempt(attempt.study_id, attempt.trial, attempt.number)
            refuse_changed(f"attempt {name}", attempt.state.value, found.state.value)

    def renew_all(self, expires_at: float) -> int:
        until = number(expires_at, "expires_at")
        later = case((_attempt.c.expires_at > until, _attempt.c.expires_at), else_=until)
        return self.write(update(_attempt).where(_LIVE).values(expires_at=later)).rowcount


def _this(study_key: int, attempt: Attempt) -> ColumnElement[bool]:
    key = (study_key, attempt.trial, attempt.number)
    return and_(*(column == value for column, value in zip(_NATURAL, key, strict=True)))
