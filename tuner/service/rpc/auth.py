"""Who may call: a bearer token that every caller must show, where the server was given one."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc

from tuner.core.errors import InvalidInput, Problem

_SCHEME = "Bearer "
_OPEN = ("/grpc.health.v1.Health/",)
"""A health probe has no secret; whether the server lives is none either."""

SHORTEST_TOKEN = 16

Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]]


def read_token(path: Path) -> str:
    """The token in a file.

    Raises:
        InvalidInput: the file cannot be read, or holds none that is long enough.
    """
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(Problem("token_file", f"cannot be read: {error}", str(path))) from error
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        expected = f"one line of at least {SHORTEST_TOKEN} printable ASCII characters"
        raise InvalidInput(Problem("token_file", "holds no usable token", str(path), expected))
    return token


class TokenInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Lets calls pass that show the token."""

    def __init__(self, token: str) -> None:
        self._expected = (_SCHEME + token).encode()

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler:
        """Refuse a call without the token before any of it is read."""
        if handler_call_details.method.startswith(_OPEN):
            return await continuation(handler_call_details)
        for key, value in handler_call_details.invocation_metadata or ():
            if key == "authorization":
                shown = value if isinstance(value, bytes) else str(value).encode()
                if hmac.compare_digest(shown, self._expected):
                    return await continuation(handler_call_details)
        return _refusing(await continuation(handler_call_details))


def _refusing(handler: grpc.RpcMethodHandler | None) -> grpc.RpcMethodHandler | None:
    """A handler of the same shape that answers UNAUTHENTICATED."""
    if handler is None:
        return None

    async def refuse(request: object, context: grpc.aio.ServicerContext) -> None:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, "this server wants a token: see --token-file")

    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(refuse, handler.request_deserializer, handler.response_serializer)
    return grpc.unary_unary_rpc_method_handler(refuse, handler.request_deserializer, handler.response_serializer)
