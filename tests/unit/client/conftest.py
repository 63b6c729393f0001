"""A gRPC server in this process that answers as a test tells it to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from grpc_status import rpc_status
from tuner_protos.v1 import studies_pb2, trials_pb2, workers_pb2

from tuner.core.errors import TunerError
from tuner.service.rpc.errors import status_of

REQUESTS = {
    f"/{service.full_name}/{method.name}": (method.input_type._concrete_class, method.server_streaming)
    for module in (studies_pb2, trials_pb2, workers_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


class Refusal(Exception):
    """A bare status, as from a proxy: no details of ours."""

    def __init__(self, code: grpc.StatusCode, text: str = "", details: bytes | None = None) -> None:
        self.code, self.text, self.details = code, text, details


class ScriptedServer(grpc.GenericRpcHandler):
    """``answers["Studies/Get"]`` is called with each request; it returns messages or raises what becomes a status."""

    Refusal = Refusal

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Any], Any]] = {}
        self.requests: dict[str, list[Any]] = defaultdict(list)
        self.metadata: list[dict[str, Any]] = []
        self.address = ""

    def service(self, handler_call_details):
        path = handler_call_details.method
        request_class, streaming = REQUESTS[path]
        name = path.removeprefix("/tuner.v1.")

        def begin(request: Message, context: grpc.ServicerContext):
            self.requests[name].append(request)
            self.metadata.append(dict(context.invocation_metadata()))
            return self.answers[name](request)

        def unary(request: Message, context: grpc.ServicerContext):
            try:
                return begin(request, context)
            except (TunerError, Refusal) as error:
                refuse(context, error)

        def stream(request: Message, context: grpc.ServicerContext):
            try:
                yield from begin(request, context)
            except (TunerError, Refusal) as error:
                refuse(context, error)

        make = grpc.unary_stream_rpc_method_handler if streaming else grpc.unary_unary_rpc_method_handler
        return make(
            stream if streaming else unary, request_class.FromString, lambda message: message.SerializeToString()
        )


def refuse(context: grpc.ServicerContext, error: TunerError | Refusal) -> None:
    if isinstance(error, Refusal):
        if error.details is not None:
            context.set_trailing_metadata((("grpc-status-details-bin", error.details),))
        context.abort(error.code, error.text)
    context.abort_with_status(rpc_status.to_status(status_of(error)))


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    handler = ScriptedServer()
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((handler,))
    handler.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield handler
    server.stop(None).wait()
