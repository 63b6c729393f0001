"""Workers, the event log, remembered answers and leadership: one row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import Executable, Integer, Select, bindparam, delete, func, insert, or_, select

from tuner.core.errors import NotFound
from tuner.core.event import Event
from tuner.core.worker import Worker, WorkerState
from tuner.store.base import Transaction
from tuner.store.checks import name, number
from tuner.store.codec import event_row, event_value, worker_row, worker_value
from tuner.store.sql import schema
from tuner.store.sql.session import Session, insertion

_worker = schema.worker
_event = schema.event
_answer = schema.answer
_leader = schema.leader

_WORKER = select(_worker).where(_worker.c.id == bindparam("worker_id"))
_APPEND = insert(_event).returning(_event.c.sequence)
_LAST = select(func.coalesce(func.max(_event.c.sequence), 0))
_LAST_OF_STUDY = _LAST.where(_event.c.study_id == bindparam("study_id"))
_ANSWER = select(_answer.c.answer).where(_answer.c.request_id == bindparam("request_id"))
_FORGET = delete(_answer).where(_answer.c.at < bindparam("before"))


@cache
def _listing(*, study: bool, limit: bool) -> Select[Any]:
    """The query of ``events`` with those of its filters that are given."""
    query = select(_event).where(_event.c.sequence > bindparam("after")).order_by(_event.c.sequence)
    if study:
        query = query.where(_event.c.study_id == bindparam("study_id"))
    return query.limit(bindparam("limit", type_=Integer)) if limit else query


@cache
def _put_worker(dialect: str) -> Executable:
    new = insertion(_worker, dialect)
    known = {column.name: new.excluded[column.name] for column in _worker.c if not column.primary_key}
    return new.on_conflict_do_update(index_elements=["id"], set_=known)


@cache
def _lead(dialect: str) -> Executable:
    new = insertion(_leader, dialect)
    free = or_(_leader.c.holder == new.excluded.holder, _leader.c.expires_at <= bindparam("now"))
    term = {"holder": new.excluded.holder, "expires_at": new.excluded.expires_at}
    take = new.on_conflict_do_update(index_elements=["study_key"], set_=term, where=free)
    return take.returning(_leader.c.holder)


class Records(Session, Transaction):
    """The part of a transaction that is about workers, events, requests and leaders."""

    def put_worker(self, worker: Worker) -> None:
        self.write(_put_worker(self.dialect), worker_row(worker))

    def worker(self, worker_id: str) -> Worker:
        row = self.read(_WORKER, {"worker_id": worker_id}).mappings().one_or_none()
        if row is None:
            raise NotFound(f"there is no worker {worker_id!r}")
        return worker_value(row)

    def workers(self, *, states: Sequence[WorkerState] = ()) -> list[Worker]:
        query = select(_worker).order_by(_worker.c.id)
        if states:
            query = query.where(_worker.c.state.in_([state.value for state in states]))
        return [worker_value(row) for row in self.read(query).mappings()]

    def append(self, event: Event) -> Event:
        return replace(event, sequence=self.write(_APPEND, event_row(event)).scalar_one())

    def events(self, *, after: int = 0, study_id: str = "", limit: int = 0) -> list[Event]:
        query = _listing(study=bool(study_id), limit=bool(limit))
        rows = self.read(query, {"after": after, "study_id": study_id, "limit": limit}).mappings()
        return [event_value(row) for row in rows]

    def last_event(self, study_id: str = "") -> int:
        last: int = self.read(_LAST_OF_STUDY if study_id else _LAST, {"study_id": study_id}).scalar_one()
        return last

    def recall(self, request_id: str) -> bytes | None:
        return self.read(_ANSWER, {"request_id": request_id}).scalar_one_or_none()

    def remember(self, request_id: str, answer: bytes, at: float) -> None:
        row = {"request_id": name(request_id, "request_id"), "answer": answer, "at": number(at, "at")}
        self.add(_answer, row)

    def forget_answers(self, before: float) -> None:
        """Drop the answers of requests that came before ``before``."""
        self.write(_FORGET, {"before": before})

    def lead(self, study_id: str, holder: str, now: float, until: float) -> bool:
        term = {"holder": name(holder, "holder"), "expires_at": number(until, "until"), "now": number(now, "now")}
        return self.write(_lead(self.dialect), {**term, "study_key": self.study_key(study_id)}).first() is not None
