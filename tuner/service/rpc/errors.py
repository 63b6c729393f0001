"""Typed errors as google.rpc.Status, with details that a person and a program can act on."""

from __future__ import annotations

import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from tuner.core import errors
from tuner.core.errors import InvalidInput, Problem, TunerError

DOMAIN = "tuner"

_CODES: dict[type[TunerError], int] = {
    errors.InvalidInput: code_pb2.INVALID_ARGUMENT,
    errors.NotFound: code_pb2.NOT_FOUND,
    errors.AlreadyExists: code_pb2.ALREADY_EXISTS,
    errors.WrongState: code_pb2.FAILED_PRECONDITION,
    errors.StaleLease: code_pb2.ABORTED,
    errors.SpaceExhausted: code_pb2.FAILED_PRECONDITION,
    errors.Unavailable: code_pb2.UNAVAILABLE,
    errors.PermissionDenied: code_pb2.PERMISSION_DENIED,
    errors.StoreError: code_pb2.INTERNAL,
}

MESSAGE_LIMIT = 4096
"""Bytes of text in a status: it travels in HTTP/2 trailers, which peers bound (8 KiB is usual)."""

Servicer = TypeVar("Servicer")
Request = TypeVar("Request")
Response = TypeVar("Response")

_log = logging.getLogger(__name__)


def status_of(error: TunerError) -> status_pb2.Status:
    """The error as a status: its code, its text, the name of its class, and each problem of an invalid input."""
    code = next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), code_pb2.UNKNOWN)
    status = status_pb2.Status(code=code, message=_bounded(str(error)))
    info = AnyMessage()
    info.Pack(error_details_pb2.ErrorInfo(reason=type(error).__name__, domain=DOMAIN))
    status.details.append(info)
    if isinstance(error, InvalidInput):
        request = error_details_pb2.BadRequest()
        room = MESSAGE_LIMIT
        for problem in error.problems:
            violation = _violation(problem)
            room -= violation.ByteSize()
            if room < 0:
                break
            request.field_violations.append(violation)
        packed = AnyMessage()
        packed.Pack(request)
        status.details.append(packed)
    return status


def _violation(problem: Problem) -> error_details_pb2.BadRequest.FieldViolation:
    whole = str(problem)
    place = f"{problem.source}:{problem.line}: " if problem.source and problem.line else ""
    place = place or (f"{problem.source}: " if problem.source else "")
    field = place + problem.field
    return error_details_pb2.BadRequest.FieldViolation(field=field, description=whole[len(field) + 2 :])


def _bounded(text: str) -> str:
    encoded = text.encode()
    return text if len(encoded) <= MESSAGE_LIMIT else encoded[: MESSAGE_LIMIT - 4].decode(errors="ignore") + " ..."


def answers(
    method: Callable[[Servicer, Request, Any], Awaitable[Response]],
) -> Callable[[Servicer, Request, Any], Awaitable[Response]]:
    """A unary method whose errors become statuses."""

    @functools.wraps(method)
    async def guarded(self: Servicer, request: Request, context: grpc.aio.ServicerContext) -> Response:
        try:
            return await method(self, request, context)
        except Exception as error:
            await _abort(context, error)
            raise

    return guarded


def streams(
    method: Callable[[Servicer, Request, Any], AsyncIterator[Response]],
) -> Callable[[Servicer, Request, Any], AsyncIterator[Response]]:
    """A streaming method whose errors become statuses."""

    @functools.wraps(method)
    async def guarded(self: Servicer, request: Request, context: grpc.aio.ServicerContext) -> AsyncIterator[Response]:
        try:
            async for response in method(self, request, context):
                yield response
        except Exception as error:
            await _abort(context, error)

    return guarded


async def _abort(context: grpc.aio.ServicerContext, error: Exception) -> None:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    if not isinstance(error, TunerError):
        # A defect of ours: the log has the trace, and the caller learns that it was not the caller's fault.
        _log.error("internal error", exc_info=error)
        text = f"internal error ({type(error).__name__}); the server's log has it"
        await context.abort(grpc.StatusCode.INTERNAL, text)
        return
    if not isinstance(error, (InvalidInput, errors.NotFound, errors.WrongState, errors.StaleLease)):
        _log.warning("%s: %s", type(error).__name__, error)
    await context.abort_with_status(rpc_status.to_status(status_of(error)))
