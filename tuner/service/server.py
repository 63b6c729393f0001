"""The server process: put together, started, announced, stopped."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import ssl
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from tuner_protos.v1 import studies_pb2, studies_pb2_grpc, trials_pb2, trials_pb2_grpc, workers_pb2, workers_pb2_grpc

from tuner.core.clock import Clock, SteadyClock
from tuner.core.errors import InvalidInput, Problem, Unavailable
from tuner.service.options import ServeOptions
from tuner.service.rpc.auth import TokenInterceptor, read_token
from tuner.service.rpc.studies import StudiesServicer
from tuner.service.rpc.trials import TrialsServicer
from tuner.service.rpc.workers import WorkersServicer
from tuner.service.runtime import Runtime
from tuner.store.open import open_store

LARGEST_MESSAGE = 64 << 20
"""Bytes: as much as a worker sends; a larger result would be sent again for ever."""
GRACE = 2.0
"""Seconds that calls under way get to end when the server stops."""

_SERVICES = (
    studies_pb2.DESCRIPTOR.services_by_name["Studies"].full_name,
    trials_pb2.DESCRIPTOR.services_by_name["Trials"].full_name,
    workers_pb2.DESCRIPTOR.services_by_name["Workers"].full_name,
)

_log = logging.getLogger(__name__)


def serve(options: ServeOptions) -> None:
    """Serve until SIGTERM or SIGINT, or until standard input closes if the options say so.

    Raises:
        InvalidInput: a certificate or token file cannot be used.
        StoreError: the store cannot be opened.
        Unavailable: the address cannot be bound.
    """
    asyncio.run(_serve(options))


async def _serve(options: ServeOptions) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if options.until_stdin_closes:
        _watch_stdin(partial(loop.call_soon_threadsafe, stopping.set))
    server = TunerServer(options)
    await server.start()
    _log.info("serving at %s, store %s", server.address, options.store_url)
    try:
        await stopping.wait()
    finally:
        await server.stop()
        _log.info("stopped")


class TunerServer:
    """A server that can be started and stopped inside an event loop; ``address`` tells where it listens."""

    def __init__(self, options: ServeOptions, clock: Clock | None = None) -> None:
        self._options = options
        self._clock = clock or SteadyClock()
        self._runtime: Runtime | None = None
        self._server: grpc.aio.Server | None = None
        self.address = ""

    async def start(self) -> None:
        """Open the store, bind the address, announce it.

        Raises:
            InvalidInput: a certificate or token file cannot be used.
            StoreError: the store cannot be opened.
            Unavailable: the address cannot be bound.
        """
        options = self._options
        interceptors = [TokenInterceptor(read_token(options.token_file))] if options.token_file else []
        credentials = _credentials(options)
        store = open_store(options.store_url, self._clock)
        runtime = Runtime(store, self._clock, options)
        server = grpc.aio.server(
            interceptors=interceptors,
            options=[
                ("grpc.max_receive_message_length", LARGEST_MESSAGE),
                ("grpc.max_send_message_length", LARGEST_MESSAGE),
                ("grpc.so_reuseport", 0),
                # Workers behind a network that drops idle connections ping; they are not to be cut off for it.
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 5000),
                ("grpc.keepalive_permit_without_calls", 1),
            ],
        )
        studies_pb2_grpc.add_StudiesServicer_to_server(StudiesServicer(runtime), server)
        trials_pb2_grpc.add_TrialsServicer_to_server(TrialsServicer(runtime), server)
        workers_pb2_grpc.add_WorkersServicer_to_server(WorkersServicer(runtime), server)
        health_servicer = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
        names = (*_SERVICES, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        target = options.address(options.port)
        try:
            bind = server.add_secure_port if credentials else server.add_insecure_port
            port = bind(target, credentials) if credentials else bind(target)
            await runtime.start()
            await server.start()
        except RuntimeError as error:
            await runtime.stop()
            raise Unavailable(f"{target} cannot be bound (is another server running there?): {error}") from error
        except BaseException:
            await runtime.stop()
            raise
        for name in ("", *_SERVICES):
            await health_servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
        self._runtime, self._server = runtime, server
        self.address = options.address(port)
        if options.announce is not None:
            _announce(options.announce, self.address)

    async def stop(self) -> None:
        """End calls, the engine process and the store, in this order. Idempotent."""
        server, self._server = self._server, None
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            runtime.stop_waiting()
        if server is not None:
            await server.stop(GRACE)
        if runtime is not None:
            await runtime.stop()
        if self._options.announce is not None:
            self._options.announce.unlink(missing_ok=True)


def _credentials(options: ServeOptions) -> grpc.ServerCredentials | None:
    if options.tls_certificate is None or options.tls_key is None:
        return None
    try:
        # gRPC would only say that it cannot bind; and here an SSLError is an OSError.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(options.tls_certificate, options.tls_key, "")
        return grpc.ssl_server_credentials([(options.tls_key.read_bytes(), options.tls_certificate.read_bytes())])
    except OSError as error:
        raise InvalidInput(Problem("tls", f"the certificate and its key cannot be used: {error}")) from error


def _announce(path: Path, address: str) -> None:
    """Say where the server listens, in one step: a reader finds all of it or nothing."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_text(json.dumps({"address": address, "pid": os.getpid()}))
    partial.replace(path)


def _watch_stdin(closed: Callable[[], object]) -> None:
    def watch() -> None:
        # Not through sys.stdin: its lock, held while the interpreter ends, would abort it.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        closed()

    threading.Thread(target=watch, name="stdin", daemon=True).start()
