"""Typed errors as google.rpc.Status, with details that a person and a program can act on."""

from __future__ import annotations

import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
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

# A status travels in HTTP/2 trailers; above 8 KiB of them gRPC drops calls at random, and what was wrong would be lost.
# A message stands there twice (in percent encoding, where a byte can take three, and in base 64), a problem once.
MESSAGE_LIMIT = 1500
"""Bytes of an error's text."""

SUMMARY_LIMIT = 500
"""Bytes of the text beside a list of problems, which says the same once more."""

PROBLEMS_LIMIT = 3500
"""Bytes of all problems together."""

PROBLEM_LIMIT = 600
"""Bytes of what is wrong with one field."""

Servicer = TypeVar("Servicer")
Request = TypeVar("Request")
Response = TypeVar("Response")

_log = logging.getLogger(__name__)


def status_of(error: TunerError) -> status_pb2.Status:
    """The error as a status: its code, its text, the name of its class, and each problem of an invalid input.

    What does not fit into the trailers is cut off and said to be.
    """
    code = next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), code_pb2.UNKNOWN)
    invalid = isinstance(error, InvalidInput)
    status = status_pb2.Status(code=code, message=_cut(str(error), SUMMARY_LIMIT if invalid else MESSAGE_LIMIT))
    _attach(status, error_details_pb2.ErrorInfo(reason=type(error).__name__, domain=DOMAIN))
    if isinstance(error, InvalidInput):
        _attach(status, _violations(error.problems))
    return status


def _attach(status: status_pb2.Status, detail: Message) -> None:
    packed = AnyMessage()
    packed.Pack(detail)
    status.details.append(packed)


def _violations(problems: Sequence[Problem]) -> error_details_pb2.BadRequest:
    """As many of the problems as fit, and how many do not."""
    request = error_details_pb2.BadRequest()
    for number, problem in enumerate(problems):
        violation = _violation(problem)
        if request.ByteSize() + violation.ByteSize() > PROBLEMS_LIMIT:
            rest = f"and {len(problems) - number} more problems, which do not fit into this answer"
            request.field_violations.add(field=_cut(problem.source or "request", PROBLEM_LIMIT), description=rest)
            break
        request.field_violations.append(violation)
    return request


def _violation(problem: Problem) -> error_details_pb2.BadRequest.FieldViolation:
    whole = str(problem)
    place = f"{problem.source}:{problem.line}: " if problem.source and problem.line else ""
    place = place or (f"{problem.source}: " if problem.source else "")
    field = place + problem.field
    description = whole[len(field) + 2 :]
    return error_details_pb2.BadRequest.FieldViolation(
        field=_cut(field, PROBLEM_LIMIT), description=_cut(description, PROBLEM_LIMIT)
    )


def _cut(text: str, limit: int) -> str:
    encoded = text.encode(errors="replace")
    return encoded.decode() if len(encoded) <= limit else encoded[: limit - 4].decode(errors="ignore") + " ..."


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
