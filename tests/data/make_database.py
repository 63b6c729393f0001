"""Write ``tests/data/schema-NNNN.sqlite``: a small database of today's schema, to be opened by every later version.

Run once, when a schema is new, before it is released: ``python tests/data/make_database.py``. What lies there of older
schemas stays as it is for ever; ``tests/unit/store/test_migrations.py`` opens each of them.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from tuner_migrations import head

from tuner.core.event import Event, EventKind
from tuner.core.study import StudyState
from tuner.core.trial import AttemptState, Cause, CauseKind, TrialState
from tuner.store.base import Store
from tuner.store.open import open_store
from tuner.testing.store_samples import (
    NOW,
    make_attempt,
    make_confirmation,
    make_environment,
    make_result,
    make_study,
    make_trial,
    make_worker,
)


class FixedClock:
    """A clock that stands, so that two runs write the same."""

    def now(self) -> float:
        return NOW


def fill(store: Store) -> None:
    """One of everything: an ended study, one that is active, an attempt in every stage."""
    study, other = make_study(), make_study("zweite", owner="")
    with store.transaction() as transaction:
        transaction.put_worker(make_worker())
        transaction.add_study(study)
        transaction.add_study(other)
        transaction.add_environment(study.id, make_environment())
        transaction.append(Event(EventKind.STUDY_CREATED, NOW, study.id, actor="zoë", data={"name": study.spec.name}))
        done = transaction.add_trial(make_trial(study.id))
        live = transaction.add_trial(make_confirmation(study.id))
        transaction.add_trial(make_trial(other.id))
        for trial in (done, live):
            transaction.add_attempt(make_attempt(trial))
            transaction.update_trial(
                replace(trial, state=TrialState.LEASED, attempts=1, environment=make_environment().environment.id),
                expected=TrialState.QUEUED,
            )
        transaction.add_result(make_result(make_attempt(done)))
        transaction.update_attempt(make_attempt(done), AttemptState.FINISHED, ended_at=NOW + 5)
        ended = replace(transaction.trial(study.id, 1), state=TrialState.COMPLETED, ended_at=NOW + 5)
        transaction.update_trial(ended, expected=TrialState.LEASED)
        failed = transaction.add_trial(make_trial(study.id))
        cause = Cause(CauseKind.REFUSED, "größer als 4")
        transaction.update_trial(replace(failed, state=TrialState.INFEASIBLE, cause=cause), expected=TrialState.QUEUED)
        transaction.update_study(replace(other, state=StudyState.CANCELLED), expected=StudyState.ACTIVE)
        transaction.remember("request-1", b"answer", NOW)
        transaction.lead(study.id, "tuner-a", NOW, NOW + 60)


def main() -> None:
    """Write the database of the newest schema."""
    path = Path(__file__).with_name(f"schema-{head()}.sqlite")
    path.unlink(missing_ok=True)
    store = open_store(str(path), FixedClock())
    fill(store)
    store.close()
    # One file, without a log beside it.
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("VACUUM")
    connection.close()


if __name__ == "__main__":
    main()
