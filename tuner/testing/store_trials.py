"""Trials, attempts and leases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tuner.core.errors import AlreadyExists, InvalidInput, NotFound, WrongState
from tuner.core.trial import TRIAL_TRANSITIONS, AttemptState, Cause, CauseKind, Member, Purpose, TrialState
from tuner.store.base import Count, Store
from tuner.testing.store_samples import (
    NOW,
    make_attempt,
    make_confirmation,
    make_trial,
    stored_attempt,
    stored_study,
    stored_trial,
)


class TrialTests:
    """What is promised about trials and attempts."""

    def test_a_trial_comes_back_as_it_went_in_under_its_number(self, store: Store) -> None:
        study = stored_study(store)
        given = [replace(make_trial(study.id), number=99), make_confirmation(study.id)]
        with store.transaction() as transaction:
            trials = [transaction.add_trial(trial) for trial in given]
        with store.transaction() as transaction:
            assert [transaction.trial(study.id, number) for number in (1, 2)] == trials
            assert trials == [replace(trial, number=number) for number, trial in enumerate(given, 1)]
            assert trials[0].configuration["share"] == 0.1 + 0.2

    def test_numbers_count_within_the_study(self, store: Store) -> None:
        first, second = stored_study(store, "first"), stored_study(store, "second")
        numbers = [stored_trial(store, study.id).number for study in (first, second, first, second, first)]
        assert numbers == [1, 1, 2, 2, 3]

    def test_an_unknown_trial_or_attempt_is_not_found(self, store: Store) -> None:
        trial = stored_trial(store, stored_study(store).id)
        with store.transaction() as transaction:
            for call in (
                lambda: transaction.trial(trial.study_id, 2),
                lambda: transaction.intermediates(trial.study_id, 2),
                lambda: transaction.update_trial(replace(trial, number=2), expected=TrialState.QUEUED),
                lambda: transaction.add_attempt(make_attempt(replace(trial, number=2))),
                lambda: transaction.attempt(trial.study_id, trial.number, 1),
                lambda: transaction.attempt_by_token("absent"),
                lambda: transaction.update_attempt(make_attempt(trial), AttemptState.RUNNING),
                lambda: transaction.add_intermediates(trial.study_id, trial.number, 1, []),
            ):
                with pytest.raises(NotFound):
                    call()

    def test_trials_are_filtered_and_paged_by_number(self, store: Store) -> None:
        study = stored_study(store)
        with store.transaction() as transaction:
            for index in range(12):
                state = TrialState.COMPLETED if index % 3 == 0 else TrialState.QUEUED
                transaction.add_trial(make_trial(study.id, state, Purpose.DEFAULT if index == 0 else Purpose.EXPLORE))
        with store.transaction() as transaction:

            def numbers(**filters: object) -> list[int]:
                return [trial.number for trial in transaction.trials(study.id, **filters)]  # type: ignore[arg-type]

            assert numbers() == list(range(1, 13))
            assert numbers(states=[TrialState.COMPLETED]) == [1, 4, 7, 10]
            assert numbers(states=[TrialState.COMPLETED], purposes=[Purpose.EXPLORE]) == [4, 7, 10]
            assert numbers(states=[TrialState.COMPLETED, TrialState.QUEUED], after=9, limit=2) == [10, 11]
            assert numbers(states=[TrialState.FAILED]) == []
            assert numbers(after=12) == []

    def test_counts_by_environment_purpose_and_state(self, store: Store) -> None:
        study = stored_study(store)
        with store.transaction() as transaction:
            assert transaction.counts(study.id) == []
            for environment in (None, "a", "a"):
                transaction.add_trial(replace(make_trial(study.id), environment=environment))
            transaction.add_trial(make_trial(study.id, TrialState.FAILED, Purpose.DEFAULT))
            assert set(transaction.counts(study.id)) == {
                Count(None, Purpose.EXPLORE, TrialState.QUEUED, 1),
                Count("a", Purpose.EXPLORE, TrialState.QUEUED, 2),
                Count(None, Purpose.DEFAULT, TrialState.FAILED, 1),
            }

    def test_an_update_replaces_the_mutable_fields_of_a_trial_alone(self, store: Store) -> None:
        trial = stored_trial(store, stored_study(store).id)
        changed = replace(
            trial,
            state=TrialState.FAILED,
            environment="env",
            attempts=3,
            started_at=NOW + 1,
            ended_at=NOW + 2,
            cause=Cause(CauseKind.TIMED_OUT, "600 s"),
        )
        with store.transaction() as transaction:
            transaction.update_trial(replace(changed, fidelity=None, wanted=()), expected=TrialState.QUEUED)
            assert transaction.trial(trial.study_id, trial.number) == changed

    @pytest.mark.parametrize("state", list(TrialState))
    def test_only_the_transitions_of_a_trials_life_are_made(self, store: Store, state: TrialState) -> None:
        trial = stored_trial(store, stored_study(store).id, state)
        for to in TrialState:
            legal = to in TRIAL_TRANSITIONS[state] or (to is state and not state.terminal)
            moved = replace(trial, state=to, attempts=1)
            with store.transaction() as transaction:
                if legal:
                    transaction.update_trial(moved, expected=state)
                    assert transaction.trial(trial.study_id, trial.number) == moved
                    trial = transaction.add_trial(make_trial(trial.study_id, state))
                else:
                    with pytest.raises(WrongState):
                        transaction.update_trial(moved, expected=state)
                    assert transaction.trial(trial.study_id, trial.number) == trial

    def test_of_two_updates_from_one_state_the_second_is_refused(self, store: Store) -> None:
        trial = stored_trial(store, stored_study(store).id)
        with store.transaction() as transaction:
            transaction.update_trial(replace(trial, state=TrialState.LEASED), expected=TrialState.QUEUED)
        with store.transaction() as transaction, pytest.raises(WrongState):
            transaction.update_trial(replace(trial, state=TrialState.CANCELLED), expected=TrialState.QUEUED)
        with store.transaction() as transaction:
            assert transaction.trial(trial.study_id, trial.number).state is TrialState.LEASED

    def test_an_attempt_comes_back_with_its_members_in_order(self, store: Store) -> None:
        trial = stored_trial(store, stored_study(store).id)
        members = (
            Member("w-2", "chief", 0, "secret-b", "[::1]:4000"),
            Member("w-1", "helfer ✓", 1, "secret-a", ""),
        )
        attempt = replace(make_attempt(trial), state=AttemptState.OFFERED, members=members)
        with store.transaction() as transaction:
            transaction.add_attempt(attempt)
        with store.transaction() as transaction:
            assert transaction.attempt(trial.study_id, trial.number, 1) == attempt
            assert transaction.attempt_by_token("secret-a") == (attempt, members[1])
            assert transaction.live_attempts(worker_id="w-1") == [attempt]
            assert transaction.live_attempts(worker_id="w-3") == []

    def test_an_attempts_number_is_given_once(self, store: Store) -> None:
        attempt = stored_attempt(store, stored_trial(store, stored_study(store).id))
        rival = replace(attempt, members=(Member("w-2", "main", 0, "another"),))
        with store.transaction() as transaction, pytest.raises(AlreadyExists):
            transaction.add_attempt(rival)
        with store.transaction() as transaction:
            assert transaction.live_attempts() == [attempt]

    def test_an_attempt_needs_a_member(self, store: Store) -> None:
        trial = stored_trial(store, stored_study(store).id)
        with store.transaction() as transaction:
            with pytest.raises(InvalidInput):
                transaction.add_attempt(replace(make_attempt(trial), members=()))
            assert transaction.live_attempts() == []

    def test_live_attempts_by_worker_and_study(self, store: Store) -> None:
        first, second = stored_study(store, "b"), stored_study(store, "a")
        trials = [stored_trial(store, study.id) for study in (first, first, second)]
        attempts = [make_attempt(trial, worker=f"w-{index % 2}") for index, trial in enumerate(trials)]
        with store.transaction() as transaction:
            for attempt in reversed(attempts):
                transaction.add_attempt(attempt)
        with store.transaction() as transaction:
            assert transaction.live_attempts() == attempts
            assert transaction.live_attempts(worker_id="w-0") == [attempts[0], attempts[2]]
            assert transaction.live_attempts(worker_id="w-0", study_id=second.id) == [attempts[2]]
            transaction.update_attempt(attempts[0], AttemptState.FINISHED, ended_at=NOW + 1)
            assert transaction.live_attempts(study_id=first.id) == [attempts[1]]
            ended, member = transaction.attempt_by_token(attempts[0].members[0].token)
            assert (ended.state, ended.ended_at, member) == (AttemptState.FINISHED, NOW + 1, attempts[0].members[0])

    def test_an_attempt_moves_on_and_never_back(self, store: Store) -> None:
        attempt = stored_attempt(store, stored_trial(store, stored_study(store).id))
        where = (attempt.study_id, attempt.trial, attempt.number)
        with store.transaction() as transaction:
            transaction.update_attempt(attempt, AttemptState.LEASED, expires_at=NOW + 60)
            assert transaction.attempt(*where) == replace(attempt, expires_at=NOW + 60)
            transaction.update_attempt(attempt, AttemptState.RUNNING)
            running = transaction.attempt(*where)
            with pytest.raises(WrongState):
                transaction.update_attempt(attempt, AttemptState.RUNNING)
            with pytest.raises(WrongState):
                transaction.update_attempt(running, AttemptState.LEASED)
            lost = Cause(CauseKind.LOST, "no heartbeat")
            transaction.update_attempt(running, AttemptState.LOST, ended_at=NOW + 61, cause=lost)
            ended = transaction.attempt(*where)
            assert ended == replace(running, state=AttemptState.LOST, ended_at=NOW + 61, cause=lost)
            for late in (running, ended):
                for to in AttemptState:
                    with pytest.raises(WrongState):
                        transaction.update_attempt(late, to, expires_at=NOW + 99)
            assert transaction.attempt(*where) == ended

    def test_a_lease_expires_at_its_time_the_oldest_first(self, store: Store) -> None:
        study = stored_study(store)
        late, early, ended = (
            stored_attempt(store, stored_trial(store, study.id), expires_at=NOW + seconds) for seconds in (20, 10, 5)
        )
        with store.transaction() as transaction:
            transaction.update_attempt(ended, AttemptState.RELEASED, ended_at=NOW)
            assert transaction.expired_attempts(NOW + 9.999) == []
            assert transaction.expired_attempts(NOW + 10) == [early]
            assert transaction.expired_attempts(NOW + 99) == [early, late]

    def test_renewing_all_never_shortens_a_lease_nor_wakes_an_ended_one(self, store: Store) -> None:
        study = stored_study(store)
        short, long, ended = (
            stored_attempt(store, stored_trial(store, study.id), expires_at=NOW + seconds) for seconds in (10, 90, 10)
        )
        with store.transaction() as transaction:
            transaction.update_attempt(ended, AttemptState.LOST)
            assert transaction.renew_all(NOW + 50) == 2
            assert transaction.live_attempts() == [replace(short, expires_at=NOW + 50), long]
            assert transaction.attempt(ended.study_id, ended.trial, ended.number).expires_at == NOW + 10
            assert transaction.expired_attempts(NOW + 49) == []
