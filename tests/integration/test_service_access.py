"""Who may call the server, and what it outlives of what comes from outside."""

from __future__ import annotations

import math
import os
import shutil
import socket
import subprocess

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from service_server import DEADLINE, Line, ServerThread, refused, study
from tuner_protos.v1 import data_pb2, studies_pb2

from tuner.core.errors import InvalidInput
from tuner.service.options import ServeOptions

COMPLETED = data_pb2.TRIAL_STATE_COMPLETED


@pytest.fixture(scope="module")
def server():
    running = ServerThread()
    yield running
    running.stop()


@pytest.fixture
def line(server):
    made = Line(server.address)
    yield made
    made.close()


@pytest.fixture
def start():
    """Starts servers of the test's own."""
    started = []

    def starter(store="memory:", **options):
        running = ServerThread(store, **options)
        started.append(running)
        return running, Line(running.address)

    yield starter
    for running in started:
        running.stop()


def test_health_and_reflection_answer(line):
    health = health_pb2_grpc.HealthStub(line.channel)
    for service in ("", "tuner.v1.Studies", "tuner.v1.Trials", "tuner.v1.Workers"):
        answer = line.call(health.Check, health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    stub = reflection_pb2_grpc.ServerReflectionStub(line.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    [answer] = stub.ServerReflectionInfo(iter([request]), timeout=DEADLINE)
    found = {service.name for service in answer.list_services_response.service}
    assert {"tuner.v1.Studies", "tuner.v1.Trials", "tuner.v1.Workers", "grpc.health.v1.Health"} <= found


# --- who may call ---


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org", "", "127.0.0.1.example.org"])
def test_no_other_address_without_tls_and_token(host, tmp_path):
    for guard in (
        {},
        {"token_file": tmp_path / "token"},
        {"tls_certificate": tmp_path / "cert", "tls_key": tmp_path / "key"},
    ):
        with pytest.raises(InvalidInput, match="insecure"):
            ServeOptions("memory:", host=host, **guard)
    assert ServeOptions("memory:", host=host, insecure=True).host == host
    both = {"token_file": tmp_path / "t", "tls_certificate": tmp_path / "c", "tls_key": tmp_path / "k"}
    assert ServeOptions("memory:", host=host, **both).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"])
def test_loopback_needs_nothing(host):
    assert ServeOptions("memory:", host=host)


@pytest.mark.parametrize(
    "options",
    [
        {"port": -1},
        {"port": 65536},
        {"lease_term": 0.0},
        {"lease_term": math.nan},
        {"lease_term": math.inf},
        {"patience": math.nan},
        {"patience": 0.0},
        {"tls_certificate": "c"},
        {"tls_key": "k"},
    ],
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(InvalidInput, match=next(iter(options)).partition("_")[0]):
        ServeOptions("memory:", **options)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: TLS is not tested here")
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command.split(), *names], cwd=folder, check=True, capture_output=True, timeout=DEADLINE)
    return folder / "cert.pem", folder / "key.pem"


def test_with_tls_and_token_only_who_shows_it_is_answered(start, certificate, tmp_path):
    chain, key = certificate
    token = tmp_path / "token"
    token.write_text("a-long-enough-secret\n")
    running, plain = start(tls_certificate=chain, tls_key=key, token_file=token)
    trust = grpc.ssl_channel_credentials(chain.read_bytes())
    known = Line(running.address, trust, "a-long-enough-secret")
    assert known.create(study("secret")).created
    assert next(known.watch("secret")).study.id == "secret/1"
    for shown in ("", "a-long-enough-secres", "a-long-enough-secret2"):
        stranger = Line(running.address, trust, shown)
        for call in (
            lambda: stranger.study("secret"),  # noqa: B023
            lambda: next(stranger.watch("secret")),  # noqa: B023
            lambda: list(
                reflection_pb2_grpc.ServerReflectionStub(stranger.channel).ServerReflectionInfo(  # noqa: B023
                    iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=DEADLINE
                )
            ),
        ):
            assert refused(call).code() is grpc.StatusCode.UNAUTHENTICATED
        health = health_pb2_grpc.HealthStub(stranger.channel)
        assert stranger.call(health.Check, health_pb2.HealthCheckRequest()).status
        stranger.close()
    with pytest.raises(grpc.RpcError) as caught:
        plain.studies.Get(studies_pb2.GetStudyRequest(study="secret"), timeout=5)
    assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    known.close()


@pytest.mark.parametrize("content", ["short", "with a \x07 bell in it, long enough", "", "zwölf oder mehr Zeichen"])
def test_a_token_file_without_a_usable_token_is_refused(tmp_path, content):
    path = tmp_path / "token"
    path.write_text(content)
    with pytest.raises(InvalidInput, match="token_file"):
        ServerThread(token_file=path)
    with pytest.raises(InvalidInput, match="cannot be read"):
        ServerThread(token_file=tmp_path / "missing")


def test_certificates_that_cannot_be_used_are_said_to_be(tmp_path):
    (tmp_path / "c").write_text("no certificate")
    (tmp_path / "k").write_text("no key")
    with pytest.raises(InvalidInput, match="certificate"):
        ServerThread(tls_certificate=tmp_path / "c", tls_key=tmp_path / "k")
    with pytest.raises(InvalidInput, match="certificate"):
        ServerThread(tls_certificate=tmp_path / "missing", tls_key=tmp_path / "k")


# --- what comes from outside ---


def test_the_server_outlives_what_no_client_would_send(line, server):
    host, _, port = server.address.rpartition(":")
    greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    rubbish = os.urandom(4096)
    opened = []
    for data in (b"", rubbish, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", greeting, greeting + rubbish, greeting[:7]):
        for shut in (True, False):
            connection = socket.create_connection((host, int(port)), timeout=DEADLINE)
            connection.sendall(data)
            # Half-open ones stay until the end: nobody answers on them, nobody closes them.
            opened.append(connection)
            if shut:
                connection.close()
    line.create(study("plain"))
    [asked] = line.suggest("plain", "1")
    assert line.complete(asked.token, 1.0).state == COMPLETED
    for connection in opened:
        connection.close()


def test_bytes_that_are_no_message_and_methods_that_are_none_are_refused(line):
    identity = {"request_serializer": bytes, "response_deserializer": bytes}
    for path, code in (
        ("/tuner.v1.Studies/Create", "UNKNOWN"),
        ("/tuner.v1.Studies/Nothing", "UNIMPLEMENTED"),
        ("/nothing/Nothing", "UNIMPLEMENTED"),
    ):
        method = line.channel.unary_unary(path, **identity)
        assert refused(method, b"\xff\xff\xff\xff", timeout=DEADLINE).code().name == code


def test_a_message_that_is_too_large_is_refused_and_the_next_one_answered(line):
    error = refused(line.create, study("large") + "#" * (65 << 20))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    error = refused(line.create, study("large") + "#" * (2 << 20))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert line.create(study("large")).created
