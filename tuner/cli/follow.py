"""Following a study: a thread reads the stream, the caller gets snapshots when it asks for them.

The caller's thread is then free to look at the clock, at signals and at child processes several times a second,
whatever the network does.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from tuner_protos.v1 import data_pb2, studies_pb2, trials_pb2

from tuner.client.client import Client
from tuner.core.event import EventKind
from tuner.report.snapshot import Snapshot

FEW = 8
"""So many changed trials are fetched one by one; more are fetched as a list."""

_OF_TRIALS = frozenset(kind.value for kind in (EventKind.TRIAL_CREATED, EventKind.TRIAL_STATE, EventKind.RESULT_STORED))


def snapshot_of(client: Client, study: str) -> Snapshot:
    """A study as it is now."""
    found = client.get_study(study)
    return Snapshot(
        found,
        client.workers(),
        client.optimal(found.id),
        {trial.number: trial for trial in client.trials(found.id)},
    )


@dataclass(frozen=True)
class Update:
    """A study as it is after some events."""

    snapshot: Snapshot
    events: Sequence[data_pb2.Event]


class Follower:
    """Follows a study while the context lasts; the client is closed with it, which ends the stream."""

    def __init__(self, client: Client, study: str) -> None:
        self._client, self._study = client, study
        self._updates: queue.Queue[Update | Exception | None] = queue.Queue()
        self._trials: dict[int, data_pb2.Trial] = {}
        self._optimal: list[trials_pb2.Optimal] = []
        self._thread = threading.Thread(target=self._read, name="follower", daemon=True)

    def __enter__(self) -> Follower:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        self._thread.join()

    def next(self, timeout: float) -> Update | None:
        """The next update, waited for up to ``timeout`` seconds; None when there was none.

        Raises:
            EOFError: the study has ended, and everything was told.
            TunerError: the stream broke for good; or whatever else ended the thread.
        """
        try:
            update = self._updates.get(timeout=timeout)
        except queue.Empty:
            return None
        if update is None:
            raise EOFError
        if isinstance(update, Exception):
            raise update
        return update

    def _read(self) -> None:
        try:
            for response in self._client.watch(self._study):
                self._updates.put(self._updated(response))
        except Exception as error:  # Raised where somebody looks: in the thread that asks for the next update.
            self._updates.put(error)
        else:
            self._updates.put(None)

    def _updated(self, response: studies_pb2.WatchResponse) -> Update:
        changed = {event.trial for event in response.events if event.trial and event.kind in _OF_TRIALS}
        study = response.study.id
        if len(changed) > FEW:
            self._trials = {trial.number: trial for trial in self._client.trials(study)}
        else:
            self._trials = self._trials | {
                number: self._client.trial(f"{study}/{number}") for number in sorted(changed)
            }
        if changed or not self._optimal:
            self._optimal = self._client.optimal(study)
        return Update(Snapshot(response.study, response.workers, self._optimal, self._trials), response.events)
