"""The client for programs that may block."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import grpc
from google.protobuf.message import Message
from tuner_protos.v1 import data_pb2, studies_pb2, trials_pb2, workers_pb2

from tuner.client import errors, operations
from tuner.client.connection import DEFAULT_ADDRESS, Connection, KeepAlive, Patience, Retry
from tuner.client.held import Held
from tuner.client.measured import Asked, Measured, best_of, front_of
from tuner.client.operations import ENDED, Operation
from tuner.core.clock import Clock, SteadyClock
from tuner.core.errors import Unavailable
from tuner.core.observation import Observation
from tuner.core.study import StudyState
from tuner.core.trial import Purpose, TrialState

Response = TypeVar("Response", bound=Message)
Page = TypeVar("Page", studies_pb2.ListStudiesResponse, trials_pb2.ListTrialsResponse, workers_pb2.ListWorkersResponse)

INTERRUPTED = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})
"""How a stream ends when its server goes away: at once, or at the end of its grace."""


class Client:
    """A connection to a tuner; usable from several threads, closed by ``close`` or at the end of a ``with``.

    A server that is not there is waited for, within ``timeout``. Every call raises the errors of ``tuner.core.errors``:
    ``InvalidInput`` with all problems, ``NotFound``, ``WrongState``, ``Unavailable`` and so on.

    Args:
        address: "HOST:PORT".
        token: bearer token.
        root_certificates: PEM file of the authorities to trust; giving one turns TLS on.
        timeout: seconds for one call, all its tries together.
        client_id: who asks, in ``ask``.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        token: str | None = None,
        root_certificates: Path | str | None = None,
        timeout: float = 30.0,
        keep_alive: KeepAlive | None = None,
        retry: Retry | None = None,
        client_id: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.connection = Connection(
            address,
            token,
            None if root_certificates is None else Path(root_certificates),
            timeout,
            keep_alive or KeepAlive(),
            retry or Retry(),
        )
        self.client_id = client_id or f"client-{uuid.uuid4().hex}"
        self.clock = clock or SteadyClock()
        self._rng = random.Random()
        self._closed = threading.Event()
        credentials = self.connection.credentials()
        self._channel = (
            grpc.insecure_channel(address, self.connection.options)
            if credentials is None
            else grpc.secure_channel(address, credentials, self.connection.options)
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every call and stream, in whichever thread. Idempotent."""
        self._closed.set()
        self._channel.close()

    def create_study(
        self, source: str, *, file_name: str = "study.yaml", owner: str = ""
    ) -> studies_pb2.CreateStudyResponse:
        """Submit the text of a study file; the same name with the same contents resumes.

        Raises:
            InvalidInput: the file is wrong, or no registered worker fits; nothing was stored.
            AlreadyExists: the name is taken by a study with other contents.
        """
        return self.call(operations.create_study(source, file_name, owner, uuid.uuid4().hex))

    def validate_study(self, source: str, *, file_name: str = "study.yaml") -> studies_pb2.ValidateStudyResponse:
        """Check the text of a study file against grammar, engine and registered workers; nothing is stored."""
        return self.call(operations.validate_study(source, file_name))

    def get_study(self, study: str) -> data_pb2.Study:
        """A study by "NAME" (its latest run) or "NAME/RUN"."""
        return self.call(operations.get_study(study))

    def studies(self, *, states: Sequence[StudyState] = (), owner: str = "") -> list[data_pb2.Study]:
        """Studies of the given states (all when empty) and owner, in the order of their creation."""
        pages = self._pages(lambda token: operations.list_studies(states, owner, token))
        return [study for page in pages for study in page.studies]

    def pause_study(self, study: str, reason: str = "") -> data_pb2.Study:
        """Let a study rest; trials being measured are finished."""
        return self.call(operations.pause_study(study, reason))

    def resume_study(self, study: str, reason: str = "") -> data_pb2.Study:
        """Let a paused study go on."""
        return self.call(operations.resume_study(study, reason))

    def cancel_study(self, study: str, reason: str = "") -> data_pb2.Study:
        """End a study; what was measured stays."""
        return self.call(operations.cancel_study(study, reason))

    def watch(self, study: str, cursor: int = 0, *, until_now: bool = False) -> Iterator[studies_pb2.WatchResponse]:
        """What happens in a study, from behind ``cursor`` until the study has ended, or only up to now.

        A server that goes away is waited for, up to the client's timeout at a time, and asked again from where the
        stream broke: no event is missing, none comes twice.
        """
        patience = self._patience()
        while True:
            operation = operations.watch(study, cursor, until_now)
            start = self._channel.unary_stream(
                operation.path,
                request_serializer=type(operation.request).SerializeToString,
                response_deserializer=operation.response.FromString,
            )
            call = start(operation.request, metadata=self.connection.metadata)
            ended = False
            try:
                for response in call:
                    patience.renew()
                    cursor = max([cursor, *(event.sequence for event in response.events)])
                    ended = response.study.state in ENDED
                    yield response
            except grpc.RpcError as error:
                self._await_next_try(error, patience, INTERRUPTED)
            else:
                if ended or until_now:
                    return
                self._await_next_try(None, patience, INTERRUPTED)
            finally:
                call.cancel()

    def trial(self, trial: str) -> data_pb2.Trial:
        """A trial by "NAME/NUMBER" or "NAME/RUN/NUMBER", with its runs and intermediate values."""
        return self.call(operations.get_trial(trial))

    def trials(
        self, study: str, *, states: Sequence[TrialState] = (), purposes: Sequence[Purpose] = ()
    ) -> Iterator[data_pb2.Trial]:
        """The trials of a study by number, of the given states and purposes (all when empty), fetched in pages."""
        for page in self._pages(lambda token: operations.list_trials(study, states, purposes, token)):
            yield from page.trials

    def optimal(self, study: str) -> list[trials_pb2.Optimal]:
        """Pareto front, default and recommended configuration, for each environment of a study."""
        return list(self.call(operations.list_optimal(study)).optimal)

    def workers(self) -> list[data_pb2.Worker]:
        """Every worker that ever registered."""
        return [worker for page in self._pages(operations.list_workers) for worker in page.workers]

    def study(self, name: str) -> StudyHandle:
        """Ask and tell for one study."""
        return StudyHandle(self, name)

    def call(self, operation: Operation[Response]) -> Response:
        """Carry one call, again and again while the server is unavailable and there is time."""
        patience = self._patience()
        send = self._channel.unary_unary(
            operation.path,
            request_serializer=type(operation.request).SerializeToString,
            response_deserializer=operation.response.FromString,
        )
        while True:
            try:
                response: Response = send(operation.request, timeout=patience.left, metadata=self.connection.metadata)
                return response
            except grpc.RpcError as error:
                self._await_next_try(error, patience, frozenset({grpc.StatusCode.UNAVAILABLE}))

    def _pages(self, operation: Callable[[str], Operation[Page]]) -> Iterator[Page]:
        token = ""
        while True:
            page = self.call(operation(token))
            yield page
            token = page.next_page_token
            if not token:
                return

    def _await_next_try(
        self, error: grpc.RpcError | None, patience: Patience, passing: frozenset[grpc.StatusCode]
    ) -> None:
        # No error: a stream that its server ended although the study goes on.
        retryable = error is None or error.code() in passing
        delay = patience.delay() if retryable and not self._closed.is_set() else None
        if delay is None or self._closed.wait(delay):
            if error is None:
                raise Unavailable(f"the tuner at {self.connection.address} ended the stream")
            raise errors.from_rpc(error, self.connection.address) from error

    def _patience(self) -> Patience:
        return Patience(self.connection, self.clock, self._rng)


class StudyHandle:
    """Ask and tell: measuring by oneself what the tuner proposes for a study. Not for use by several threads."""

    def __init__(self, client: Client, name: str) -> None:
        self.name = name
        self._client = client
        self._held = Held(name, client.client_id, client.clock)

    def ask(self, n: int = 1) -> list[Asked]:
        """Up to ``n`` configurations to measure, held for this client; none when nothing is left to measure.

        Raises:
            InvalidInput: ``n`` is not positive.
            NotFound: there is no such study.
            WrongState: the study is measured by workers.
        """
        return self._held.take(self._client.call(self._held.ask(n)))

    def tell(
        self,
        id: str,  # noqa: A002 - the word of the documentation
        values: Mapping[str, float | Observation] | None = None,
        *,
        cost: float = 0.0,
        failed: str | None = None,
    ) -> None:
        """Hand in what was measured, by metric key, or ``failed``: why nothing was. ``cost`` is in seconds.

        Raises:
            InvalidInput: a metric is missing, unknown, or not a finite number.
            StaleLease: the trial has been given to somebody else, or has ended.
        """
        self._client.call(self._held.tell(id, values, cost, failed))
        self._held.drop(id)

    def report(self, id: str, step: int, values: Mapping[str, float]) -> bool:  # noqa: A002
        """Report a point of the learning curve; False when it is better to stop than to go on."""
        return self._client.call(self._held.report(id, step, values)).keep

    def best(self, environment: str | None = None) -> Measured | None:
        """The recommended configuration; None while there is none."""
        return best_of(self._client.optimal(self.name), environment)

    def front(self, environment: str | None = None) -> list[Measured]:
        """The Pareto front."""
        return front_of(self._client.optimal(self.name), environment)
