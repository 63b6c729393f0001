"""The worker's line to the server: gRPC, always dialled from here, with the server's words as typed errors."""

from __future__ import annotations

import ipaddress
import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import grpc
from google.protobuf.message import Message
from tuner_protos.v1 import workers_pb2 as pb
from tuner_protos.v1 import workers_pb2_grpc

from tuner.core.errors import InvalidInput, Problem, StaleLease, TunerError, Unavailable

PROTOCOL = 1
"""Version of the protocol between worker and server."""

CALL_TIME = 15.0
"""Seconds for a call that has nothing to wait for."""

MAX_MESSAGE = 64 << 20
"""Bytes: a result with all its runs and its learning curve can be larger than gRPC's 4 MiB."""

_log = logging.getLogger(__name__)

Answer = TypeVar("Answer", bound=Message)


class Refused(TunerError):
    """The server does not take this worker or this request, and would not take it if it were repeated.

    ``invalid`` tells that it is this one request's contents that are wrong, not who sends it.
    """

    def __init__(self, message: str, *, invalid: bool = False) -> None:
        self.invalid = invalid
        super().__init__(message)


class Interrupted(TunerError):
    """The call was ended by ``Link.interrupt``."""


_ERRORS: dict[grpc.StatusCode, type[TunerError]] = {
    grpc.StatusCode.NOT_FOUND: StaleLease,
    grpc.StatusCode.ABORTED: StaleLease,
    grpc.StatusCode.INVALID_ARGUMENT: Refused,
    grpc.StatusCode.OUT_OF_RANGE: Refused,
    grpc.StatusCode.UNAUTHENTICATED: Refused,
    grpc.StatusCode.PERMISSION_DENIED: Refused,
    grpc.StatusCode.FAILED_PRECONDITION: Refused,
    grpc.StatusCode.ALREADY_EXISTS: Refused,
    grpc.StatusCode.UNIMPLEMENTED: Refused,
}
"""Everything else may pass: the server is away, overloaded, or has no space left."""

_INVALID = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.OUT_OF_RANGE)


@dataclass(frozen=True)
class Server:
    """Where the server is, and what it wants to see.

    Attributes:
        address: "HOST:PORT".
        token: sent as a bearer token with every call.
        root_certificates: PEM file of the authorities to trust; giving one turns TLS on.
    """

    address: str
    token: str | None = field(default=None, repr=False)
    root_certificates: Path | None = None

    def __post_init__(self) -> None:
        host, _, port = self.address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise InvalidInput(Problem("server", "is no address", self.address, "HOST:PORT, such as 127.0.0.1:7077"))
        if self.token is not None and not (self.token and self.token.isascii() and self.token.isprintable()):
            raise InvalidInput(Problem("token", "is no token", None, "printable ASCII characters on one line"))

    @property
    def loopback(self) -> bool:
        """Whether it is on this machine."""
        host = self.address.rpartition(":")[0].strip("[]")
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def channel(self) -> grpc.Channel:
        """A channel; it connects, and connects again, by itself.

        Raises:
            Unavailable: the file of root certificates cannot be read.
        """
        options = [
            ("grpc.max_send_message_length", MAX_MESSAGE),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 100),
            # By default a server that is back would go unnoticed for two minutes, and every lease have run out.
            ("grpc.max_reconnect_backoff_ms", 1000),
            # A proxy named in the environment is for the world outside, never for this machine.
            ("grpc.enable_http_proxy", 0 if self.loopback else 1),
        ]
        if self.root_certificates is None:
            if self.token is not None and not self.loopback:
                _log.warning("the token travels to %s unencrypted: give root certificates to use TLS", self.address)
            return grpc.insecure_channel(self.address, options)
        try:
            authorities = self.root_certificates.read_bytes()
        except OSError as error:
            raise Unavailable(f"root certificates {self.root_certificates}: {error.strerror}") from error
        return grpc.secure_channel(self.address, grpc.ssl_channel_credentials(authorities), options)


class Link:
    """Calls of one worker. Every method may be called from any thread, and raises:

    Unavailable: the server cannot be reached or cannot answer now; trying again later may help.
    Refused: trying again does not help.
    StaleLease: the server does not know the worker or the token, or the lease is another's by now.
    Interrupted: ``interrupt`` was called, and ``resume`` was not.
    """

    def __init__(self, server: Server, worker_id: str) -> None:
        self._worker_id, self._address = worker_id, server.address
        self._metadata = () if server.token is None else (("authorization", f"Bearer {server.token}"),)
        self._channel = server.channel()
        self._stub = workers_pb2_grpc.WorkersStub(self._channel)
        self._lock = threading.Lock()
        self._open: set[grpc.Future] = set()
        self._interrupted = False

    def register(self, request: pb.RegisterRequest) -> pb.RegisterResponse:
        """Say what this worker is."""
        request.worker_id, request.protocol = self._worker_id, PROTOCOL
        return self._call(self._stub.Register, request, CALL_TIME, pb.RegisterResponse)

    def lease(self, sequence: int, wait: float) -> pb.LeaseResponse:
        """Wait up to ``wait`` seconds for something to measure."""
        request = pb.LeaseRequest(worker_id=self._worker_id, sequence=sequence, wait=wait)
        return self._call(self._stub.Lease, request, wait + CALL_TIME, pb.LeaseResponse)

    def heartbeat(self, request: pb.HeartbeatRequest, timeout: float) -> pb.HeartbeatResponse:
        """Be alive, and learn what to do."""
        request.worker_id = self._worker_id
        return self._call(self._stub.Heartbeat, request, timeout, pb.HeartbeatResponse)

    def finish(self, request: pb.FinishRequest, timeout: float = CALL_TIME) -> pb.FinishResponse:
        """Hand in a result."""
        return self._call(self._stub.Finish, request, timeout, pb.FinishResponse)

    def release(self, token: str, reason: str, timeout: float = CALL_TIME, *, lost: bool = False) -> None:
        """Give a lease back unmeasured; ``lost`` when the worker died with it, which uses up one of its tries."""
        request = pb.ReleaseRequest(worker_id=self._worker_id, token=token, reason=reason, lost=lost)
        self._call(self._stub.Release, request, timeout, pb.ReleaseResponse)

    def interrupt(self) -> None:
        """End the calls that wait for an answer now, and let no other begin."""
        with self._lock:
            self._interrupted = True
            waiting = list(self._open)
        for call in waiting:
            call.cancel()

    def resume(self) -> None:
        """Let calls begin again."""
        with self._lock:
            self._interrupted = False

    def close(self) -> None:
        """Hang up."""
        self._channel.close()

    def _call(
        self, method: grpc.UnaryUnaryMultiCallable, request: Message, timeout: float, answer: type[Answer]
    ) -> Answer:
        with self._lock:
            if self._interrupted:
                raise Interrupted("no call is wanted now")
            call = method.future(request, timeout=timeout, metadata=self._metadata)
            self._open.add(call)
        try:
            response = call.result()
        except grpc.FutureCancelledError:
            raise Interrupted("the call was given up") from None
        except grpc.RpcError as error:
            raise self._typed(error.code(), error.details()) from error
        finally:
            with self._lock:
                self._open.discard(call)
        assert isinstance(response, answer)
        return response

    def _typed(self, code: grpc.StatusCode, details: str | None) -> TunerError:
        message = f"{self._address}: {details or code.value[1]}"
        kind = _ERRORS.get(code, Unavailable)
        return Refused(message, invalid=code in _INVALID) if kind is Refused else kind(message)
