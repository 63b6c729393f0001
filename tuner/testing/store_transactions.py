"""All or nothing; values by copy; what may not be stored."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tuner.core.errors import AlreadyExists, InvalidInput, StoreError, WrongState
from tuner.core.event import Event, EventKind
from tuner.core.observation import Intermediate
from tuner.core.study import StudyState
from tuner.core.trial import AttemptState, Cause, CauseKind, Origin, TrialState
from tuner.store.base import Store, Transaction
from tuner.testing.store_samples import (
    NOW,
    make_attempt,
    make_environment,
    make_result,
    make_study,
    make_trial,
    make_worker,
    stored_attempt,
    stored_study,
    stored_trial,
)


class _Oops(Exception):
    """What the block of a transaction raises."""


class TransactionTests:
    """Transactions as such."""

    def test_a_transaction_that_raises_leaves_no_trace(self, store: Store) -> None:
        study = stored_study(store)
        trial = stored_trial(store, study.id)
        attempt = stored_attempt(store, trial)
        with store.transaction() as transaction:
            transaction.put_worker(make_worker())

        def change(transaction: Transaction) -> None:
            transaction.add_study(make_study("other"))
            transaction.add_environment(study.id, make_environment())
            transaction.add_trial(make_trial(study.id))
            transaction.update_trial(replace(trial, state=TrialState.LEASED, attempts=1), expected=TrialState.QUEUED)
            transaction.add_result(make_result(attempt))
            transaction.update_attempt(attempt, AttemptState.FINISHED, ended_at=NOW)
            transaction.update_study(replace(study, state=StudyState.PAUSED), expected=StudyState.ACTIVE)
            transaction.put_worker(replace(make_worker(), reason="changed"))
            transaction.append(Event(EventKind.STUDY_NOTE, NOW, study.id))
            transaction.remember("request", b"answer", NOW)
            transaction.lead(study.id, "a", NOW, NOW + 10)
            raise _Oops

        with pytest.raises(_Oops), store.transaction() as transaction:
            change(transaction)
        with store.transaction() as transaction:
            assert transaction.studies() == [study]
            assert transaction.environments(study.id) == []
            assert transaction.trials(study.id) == [trial]
            assert transaction.results(study.id) == []
            assert transaction.intermediates(study.id, trial.number) == []
            assert transaction.live_attempts() == [attempt]
            assert transaction.workers() == [make_worker()]
            assert transaction.events() == []
            assert transaction.recall("request") is None
            assert transaction.lead(study.id, "b", NOW, NOW + 10)
            assert transaction.add_trial(make_trial(study.id)).number == trial.number + 1

    def test_a_deletion_that_is_rolled_back_leaves_everything_in_its_order(self, store: Store) -> None:
        first, second = stored_study(store, "first"), stored_study(store, "second")
        trial = stored_trial(store, first.id)
        attempt = stored_attempt(store, trial)

        def delete(transaction: Transaction) -> None:
            transaction.delete_study(first.id)
            assert transaction.studies() == [second]
            raise _Oops

        with pytest.raises(_Oops), store.transaction() as transaction:
            delete(transaction)
        with store.transaction() as transaction:
            assert transaction.studies() == [first, second]
            assert transaction.attempt_by_token(attempt.members[0].token)[0] == attempt
            assert transaction.live_attempts() == [attempt]

    def test_an_error_of_the_store_may_be_caught_and_the_block_go_on(self, store: Store) -> None:
        study = stored_study(store)
        trial = stored_trial(store, study.id)
        attempt = stored_attempt(store, trial)
        other = stored_trial(store, study.id)
        clash = replace(make_attempt(other), members=attempt.members)
        with store.transaction() as transaction:
            with pytest.raises(AlreadyExists):
                transaction.add_study(study)
            with pytest.raises(AlreadyExists):
                transaction.add_attempt(attempt)
            with pytest.raises(AlreadyExists):
                transaction.add_attempt(clash)
            with pytest.raises(WrongState):
                transaction.update_trial(replace(trial, state=TrialState.RUNNING), expected=TrialState.LEASED)
            transaction.append(Event(EventKind.STUDY_NOTE, NOW, study.id))
        with store.transaction() as transaction:
            assert len(transaction.events()) == 1
            assert transaction.live_attempts() == [attempt]

    def test_a_transaction_sees_its_own_changes(self, store: Store) -> None:
        with store.transaction() as transaction:
            transaction.add_study(make_study())
            trial = transaction.add_trial(make_trial(make_study().id))
            assert transaction.trial(trial.study_id, trial.number) == trial
            transaction.delete_study(trial.study_id)
            assert transaction.studies() == []

    def test_a_snapshot_reads_and_does_not_write(self, store: Store) -> None:
        study = stored_study(store)
        with store.snapshot() as snapshot:
            assert snapshot.study(study.id) == study
        with pytest.raises(StoreError), store.snapshot() as snapshot:
            snapshot.append(Event(EventKind.STUDY_NOTE, NOW))
        with store.transaction() as transaction:
            assert transaction.events() == []

    def test_transactions_do_not_nest(self, store: Store) -> None:
        with store.transaction(), pytest.raises(RuntimeError, match="nest"), store.transaction():
            pass

    def test_values_are_passed_by_copy(self, store: Store) -> None:
        study = stored_study(store)
        data: dict[str, object] = {"text": "before"}
        predicted = {"latency": (1.0, 2.0)}
        with store.transaction() as transaction:
            event = transaction.append(Event(EventKind.STUDY_NOTE, NOW, study.id, data=data))
            trial = transaction.add_trial(replace(make_trial(study.id), origin=Origin("gp", predicted=predicted)))
        data["text"] = "after"
        predicted.clear()
        with store.transaction() as transaction:
            assert transaction.events(after=event.sequence - 1)[0].data == {"text": "before"}
            assert transaction.trial(study.id, trial.number).origin.predicted == {"latency": (1.0, 2.0)}

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_only_finite_numbers_are_kept(self, store: Store, value: float) -> None:
        study = stored_study(store)
        attempt = stored_attempt(store, stored_trial(store, study.id))
        good = make_result(attempt)
        bad_run = replace(good.result.runs[0], values={"accuracy": value})
        with store.transaction() as transaction:
            with pytest.raises(InvalidInput):
                transaction.add_result(replace(good, result=replace(good.result, runs=(bad_run,))))
            with pytest.raises(InvalidInput):
                transaction.add_result(replace(good, result=replace(good.result, cost=value)))
            with pytest.raises(InvalidInput):
                transaction.add_intermediates(study.id, 1, 1, [Intermediate(1, 0.0, "accuracy", value)])
            with pytest.raises(InvalidInput):
                transaction.append(Event(EventKind.STUDY_NOTE, NOW, data={"deep": [{"value": value}]}))
            with pytest.raises(InvalidInput):
                transaction.update_attempt(attempt, AttemptState.LEASED, expires_at=value)
            with pytest.raises(InvalidInput):
                transaction.renew_all(value)
            with pytest.raises(InvalidInput):
                transaction.lead(study.id, "a", NOW, value)
            with pytest.raises(InvalidInput):
                transaction.add_study(replace(make_study("other"), active_seconds=value))
        with store.transaction() as transaction:
            assert transaction.results(study.id) == []
            assert transaction.intermediates(study.id, 1) == []
            assert transaction.live_attempts() == [attempt]

    def test_names_that_no_database_bears_are_refused(self, store: Store) -> None:
        for text in ("a\0b", "half \ud800"):
            with store.transaction() as transaction, pytest.raises(InvalidInput):
                transaction.put_worker(make_worker(text))

    def test_a_message_may_hold_anything(self, store: Store) -> None:
        trial = stored_trial(store, stored_study(store).id)
        cause = Cause(CauseKind.CRASHED, "core\0dumped \udcff ✗")
        with store.transaction() as transaction:
            transaction.update_trial(replace(trial, state=TrialState.FAILED, cause=cause), expected=TrialState.QUEUED)
            kept = transaction.trial(trial.study_id, trial.number).cause
        assert kept == Cause(CauseKind.CRASHED, "core\N{REPLACEMENT CHARACTER}dumped \N{REPLACEMENT CHARACTER} ✗")

    def test_closing_twice_is_once_and_then_it_is_closed(self, store: Store) -> None:
        store.close()
        store.close()
        with pytest.raises(StoreError, match="closed"), store.transaction():
            pass
