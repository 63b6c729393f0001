"""The contract of a store. ``tuner.testing.StoreTestCase`` checks what is promised here.

The store keeps and compares; it chooses nothing. Every change happens in a transaction; a transaction that raises
leaves no trace; transactions that touch the same rows behave as if one came after the other. Values are passed by
copy: what is read is immutable.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tuner.core.environment import StudyEnvironment
from tuner.core.event import Event
from tuner.core.observation import Intermediate
from tuner.core.study import Study, StudyState
from tuner.core.trial import (
    Attempt,
    AttemptState,
    Cause,
    Member,
    Purpose,
    Result,
    Trial,
    TrialState,
)
from tuner.core.worker import Worker, WorkerState


@dataclass(frozen=True)
class StoredResult:
    """A result with its provenance.

    Attributes:
        late: it arrived after its trial had ended: a replicate, never the trial's own result.
        environment: id of the environment in which it was measured.
    """

    study_id: str
    trial: int
    attempt: int
    worker_id: str
    environment: str
    stored_at: float
    late: bool
    result: Result


@dataclass(frozen=True)
class Count:
    """How many trials of a study share environment, purpose and state."""

    environment: str | None
    purpose: Purpose
    state: TrialState
    number: int


class Transaction(ABC):
    """What can be done inside one transaction. Unknown ids raise NotFound throughout."""

    # --- studies ---

    @abstractmethod
    def add_study(self, study: Study) -> None:
        """Raises AlreadyExists when its id is taken."""

    @abstractmethod
    def study(self, study_id: str) -> Study: ...

    @abstractmethod
    def study_runs(self, name: str) -> list[Study]:
        """The runs of the study called ``name``, oldest first; empty when there is none."""

    @abstractmethod
    def studies(
        self, *, states: Sequence[StudyState] = (), owner: str = "", after: str = "", limit: int = 0
    ) -> list[Study]:
        """Studies in the order of creation, of the given states (all when empty) and owner, from behind the study
        whose id is ``after``, at most ``limit`` (0: no bound)."""

    @abstractmethod
    def update_study(self, study: Study, *, expected: StudyState) -> None:
        """Replace the mutable fields (state, active_seconds, active_since, ended_at, reason, pinned).

        Raises:
            WrongState: the stored state is not ``expected``, or the life of a study has no such transition.
        """

    @abstractmethod
    def delete_study(self, study_id: str) -> None:
        """Remove a study and all that belongs to it; its events stay."""

    # --- environments ---

    @abstractmethod
    def add_environment(self, study_id: str, environment: StudyEnvironment) -> None:
        """Idempotent by the environment's id: the first stays."""

    @abstractmethod
    def environments(self, study_id: str) -> list[StudyEnvironment]:
        """In the order in which they were added."""

    # --- trials ---

    @abstractmethod
    def add_trial(self, trial: Trial) -> Trial:
        """Store ``trial`` under the study's next number (the given number is ignored) and return it as stored."""

    @abstractmethod
    def trial(self, study_id: str, number: int) -> Trial: ...

    @abstractmethod
    def trials(
        self,
        study_id: str,
        *,
        states: Sequence[TrialState] = (),
        purposes: Sequence[Purpose] = (),
        after: int = 0,
        limit: int = 0,
    ) -> list[Trial]:
        """Trials by number, of the given states and purposes (all when empty), with numbers above ``after``, at most
        ``limit`` (0: no bound)."""

    @abstractmethod
    def counts(self, study_id: str) -> list[Count]:
        """How many trials there are, by environment, purpose and state."""

    @abstractmethod
    def update_trial(self, trial: Trial, *, expected: TrialState) -> None:
        """Replace the mutable fields (state, environment, attempts, started_at, ended_at, cause).

        Raises:
            WrongState: the stored state is not ``expected``, or the life of a trial has no such transition (staying
                in one state to change the other fields is allowed while it is not terminal).
        """

    # --- attempts ---

    @abstractmethod
    def add_attempt(self, attempt: Attempt) -> None:
        """Raises AlreadyExists when its number is taken: of two claims, one loses here."""

    @abstractmethod
    def attempt(self, study_id: str, trial: int, number: int) -> Attempt: ...

    @abstractmethod
    def attempt_by_token(self, token: str) -> tuple[Attempt, Member]:
        """The attempt, live or ended, in which ``token`` is a member's."""

    @abstractmethod
    def live_attempts(self, *, worker_id: str = "", study_id: str = "") -> list[Attempt]:
        """Attempts that hold their trial, of this worker and study (all when empty)."""

    @abstractmethod
    def expired_attempts(self, now: float) -> list[Attempt]:
        """Live attempts whose lease ran out at or before ``now``, the oldest first."""

    @abstractmethod
    def update_attempt(
        self,
        attempt: Attempt,
        to: AttemptState,
        *,
        ended_at: float | None = None,
        cause: Cause | None = None,
        expires_at: float | None = None,
    ) -> None:
        """Move a live attempt on, or renew its lease (``to`` its own state).

        Raises:
            WrongState: it is no longer live.
        """

    @abstractmethod
    def renew_all(self, expires_at: float) -> int:
        """Give every live attempt at least until ``expires_at``; returns how many there are."""

    # --- results ---

    @abstractmethod
    def add_result(self, stored: StoredResult) -> bool:
        """Keep a result, once: False, and nothing changed, when this attempt has one already."""

    @abstractmethod
    def results(
        self, study_id: str, *, trials: Sequence[int] = (), late: bool | None = None, runs: bool = False
    ) -> list[StoredResult]:
        """Results by trial and attempt, of these trials (all when empty); with ``runs`` False the runs and the learning
        curve stay on disk, and ``result.runs`` and ``result.intermediates`` are empty."""

    @abstractmethod
    def add_intermediates(self, study_id: str, trial: int, attempt: int, values: Sequence[Intermediate]) -> None:
        """Append to the learning curve of an attempt; a (step, metric) that is there already is left as it is."""

    @abstractmethod
    def intermediates(self, study_id: str, trial: int) -> list[Intermediate]:
        """The learning curve of the trial's latest attempt, in the order of its steps."""

    # --- workers ---

    @abstractmethod
    def put_worker(self, worker: Worker) -> None:
        """Add it, or replace what is known of it."""

    @abstractmethod
    def worker(self, worker_id: str) -> Worker: ...

    @abstractmethod
    def workers(self, *, states: Sequence[WorkerState] = ()) -> list[Worker]:
        """By id."""

    # --- events ---

    @abstractmethod
    def append(self, event: Event) -> Event:
        """Add an event to the one order of events and return it with its sequence."""

    @abstractmethod
    def events(self, *, after: int = 0, study_id: str = "", limit: int = 0) -> list[Event]:
        """Events behind the cursor ``after``, of one study (of all when empty), at most ``limit`` (0: no bound)."""

    @abstractmethod
    def last_event(self, study_id: str = "") -> int:
        """Sequence of the last event (of the study); 0 when there is none."""

    # --- repeated requests, leadership ---

    @abstractmethod
    def recall(self, request_id: str) -> bytes | None:
        """The answer that was remembered for a request."""

    @abstractmethod
    def remember(self, request_id: str, answer: bytes, at: float) -> None:
        """Keep the answer of a request, so that its repetition gets the same."""

    @abstractmethod
    def lead(self, study_id: str, holder: str, now: float, until: float) -> bool:
        """Become, or stay, the one who makes suggestions for a study until ``until``; False while another is."""


class Store(ABC):
    """Keeps studies, trials and observations."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Transaction]:
        """Begin a transaction; it is committed when the block ends, rolled back when it raises.

        Raises:
            StoreError: the store cannot be written (full disk, lost connection); nothing of the block is kept.
        """

    def snapshot(self) -> AbstractContextManager[Transaction]:
        """Begin a transaction for reading. Where the store can, it sees one moment, waits for no other transaction, and
        none waits for it: for whoever reads much, or watches.

        Raises:
            StoreError: the block writes.
        """
        return self.transaction()

    @abstractmethod
    def close(self) -> None:
        """Release files and connections. Idempotent."""
