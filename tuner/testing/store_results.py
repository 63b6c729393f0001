"""Results, observations, runs and learning curves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tuner.core.errors import InvalidInput, NotFound
from tuner.core.observation import Intermediate, Observation
from tuner.core.trial import AttemptState, Cause, CauseKind, Result, TrialState
from tuner.store.base import Store
from tuner.testing.store_samples import make_attempt, make_result, stored_attempt, stored_study, stored_trial


class ResultTests:
    """What is promised about measurements."""

    def test_a_result_comes_back_with_its_provenance(self, store: Store) -> None:
        attempt = stored_attempt(store, stored_trial(store, stored_study(store).id))
        stored = make_result(attempt)
        with store.transaction() as transaction:
            assert transaction.add_result(stored)
        with store.transaction() as transaction:
            assert transaction.results(attempt.study_id, runs=True) == [stored]
            brief = replace(stored, result=replace(stored.result, runs=(), intermediates=()))
            assert transaction.results(attempt.study_id) == [brief]

    def test_a_failure_comes_back_with_its_cause(self, store: Store) -> None:
        attempt = stored_attempt(store, stored_trial(store, stored_study(store).id))
        failed = Result(TrialState.FAILED, cause=Cause(CauseKind.OUT_OF_MEMORY, "killed ☠"))
        stored = replace(make_result(attempt), result=failed)
        with store.transaction() as transaction:
            assert transaction.add_result(stored)
            assert transaction.results(attempt.study_id, runs=True) == [stored]

    def test_a_second_result_of_an_attempt_changes_nothing(self, store: Store) -> None:
        attempt = stored_attempt(store, stored_trial(store, stored_study(store).id))
        first = make_result(attempt)
        second = make_result(attempt, late=True, mean=99.0)
        extra = (*second.result.intermediates, Intermediate(3, 2.0, "accuracy", 0.5))
        with store.transaction() as transaction:
            assert transaction.add_result(first)
            assert not transaction.add_result(replace(second, result=replace(second.result, intermediates=extra)))
        with store.transaction() as transaction:
            assert not transaction.add_result(second)
            assert transaction.results(attempt.study_id, runs=True) == [first]

    def test_a_result_needs_its_attempt(self, store: Store) -> None:
        trial = stored_trial(store, stored_study(store).id)
        with store.transaction() as transaction, pytest.raises(NotFound):
            transaction.add_result(make_result(make_attempt(trial)))

    def test_a_metric_observed_twice_is_refused(self, store: Store) -> None:
        attempt = stored_attempt(store, stored_trial(store, stored_study(store).id))
        stored = make_result(attempt)
        twice = (Observation("accuracy", 0.5), Observation("accuracy", 0.6))
        with store.transaction() as transaction:
            with pytest.raises(InvalidInput, match="accuracy"):
                transaction.add_result(replace(stored, result=replace(stored.result, observations=twice)))
            assert transaction.results(attempt.study_id) == []

    def test_results_are_filtered_and_come_by_trial_and_attempt(self, store: Store) -> None:
        study = stored_study(store)
        trials = [stored_trial(store, study.id) for _ in range(3)]
        results = []
        for trial in trials:
            attempt = stored_attempt(store, trial)
            results.append(make_result(attempt, late=trial.number == 2, mean=float(trial.number)))
        with store.transaction() as transaction:
            lost = transaction.attempt(study.id, 2, 1)
            transaction.update_attempt(lost, AttemptState.LOST)
        again = stored_attempt(store, trials[1], number=2)
        results.append(make_result(again))
        with store.transaction() as transaction:
            for stored in reversed(results):
                assert transaction.add_result(stored)

            def found(**filters: object) -> list[tuple[int, int]]:
                return [(s.trial, s.attempt) for s in transaction.results(study.id, **filters)]  # type: ignore[arg-type]

            assert found() == [(1, 1), (2, 1), (2, 2), (3, 1)]
            assert found(trials=[2, 3]) == [(2, 1), (2, 2), (3, 1)]
            assert found(late=True) == [(2, 1)]
            assert found(late=False, trials=[2]) == [(2, 2)]
            assert found(trials=[7]) == []
            assert found(trials=range(1, 50_000)) == found()
            assert [s.result.observations[0].mean for s in transaction.results(study.id, late=False)] == [
                1.0,
                12.5,
                3.0,
            ]

    def test_a_learning_curve_grows_and_what_is_there_stays(self, store: Store) -> None:
        attempt = stored_attempt(store, stored_trial(store, stored_study(store).id))
        where = (attempt.study_id, attempt.trial, attempt.number)
        points = [Intermediate(step, step / 2, metric, float(step)) for step in (10, 9) for metric in ("loss", "Acc")]
        with store.transaction() as transaction:
            assert transaction.intermediates(*where[:2]) == []
            transaction.add_intermediates(*where, points)
            transaction.add_intermediates(*where, [])
        with store.transaction() as transaction:
            again = [Intermediate(9, 77.0, "loss", 77.0), Intermediate(11, 6.0, "loss", 0.1)]
            transaction.add_intermediates(*where, [*again, replace(again[1], value=88.0)])
            kept = transaction.intermediates(*where[:2])
        assert kept == [points[3], points[2], points[1], points[0], again[1]]

    def test_the_learning_curve_is_that_of_the_latest_attempt(self, store: Store) -> None:
        trial = stored_trial(store, stored_study(store).id)
        first, point = stored_attempt(store, trial), Intermediate(1, 0.1, "loss", 1.0)
        with store.transaction() as transaction:
            transaction.add_intermediates(trial.study_id, trial.number, 1, [point])
            transaction.update_attempt(first, AttemptState.LOST)
        stored_attempt(store, trial, number=2)
        with store.transaction() as transaction:
            assert transaction.intermediates(trial.study_id, trial.number) == []
            transaction.add_intermediates(trial.study_id, trial.number, 2, [replace(point, value=2.0)])
            assert transaction.intermediates(trial.study_id, trial.number) == [replace(point, value=2.0)]
