"""How a server is started, and the rule about who may reach it."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from pathlib import Path

from tuner.core.errors import InvalidInput, Problem

DEFAULT_PORT = 7077


@dataclass(frozen=True)
class ServeOptions:
    """Options of ``tuner serve``.

    Attributes:
        store_url: a path, ``sqlite:///...``, ``postgresql+psycopg://...`` or ``memory:``.
        host: address to bind. Anything but loopback needs TLS and a token, or ``insecure``.
        port: 0 picks a free one; see ``announce``.
        tls_certificate: PEM file with the certificate chain.
        tls_key: PEM file with its key.
        token_file: file with the bearer token that callers must show.
        insecure: allow another address than loopback without TLS or token.
        announce: file to which ``{"address": ..., "pid": ...}`` is written, at once, when the server is ready.
        until_stdin_closes: end when standard input closes: the server then never outlives its parent.
        lease_term: seconds after which a silent worker's lease runs out.
        patience: seconds to wait for an engine before a Sobol point is measured instead.
    """

    store_url: str
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    token_file: Path | None = None
    insecure: bool = False
    announce: Path | None = None
    until_stdin_closes: bool = False
    lease_term: float = 15.0
    patience: float = 10.0

    def __post_init__(self) -> None:
        problems = []
        if (self.tls_certificate is None) != (self.tls_key is None):
            problems.append(Problem("tls", "a certificate and its key go together"))
        guarded = self.tls_certificate is not None and self.token_file is not None
        if not (is_loopback(self.host) or guarded or self.insecure):
            problems.append(
                Problem(
                    "host",
                    "is reachable from other machines",
                    self.host,
                    "--tls-certificate, --tls-key and --token-file, or an explicit --insecure",
                )
            )
        if not 0 <= self.port <= 65535:
            problems.append(Problem("port", "is out of range", self.port, "0 to 65535"))
        for name, seconds in (("lease_term", self.lease_term), ("patience", self.patience)):
            if not 0 < seconds < math.inf:
                problems.append(Problem(name, "must be positive", seconds, "seconds"))
        if problems:
            raise InvalidInput(problems)

    def address(self, port: int) -> str:
        """ "HOST:PORT"; the colons of an IPv6 address stand in brackets."""
        host = self.host.strip("[]")
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def heartbeat_interval(self) -> float:
        """Seconds between heartbeats: three may be lost before a lease is."""
        return self.lease_term / 4


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
