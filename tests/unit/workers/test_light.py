"""The daemon is light: it runs beside the workload on small boards."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import psutil
import pytest
from tuner_protos.v1 import workers_pb2, workers_pb2_grpc

HEAVY = (
    "torch",
    "tensorflow",
    "keras",
    "numpy",
    "sqlalchemy",
    "optuna",
    "scipy",
    "sklearn",
    "ai_edge_litert",
    "alembic",
)
LIMIT = 60 * 10**6
DEADLINE = 60.0

REPORT = """
import sys, threading
from pathlib import Path
from tuner_workers.main import run_worker
from tuner_workers.policy import Policy

code = run_worker(
    sys.argv[1],
    policy=Policy.own_device(),
    state_directory=Path(sys.argv[2]),
    name="light",
    until_stdin_closes=True,
    log=lambda line: print(line, file=sys.stderr, flush=True),
    device_lock=Path(sys.argv[2]).with_suffix(".lock"),
)
print(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
sys.exit(code)
"""


class Registry(workers_pb2_grpc.WorkersServicer):
    """Registers a worker and has nothing to measure for it: all that is needed of a tuner here."""

    def __init__(self) -> None:
        self.beats = threading.Semaphore(0)
        self.ended = threading.Event()

    def Register(self, request, context):
        return workers_pb2.RegisterResponse(heartbeat_interval=0.05, lease_term=5.0)

    def Lease(self, request, context):
        self.ended.wait(request.wait)
        return workers_pb2.LeaseResponse(directive=workers_pb2.DIRECTIVE_CONTINUE)

    def Heartbeat(self, request, context):
        self.beats.release()
        return workers_pb2.HeartbeatResponse(directive=workers_pb2.DIRECTIVE_CONTINUE)


@pytest.fixture
def registry():
    registry = Registry()
    server = grpc.server(ThreadPoolExecutor(4))
    workers_pb2_grpc.add_WorkersServicer_to_server(registry, server)
    registry.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield registry
    registry.ended.set()
    server.stop(None).wait()


def test_a_registered_idle_daemon_is_small_and_has_imported_nothing_heavy(registry, tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", REPORT, registry.address, str(tmp_path / "state")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    try:
        for _ in range(3):  # registered, and its heart has beaten
            assert registry.beats.acquire(timeout=DEADLINE)
        resident = psutil.Process(process.pid).memory_info().rss
        output, errors = process.communicate(timeout=DEADLINE)  # closes its standard input
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, errors
    imported = set(output.split())
    assert "tuner_workers" in imported
    assert imported.isdisjoint(HEAVY), imported & set(HEAVY)
    assert resident < LIMIT, f"{resident / 1e6:.1f} MB resident"
