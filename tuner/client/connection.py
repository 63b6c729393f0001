"""How to reach a server: address, credentials, keep-alive, and the patience with which a lost one is awaited."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from tuner.core.clock import Clock
from tuner.core.errors import InvalidInput, Problem, Unavailable

DEFAULT_ADDRESS = "127.0.0.1:7077"

_MAX_MESSAGE = 64 << 20  # bytes: a page of trials with all their runs is larger than gRPC's 4 MiB


@dataclass(frozen=True)
class KeepAlive:
    """Pings that notice a dead peer while a call is open. Seconds."""

    interval: float = 30.0
    timeout: float = 10.0


@dataclass(frozen=True)
class Retry:
    """Backoff between tries at an unavailable server, in seconds.

    The delay before try k is drawn from [0, min(longest, first * factor ** k)]: "full jitter" (M. Brooker, "Exponential
    Backoff and Jitter", AWS Architecture Blog, 2015), so that many clients do not return in step.
    """

    first: float = 0.1
    factor: float = 2.0
    longest: float = 2.0

    def delay(self, attempt: int, rng: random.Random) -> float:
        """Seconds to wait before try ``attempt``, counted from 0."""
        return rng.uniform(0.0, min(self.longest, self.first * self.factor ** min(attempt, 64)))


@dataclass(frozen=True)
class Connection:
    """What a client needs to know of its server.

    Attributes:
        address: "HOST:PORT".
        token: sent as a bearer token with every call.
        root_certificates: PEM file of the authorities to trust; giving one turns TLS on.
        timeout: seconds for one call, all its tries together.
    """

    address: str = DEFAULT_ADDRESS
    token: str | None = field(default=None, repr=False)
    root_certificates: Path | None = None
    timeout: float = 30.0
    keep_alive: KeepAlive = field(default_factory=KeepAlive)
    retry: Retry = field(default_factory=Retry)

    def __post_init__(self) -> None:
        host, _, port = self.address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise InvalidInput(Problem("server", "is no address", self.address, "HOST:PORT, such as 127.0.0.1:7077"))
        if not self.timeout > 0:
            raise InvalidInput(Problem("timeout", "is not positive", self.timeout, "seconds above 0"))

    @property
    def host_and_port(self) -> tuple[str, int]:
        """The two parts of the address, an IPv6 host without its brackets."""
        host, _, port = self.address.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def metadata(self) -> Sequence[tuple[str, str]]:
        """What every call carries."""
        return () if self.token is None else (("authorization", f"Bearer {self.token}"),)

    @property
    def options(self) -> list[tuple[str, int]]:
        """Channel arguments."""
        return [
            ("grpc.keepalive_time_ms", round(self.keep_alive.interval * 1000)),
            ("grpc.keepalive_timeout_ms", round(self.keep_alive.timeout * 1000)),
            ("grpc.max_receive_message_length", _MAX_MESSAGE),
            ("grpc.max_send_message_length", _MAX_MESSAGE),
            ("grpc.initial_reconnect_backoff_ms", round(self.retry.first * 1000)),
            ("grpc.min_reconnect_backoff_ms", round(self.retry.first * 1000)),
            ("grpc.max_reconnect_backoff_ms", round(self.retry.longest * 1000)),
            # A proxy named in the environment is for the world outside, never for this machine.
            ("grpc.enable_http_proxy", 0 if self._loopback else 1),
        ]

    def credentials(self) -> grpc.ChannelCredentials | None:
        """Channel credentials; None for plain text.

        Raises:
            Unavailable: the file of root certificates cannot be read.
        """
        if self.root_certificates is None:
            return None
        try:
            return grpc.ssl_channel_credentials(self.root_certificates.read_bytes())
        except OSError as error:
            raise Unavailable(f"root certificates {self.root_certificates}: {error.strerror}") from error

    @property
    def _loopback(self) -> bool:
        host, _ = self.host_and_port
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


class Patience:
    """One call's time budget: how long a try may take, and how long to wait before the next."""

    def __init__(self, connection: Connection, clock: Clock, rng: random.Random) -> None:
        self._connection, self._clock, self._rng = connection, clock, rng
        self.renew()

    def renew(self) -> None:
        """Begin anew, as after a sign of life."""
        self._attempt = 0
        self._deadline = self._clock.now() + self._connection.timeout

    @property
    def left(self) -> float:
        """Seconds left."""
        return max(0.0, self._deadline - self._clock.now())

    def delay(self) -> float | None:
        """Seconds to wait before the next try; None when there is no time left for one."""
        delay = self._connection.retry.delay(self._attempt, self._rng)
        self._attempt += 1
        return delay if delay < self.left else None
