"""Where the server is, and what its words mean."""

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from tuner_protos.v1 import workers_pb2_grpc
from tuner_workers.link import Interrupted, Link, Refused, Server

from tuner.core.errors import InvalidInput, StaleLease, Unavailable


class Aborting(workers_pb2_grpc.WorkersServicer):
    """Answers every release with the status that its reason names."""

    def Release(self, request, context):
        context.abort(grpc.StatusCode[request.reason], "because I say so")

    def Lease(self, request, context):
        context.abort(grpc.StatusCode.NOT_FOUND, "who?")


@pytest.fixture(scope="module")
def address():
    server = grpc.server(ThreadPoolExecutor(2))
    workers_pb2_grpc.add_WorkersServicer_to_server(Aborting(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


@pytest.fixture
def link(address):
    link = Link(Server(address), "w1")
    yield link
    link.close()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("UNAVAILABLE", Unavailable),
        ("DEADLINE_EXCEEDED", Unavailable),
        ("RESOURCE_EXHAUSTED", Unavailable),
        ("INTERNAL", Unavailable),
        ("UNKNOWN", Unavailable),
        ("NOT_FOUND", StaleLease),
        ("ABORTED", StaleLease),
        ("UNAUTHENTICATED", Refused),
        ("PERMISSION_DENIED", Refused),
        ("FAILED_PRECONDITION", Refused),
        ("UNIMPLEMENTED", Refused),
        ("INVALID_ARGUMENT", Refused),
    ],
)
def test_what_a_status_means(link, code, kind):
    with pytest.raises(kind, match="because I say so") as caught:
        link.release("token", code)
    assert type(caught.value) is kind
    assert getattr(caught.value, "invalid", False) is (code == "INVALID_ARGUMENT")


def test_a_server_that_is_not_there_may_come(tmp_path):
    link = Link(Server("127.0.0.1:1"), "w1")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1"):
        link.lease(1, 0.0)
    link.close()


def test_no_call_begins_while_interrupted(link):
    link.interrupt()
    with pytest.raises(Interrupted):
        link.lease(1, 60.0)
    link.resume()
    with pytest.raises(StaleLease):
        link.lease(1, 60.0)


@pytest.mark.parametrize("address", ["", "localhost", ":7077", "host:0", "host:http", "host:70000"])
def test_what_is_no_address(address):
    with pytest.raises(InvalidInput, match="HOST:PORT"):
        Server(address)


@pytest.mark.parametrize("token", ["", "two\nlines", "schlüssel"])
def test_what_is_no_token(token):
    with pytest.raises(InvalidInput, match="printable ASCII") as caught:
        Server("localhost:7077", token)
    assert not token or token not in str(caught.value)


def test_the_token_is_in_no_text_about_the_server():
    assert "s3cret" not in repr(Server("localhost:7077", "s3cret"))


def test_root_certificates_that_cannot_be_read():
    with pytest.raises(Unavailable, match=r"/nowhere/ca\.pem"):
        Server("localhost:7077", root_certificates=Path("/nowhere/ca.pem")).channel()


def test_a_token_in_clear_over_a_network_is_warned_of(caplog):
    Server("192.0.2.1:7077", "s3cret").channel().close()
    assert "unencrypted" in caplog.text
    assert "s3cret" not in caplog.text
    caplog.clear()
    Server("[::1]:7077", "s3cret").channel().close()
    assert caplog.text == ""


def test_only_tls_speaks_to_a_server_with_certificates(address, tmp_path):
    (tmp_path / "ca.pem").write_text("")
    link = Link(Server(address, root_certificates=tmp_path / "ca.pem"), "w1")
    with pytest.raises(Unavailable):
        link.lease(1, 0.0)
    link.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for localhost, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    key, chain = folder / "key.pem", folder / "chain.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(chain)]
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject, *files],
        check=True,
        capture_output=True,
    )
    return key, chain


def test_tls_with_the_right_authority(certificate):
    key, chain = certificate
    server = grpc.server(ThreadPoolExecutor(2))
    workers_pb2_grpc.add_WorkersServicer_to_server(Aborting(), server)
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), chain.read_bytes())])
    port = server.add_secure_port("localhost:0", credentials)
    server.start()
    link = Link(Server(f"localhost:{port}", "s3cret", chain), "w1")
    try:
        with pytest.raises(StaleLease, match=r"who\?"):
            link.lease(1, 0.0)
    finally:
        link.close()
        server.stop(None).wait()
