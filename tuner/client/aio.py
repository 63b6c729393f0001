"""The client for programs built on asyncio: the main calls, with the same requests, answers and errors."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message
from tuner_protos.v1 import data_pb2, studies_pb2, trials_pb2

from tuner.client import errors, operations
from tuner.client.client import INTERRUPTED
from tuner.client.connection import DEFAULT_ADDRESS, Connection, Patience
from tuner.client.held import Held
from tuner.client.measured import Asked, Measured, best_of, front_of
from tuner.client.operations import ENDED, Operation
from tuner.core.clock import SteadyClock
from tuner.core.errors import Unavailable
from tuner.core.observation import Observation

Response = TypeVar("Response", bound=Message)


class AsyncClient:
    """As ``tuner.Client``; made and used inside a running event loop, closed at the end of an ``async with``."""

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        token: str | None = None,
        root_certificates: Path | str | None = None,
        timeout: float = 30.0,
        client_id: str | None = None,
    ) -> None:
        certificates = None if root_certificates is None else Path(root_certificates)
        self.connection = Connection(address, token, certificates, timeout)
        self.client_id = client_id or f"client-{uuid.uuid4().hex}"
        self.clock = SteadyClock()
        self._rng = random.Random()
        credentials = self.connection.credentials()
        self._channel = (
            grpc.aio.insecure_channel(address, self.connection.options)
            if credentials is None
            else grpc.aio.secure_channel(address, credentials, self.connection.options)
        )

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.close()

    async def create_study(
        self, source: str, *, file_name: str = "study.yaml", owner: str = ""
    ) -> studies_pb2.CreateStudyResponse:
        """As ``Client.create_study``."""
        return await self.call(operations.create_study(source, file_name, owner, uuid.uuid4().hex))

    async def get_study(self, study: str) -> data_pb2.Study:
        """As ``Client.get_study``."""
        return await self.call(operations.get_study(study))

    async def cancel_study(self, study: str, reason: str = "") -> data_pb2.Study:
        """As ``Client.cancel_study``."""
        return await self.call(operations.cancel_study(study, reason))

    async def watch(self, study: str, cursor: int = 0) -> AsyncIterator[studies_pb2.WatchResponse]:
        """As ``Client.watch``."""
        patience = self._patience()
        while True:
            operation = operations.watch(study, cursor)
            start = self._channel.unary_stream(
                operation.path,
                request_serializer=type(operation.request).SerializeToString,
                response_deserializer=operation.response.FromString,
            )
            call = start(operation.request, metadata=self.connection.metadata)
            ended = False
            try:
                async for response in call:
                    patience.renew()
                    cursor = max([cursor, *(event.sequence for event in response.events)])
                    ended = response.study.state in ENDED
                    yield response
            except grpc.RpcError as error:
                await self._await_next_try(error, patience, INTERRUPTED)
            else:
                if ended:
                    return
                await self._await_next_try(None, patience, INTERRUPTED)
            finally:
                call.cancel()

    async def trials(self, study: str) -> AsyncIterator[data_pb2.Trial]:
        """The trials of a study by number, fetched in pages."""
        token = ""
        while True:
            page = await self.call(operations.list_trials(study, (), (), token))
            for trial in page.trials:
                yield trial
            token = page.next_page_token
            if not token:
                return

    async def optimal(self, study: str) -> list[trials_pb2.Optimal]:
        """As ``Client.optimal``."""
        return list((await self.call(operations.list_optimal(study))).optimal)

    def study(self, name: str) -> AsyncStudyHandle:
        """Ask and tell for one study."""
        return AsyncStudyHandle(self, name)

    async def call(self, operation: Operation[Response]) -> Response:
        """Carry one call, again and again while the server is unavailable and there is time."""
        patience = self._patience()
        send = self._channel.unary_unary(
            operation.path,
            request_serializer=type(operation.request).SerializeToString,
            response_deserializer=operation.response.FromString,
        )
        while True:
            try:
                response: Response = await send(
                    operation.request, timeout=patience.left, metadata=self.connection.metadata
                )
                return response
            except grpc.RpcError as error:
                await self._await_next_try(error, patience, frozenset({grpc.StatusCode.UNAVAILABLE}))

    async def _await_next_try(
        self, error: grpc.RpcError | None, patience: Patience, passing: frozenset[grpc.StatusCode]
    ) -> None:
        delay = patience.delay() if error is None or error.code() in passing else None
        if delay is not None:
            await asyncio.sleep(delay)
        elif error is None:
            raise Unavailable(f"the tuner at {self.connection.address} ended the stream")
        else:
            raise errors.from_rpc(error, self.connection.address) from error

    def _patience(self) -> Patience:
        return Patience(self.connection, self.clock, self._rng)


class AsyncStudyHandle:
    """As ``StudyHandle``."""

    def __init__(self, client: AsyncClient, name: str) -> None:
        self.name = name
        self._client = client
        self._held = Held(name, client.client_id, client.clock)

    async def ask(self, n: int = 1) -> list[Asked]:
        """As ``StudyHandle.ask``."""
        return self._held.take(await self._client.call(self._held.ask(n)))

    async def tell(
        self,
        id: str,  # noqa: A002 - the word of the documentation
        values: Mapping[str, float | Observation] | None = None,
        *,
        cost: float = 0.0,
        failed: str | None = None,
    ) -> None:
        """As ``StudyHandle.tell``."""
        await self._client.call(self._held.tell(id, values, cost, failed))
        self._held.drop(id)

    async def report(self, id: str, step: int, values: Mapping[str, float]) -> bool:  # noqa: A002
        """As ``StudyHandle.report``."""
        return (await self._client.call(self._held.report(id, step, values))).keep

    async def best(self, environment: str | None = None) -> Measured | None:
        """As ``StudyHandle.best``."""
        return best_of(await self._client.optimal(self.name), environment)

    async def front(self, environment: str | None = None) -> list[Measured]:
        """As ``StudyHandle.front``."""
        return front_of(await self._client.optimal(self.name), environment)
