"""Studies and environments."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tuner.core.errors import AlreadyExists, NotFound, WrongState
from tuner.core.event import Event, EventKind
from tuner.core.study import StudyState
from tuner.core.trial import TrialState
from tuner.store.base import Store, Transaction
from tuner.testing.store_samples import (
    NOW,
    make_environment,
    make_result,
    make_study,
    make_trial,
    stored_attempt,
    stored_study,
    stored_trial,
)


class StudyTests:
    """What is promised about studies."""

    def test_a_study_comes_back_as_it_went_in(self, store: Store) -> None:
        study = stored_study(store)
        with store.transaction() as transaction:
            assert transaction.study(study.id) == study
            assert list(transaction.study(study.id).spec.space.by_name) == ["threads", "präzision", "share"]

    def test_an_id_is_given_once(self, store: Store) -> None:
        study = stored_study(store)
        with store.transaction() as transaction, pytest.raises(AlreadyExists):
            transaction.add_study(replace(study, state=StudyState.PAUSED))
        with store.transaction() as transaction:
            assert transaction.studies() == [study]

    @pytest.mark.parametrize("study_id", ["absent/1", "", "'; DROP TABLE study; --"])
    def test_an_unknown_study_is_not_found(self, store: Store, study_id: str) -> None:
        stored_study(store)

        def refused(transaction: Transaction) -> None:
            for call in (
                lambda: transaction.study(study_id),
                lambda: transaction.delete_study(study_id),
                lambda: transaction.environments(study_id),
                lambda: transaction.trials(study_id),
                lambda: transaction.trial(study_id, 1),
                lambda: transaction.counts(study_id),
                lambda: transaction.results(study_id),
                lambda: transaction.intermediates(study_id, 1),
                lambda: transaction.add_trial(make_trial(study_id)),
                lambda: transaction.add_environment(study_id, make_environment()),
                lambda: transaction.lead(study_id, "a", NOW, NOW + 1),
                lambda: transaction.update_study(replace(make_study(), id=study_id), expected=StudyState.ACTIVE),
            ):
                with pytest.raises(NotFound):
                    call()

        with store.transaction() as transaction:
            refused(transaction)
            with pytest.raises(NotFound):
                transaction.studies(after="absent/1")

    def test_runs_of_a_name_come_oldest_first(self, store: Store) -> None:
        runs = [make_study("s", run) for run in range(1, 12)]
        with store.transaction() as transaction:
            for study in runs:
                transaction.add_study(study)
            transaction.add_study(make_study("s2"))
            assert transaction.study_runs("s") == runs
            assert transaction.study_runs("absent") == []

    def test_studies_are_filtered_and_paged_in_the_order_of_creation(self, store: Store) -> None:
        names = ["zeta", "alpha", "Ünder", "mid"]
        studies = [make_study(name, owner="a" if name == "mid" else "b") for name in names]
        studies[1] = replace(studies[1], state=StudyState.PAUSED)
        with store.transaction() as transaction:
            for study in studies:
                transaction.add_study(study)
            assert transaction.studies() == studies
            assert transaction.studies(limit=2) == studies[:2]
            assert transaction.studies(after=studies[1].id, limit=5) == studies[2:]
            assert transaction.studies(after=studies[3].id) == []
            assert transaction.studies(states=[StudyState.PAUSED]) == [studies[1]]
            assert transaction.studies(states=[StudyState.PAUSED, StudyState.ACTIVE], owner="a") == [studies[3]]
            assert transaction.studies(states=[StudyState.FAILED]) == []

    def test_an_update_replaces_the_mutable_fields_alone(self, store: Store) -> None:
        study = stored_study(store)
        changed = replace(
            study,
            state=StudyState.COMPLETED,
            active_seconds=12.5,
            active_since=None,
            ended_at=NOW + 9,
            reason="budget used up ✓",
            pinned="abc",
        )
        with store.transaction() as transaction:
            transaction.update_study(replace(changed, source="other", owner="other"), expected=StudyState.ACTIVE)
            assert transaction.study(study.id) == changed

    def test_an_update_compares_the_state(self, store: Store) -> None:
        study = stored_study(store)
        with store.transaction() as transaction:
            with pytest.raises(WrongState):
                transaction.update_study(replace(study, state=StudyState.ACTIVE), expected=StudyState.PAUSED)
            assert transaction.study(study.id) == study

    @pytest.mark.parametrize("state", list(StudyState))
    def test_an_ended_study_never_changes(self, store: Store, state: StudyState) -> None:
        ended = replace(make_study(), state=StudyState.CANCELLED)
        with store.transaction() as transaction:
            transaction.add_study(ended)
            with pytest.raises(WrongState):
                transaction.update_study(replace(ended, state=state, reason="x"), expected=StudyState.CANCELLED)
            assert transaction.study(ended.id) == ended

    def test_an_illegal_transition_is_refused(self, store: Store) -> None:
        study = replace(make_study(), state=StudyState.PAUSED)
        with store.transaction() as transaction:
            transaction.add_study(study)
            with pytest.raises(WrongState):
                transaction.update_study(replace(study, state=StudyState.COMPLETED), expected=StudyState.PAUSED)
            transaction.update_study(replace(study, reason="still"), expected=StudyState.PAUSED)
            assert transaction.study(study.id).reason == "still"

    def test_a_deleted_study_takes_all_but_its_events_along(self, store: Store) -> None:
        study, other = stored_study(store), stored_study(store, "other")
        attempt = stored_attempt(store, stored_trial(store, study.id))
        kept = stored_attempt(store, stored_trial(store, other.id))
        with store.transaction() as transaction:
            transaction.add_environment(study.id, make_environment())
            transaction.add_result(make_result(attempt))
            transaction.append(Event(EventKind.STUDY_CREATED, NOW, study.id))
            transaction.lead(study.id, "a", NOW, NOW + 100)
        with store.transaction() as transaction:
            transaction.delete_study(study.id)
            with pytest.raises(NotFound):
                transaction.study(study.id)
            with pytest.raises(NotFound):
                transaction.attempt_by_token(attempt.members[0].token)
            assert transaction.live_attempts() == [kept]
            assert [event.study_id for event in transaction.events()] == [study.id]
        with store.transaction() as transaction:
            transaction.add_study(study)
            assert transaction.trials(study.id) == []
            assert transaction.results(study.id) == []
            assert transaction.environments(study.id) == []
            assert transaction.add_trial(make_trial(study.id, TrialState.QUEUED)).number == 1
            assert transaction.lead(study.id, "b", NOW, NOW + 100)

    def test_environments_keep_their_order_and_the_first_stays(self, store: Store) -> None:
        study = stored_study(store)
        heavy, light = make_environment("schwer"), make_environment("leicht")
        with store.transaction() as transaction:
            transaction.add_environment(study.id, heavy)
            transaction.add_environment(study.id, light)
            transaction.add_environment(study.id, replace(heavy, absent=("other",)))
            assert transaction.environments(study.id) == [heavy, light]
