"""Workers, the event log, remembered answers and leadership: one row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import delete, func, or_, select

from tuner.core.errors import NotFound
from tuner.core.event import Event
from tuner.core.worker import Worker, WorkerState
from tuner.store.base import Transaction
from tuner.store.checks import name, number
from tuner.store.codec import event_row, event_value, worker_row, worker_value
from tuner.store.sql import schema
from tuner.store.sql.session import Session

_worker = schema.worker
_event = schema.event
_answer = schema.answer
_leader = schema.leader


class Records(Session, Transaction):
    """The part of a transaction that is about workers, events, requests and leaders."""

    def put_worker(self, worker: Worker) -> None:
        row = worker_row(worker)
        insert = self.insert(_worker).values(row)
        self.write(insert.on_conflict_do_update(index_elements=["id"], set_=row))

    def worker(self, worker_id: str) -> Worker:
        row = self.read(select(_worker).where(_worker.c.id == worker_id)).mappings().one_or_none()
        if row is None:
            raise NotFound(f"there is no worker {worker_id!r}")
        return worker_value(row)

    def workers(self, *, states: Sequence[WorkerState] = ()) -> list[Worker]:
        query = select(_worker).order_by(_worker.c.id)
        if states:
            query = query.where(_worker.c.state.in_([state.value for state in states]))
        return [worker_value(row) for row in self.read(query).mappings()]

    def append(self, event: Event) -> Event:
        insert = self.insert(_event).values(event_row(event)).returning(_event.c.sequence)
        return replace(event, sequence=self.write(insert).scalar_one())

    def events(self, *, after: int = 0, study_id: str = "", limit: int = 0) -> list[Event]:
        query = select(_event).where(_event.c.sequence > after).order_by(_event.c.sequence)
        if study_id:
            query = query.where(_event.c.study_id == study_id)
        rows = self.read(query.limit(limit) if limit else query).mappings()
        return [event_value(row) for row in rows]

    def last_event(self, study_id: str = "") -> int:
        query = select(func.coalesce(func.max(_event.c.sequence), 0))
        if study_id:
            query = query.where(_event.c.study_id == study_id)
        last: int = self.read(query).scalar_one()
        return last

    def recall(self, request_id: str) -> bytes | None:
        return self.read(select(_answer.c.answer).where(_answer.c.request_id == request_id)).scalar_one_or_none()

    def remember(self, request_id: str, answer: bytes, at: float) -> None:
        row = {"request_id": name(request_id, "request_id"), "answer": answer, "at": number(at, "at")}
        self.add(_answer, row)

    def forget_answers(self, before: float) -> None:
        """Drop the answers of requests that came before ``before``."""
        self.write(delete(_answer).where(_answer.c.at < before))

    def lead(self, study_id: str, holder: str, now: float, until: float) -> bool:
        row = {"holder": name(holder, "holder"), "expires_at": number(until, "until")}
        free = or_(_leader.c.holder == holder, _leader.c.expires_at <= number(now, "now"))
        insert = self.insert(_leader).values({**row, "study_key": self.study_key(study_id)})
        take = insert.on_conflict_do_update(index_elements=["study_key"], set_=row, where=free)
        return self.write(take.returning(_leader.c.holder)).first() is not None
