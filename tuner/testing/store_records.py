"""Workers, the event log, remembered answers, leadership."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tuner.core.errors import NotFound
from tuner.core.event import Event, EventKind
from tuner.core.worker import WorkerState
from tuner.store.base import Store
from tuner.testing.store_samples import NOW, make_worker, stored_study


class RecordTests:
    """What is promised about workers, events, requests and leaders."""

    def test_a_worker_comes_back_and_is_replaced(self, store: Store) -> None:
        worker = make_worker()
        with store.transaction() as transaction:
            transaction.put_worker(worker)
            assert transaction.worker(worker.id) == worker
            changed = replace(worker, state=WorkerState.QUARANTINED, reason="swappiness is 10, not 60", seen_at=NOW + 9)
            transaction.put_worker(changed)
            assert transaction.workers() == [changed]
            with pytest.raises(NotFound):
                transaction.worker("absent")

    def test_workers_come_by_id_in_the_order_of_code_points(self, store: Store) -> None:
        ids = ["b", "a", "B", "ä", "a-1", "10", "9"]
        with store.transaction() as transaction:
            for worker_id in ids:
                transaction.put_worker(make_worker(worker_id))
            transaction.put_worker(make_worker("c", WorkerState.OFFLINE))
            assert [worker.id for worker in transaction.workers(states=[WorkerState.ONLINE])] == sorted(ids)
            assert [worker.id for worker in transaction.workers(states=[WorkerState.OFFLINE])] == ["c"]

    def test_events_are_read_with_a_cursor(self, store: Store) -> None:
        with store.transaction() as transaction:
            assert transaction.last_event() == 0
            assert transaction.events() == []
            events = [
                transaction.append(Event(EventKind.STUDY_NOTE, NOW + n, f"s/{n % 2}", n, "zoë", {"text": f"№ {n}"}))
                for n in range(5)
            ]
        sequences = [event.sequence for event in events]
        assert sequences == sorted(set(sequences))
        assert sequences[0] > 0
        with store.transaction() as transaction:
            assert transaction.events() == events
            assert transaction.events(after=events[1].sequence, limit=2) == events[2:4]
            assert transaction.events(after=events[4].sequence) == []
            assert transaction.events(study_id="s/1") == [events[1], events[3]]
            assert transaction.events(study_id="s/0", after=events[0].sequence, limit=1) == [events[2]]
            assert transaction.events(study_id="absent/1") == []
            assert transaction.last_event() == events[4].sequence
            assert transaction.last_event("s/1") == events[3].sequence
            assert transaction.last_event("absent/1") == 0

    def test_an_answer_is_remembered_once(self, store: Store) -> None:
        answer = bytes(range(256))
        with store.transaction() as transaction:
            assert transaction.recall("größe-1") is None
            transaction.remember("größe-1", answer, NOW)
            transaction.remember("empty", b"", NOW)
        with store.transaction() as transaction:
            transaction.remember("größe-1", b"another", NOW + 1)
            assert transaction.recall("größe-1") == answer
            assert transaction.recall("empty") == b""

    def test_one_leads_until_its_time_is_over(self, store: Store) -> None:
        study, other = stored_study(store), stored_study(store, "other")
        with store.transaction() as transaction:
            assert transaction.lead(study.id, "a", NOW, NOW + 10)
            assert not transaction.lead(study.id, "b", NOW + 9.9, NOW + 20)
            assert transaction.lead(other.id, "b", NOW, NOW + 10)
        with store.transaction() as transaction:
            assert transaction.lead(study.id, "a", NOW + 9, NOW + 30)
            assert not transaction.lead(study.id, "b", NOW + 29, NOW + 40)
            assert transaction.lead(study.id, "b", NOW + 30, NOW + 40)
            assert not transaction.lead(study.id, "a", NOW + 31, NOW + 50)
