"""Several at once: threads, over two Store objects where the store can be shared."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeVar

from tuner.core.errors import WrongState
from tuner.core.event import Event, EventKind
from tuner.core.trial import Member, Trial, TrialState
from tuner.store.base import Store
from tuner.testing.store_samples import NOW, make_attempt, make_trial, stored_study, stored_trial

_THREADS = 6

Answer = TypeVar("Answer")


def at_once(stores: tuple[Store, ...], work: Callable[[Store, int], Answer], threads: int = _THREADS) -> list[Answer]:
    """Run ``work(store, index)`` in threads that start together and share ``stores``."""
    start = threading.Barrier(threads)

    def run(index: int) -> Answer:
        start.wait()
        return work(stores[index % len(stores)], index)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def _claim(trial: Trial, store: Store, index: int) -> bool:
    member = Member(f"w-{index}", "main", 0, f"{trial.id}:{index}")
    try:
        with store.transaction() as transaction:
            transaction.update_trial(replace(trial, state=TrialState.LEASED, attempts=1), expected=TrialState.QUEUED)
            transaction.add_attempt(replace(make_attempt(trial), members=(member,)))
    except WrongState:
        return False
    return True


class ConcurrencyTests:
    """What is promised about those who meet."""

    def test_of_those_who_claim_one_trial_exactly_one_wins(self, store: Store, other_store: Store) -> None:
        study = stored_study(store)
        for _ in range(3):
            trial = stored_trial(store, study.id)
            won = at_once((store, other_store), partial(_claim, trial))
            assert sum(won) == 1
            with store.transaction() as transaction:
                attempt = transaction.attempt(study.id, trial.number, 1)
                assert attempt.members[0].worker_id == f"w-{won.index(True)}"

    def test_numbers_have_no_gap_and_no_double(self, store: Store, other_store: Store) -> None:
        study = stored_study(store)

        def add(mine: Store, index: int) -> list[int]:
            numbers = []
            for turn in range(6):
                try:
                    with mine.transaction() as transaction:
                        number = transaction.add_trial(make_trial(study.id)).number
                        if (turn + index) % 3 == 0:
                            raise WrongState("given back")
                except WrongState:
                    continue
                numbers.append(number)
            return numbers

        numbers = sorted(number for added in at_once((store, other_store), add) for number in added)
        assert numbers == list(range(1, len(numbers) + 1))
        with store.transaction() as transaction:
            assert [trial.number for trial in transaction.trials(study.id)] == numbers

    def test_what_a_transaction_read_holds_until_its_end(self, store: Store, other_store: Store) -> None:
        study = stored_study(store)

        def fill(mine: Store, index: int) -> None:
            for _ in range(4):
                with mine.transaction() as transaction:
                    if sum(count.number for count in transaction.counts(study.id)) < 5:
                        transaction.add_trial(make_trial(study.id))

        at_once((store, other_store), fill)
        with store.transaction() as transaction:
            assert len(transaction.trials(study.id)) == 5

    def test_a_cursor_passes_no_event(self, store: Store, other_store: Store) -> None:
        each, finished = 12, [threading.Event() for _ in range(3)]

        def work(mine: Store, index: int) -> list[Event]:
            if index < len(finished):
                for turn in range(each):
                    with mine.transaction() as transaction:
                        transaction.append(Event(EventKind.STUDY_NOTE, NOW, data={"writer": index, "turn": turn}))
                finished[index].set()
                return []
            seen: list[Event] = []
            complete = False
            while not complete:
                complete = all(writer.is_set() for writer in finished)
                with mine.snapshot() as snapshot:
                    seen += snapshot.events(after=seen[-1].sequence if seen else 0)
            return seen

        for seen in at_once((store, other_store), work, len(finished) + 2)[len(finished) :]:
            assert len({(event.data["writer"], event.data["turn"]) for event in seen}) == len(finished) * each
            assert [event.sequence for event in seen] == sorted(event.sequence for event in seen)

    def test_a_snapshot_sees_one_moment(self, store: Store, other_store: Store) -> None:
        study = stored_study(store)

        def work(mine: Store, index: int) -> bool:
            if index == 0:
                for _ in range(20):
                    with mine.transaction() as transaction:
                        transaction.add_trial(make_trial(study.id))
                        transaction.append(Event(EventKind.TRIAL_CREATED, NOW, study.id))
                return True
            equal = []
            for _ in range(10):
                with mine.snapshot() as snapshot:
                    trials = len(snapshot.trials(study.id))
                    equal.append(trials == len(snapshot.events(study_id=study.id)))
            return all(equal)

        assert all(at_once((store, other_store), work, 3))
