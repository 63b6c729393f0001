"""What went wrong on the other side, as this project's typed errors.

The server says it three times over: in the status code, in ``google.rpc.ErrorInfo`` (the name of the error class) and,
for an input that was refused, in ``google.rpc.BadRequest`` (one violation for each problem).
"""

from __future__ import annotations

import re
from typing import TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from tuner.core import errors
from tuner.core.errors import InvalidInput, Problem, TunerError

Detail = TypeVar("Detail", bound=Message)

_DETAILS_KEY = "grpc-status-details-bin"
_DOMAIN = "tuner"
_BY_NAME: dict[str, type[TunerError]] = {
    kind.__name__: kind
    for kind in (
        errors.NotFound,
        errors.AlreadyExists,
        errors.WrongState,
        errors.StaleLease,
        errors.SpaceExhausted,
        errors.Unavailable,
        errors.PermissionDenied,
        errors.StoreError,
    )
}
_BY_CODE: dict[grpc.StatusCode, type[TunerError]] = {
    grpc.StatusCode.NOT_FOUND: errors.NotFound,
    grpc.StatusCode.ALREADY_EXISTS: errors.AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: errors.WrongState,
    grpc.StatusCode.ABORTED: errors.StaleLease,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.Unavailable,
    grpc.StatusCode.UNAVAILABLE: errors.Unavailable,
    grpc.StatusCode.UNIMPLEMENTED: errors.Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.Unavailable,
    grpc.StatusCode.PERMISSION_DENIED: errors.PermissionDenied,
    grpc.StatusCode.UNAUTHENTICATED: errors.PermissionDenied,
    grpc.StatusCode.INTERNAL: errors.StoreError,
}
_PLACE = re.compile(r"(?P<source>.+?):(?:(?P<line>\d+):)? (?P<field>.+)", re.DOTALL)


def from_rpc(error: grpc.RpcError, address: str) -> TunerError:
    """The typed error that a failed call stands for; a code that stands for none gives a plain ``TunerError``."""
    code = error.code()
    text = error.details() or code.name.lower().replace("_", " ")
    status = _status(error)
    if code is grpc.StatusCode.INVALID_ARGUMENT:
        return InvalidInput(_problems(status) or Problem("request", text))
    info = _detail(status, error_details_pb2.ErrorInfo)
    if info is not None and info.domain == _DOMAIN and info.reason in _BY_NAME:
        return _BY_NAME[info.reason](text)
    if code is grpc.StatusCode.UNAVAILABLE:
        text = f"no tuner answers at {address}: {text}"
    elif code is grpc.StatusCode.DEADLINE_EXCEEDED:
        text = f"the tuner at {address} did not answer in time"
    return _BY_CODE.get(code, TunerError)(text)


def problem_of(field: str, description: str) -> Problem:
    """A field violation as a problem; ``field`` is "study.yaml:12: space.x", "study.yaml: space.x" or "space.x"."""
    place = _PLACE.fullmatch(field)
    if place is None:
        return Problem(field, description)
    return Problem(place["field"], description, source=place["source"], line=int(place["line"] or 0))


def _problems(status: status_pb2.Status) -> list[Problem]:
    request = _detail(status, error_details_pb2.BadRequest)
    return [] if request is None else [problem_of(v.field, v.description) for v in request.field_violations]


def _status(error: grpc.RpcError) -> status_pb2.Status:
    status = status_pb2.Status()
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY:
            try:
                status.ParseFromString(value)
            except DecodeError:
                # A proxy's own trailer, say: code and text still tell what happened.
                return status_pb2.Status()
    return status


def _detail(status: status_pb2.Status, kind: type[Detail]) -> Detail | None:
    for packed in status.details:
        detail = kind()
        if packed.Unpack(detail):
            return detail
    return None
