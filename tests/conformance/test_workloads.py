"""The built-in workloads keep the promises of the contract; ``tflite`` does in tests/integration/test_tflite.py."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tuner_workers.testing.workload import Granted, WorkloadTestCase
from tuner_workers.workloads.command import CommandWorkload
from tuner_workers.workloads.replay import ReplayWorkload


class TestReplay(WorkloadTestCase):
    @pytest.fixture
    def workload(self):
        return ReplayWorkload

    @pytest.fixture
    def settings(self):
        return {"data": "t", "parameters": {"x": "x"}, "metrics": {"latency_ms": {"column": "y", "unit": "ms"}}}

    @pytest.fixture
    def grants(self, tmp_path):
        (tmp_path / "t.csv").write_text("x,y\n1,10\n2,20\n")
        return Granted(data={"t": tmp_path / "t.csv"})

    @pytest.fixture
    def configuration(self):
        return {"x": 2}

    @pytest.fixture
    def wrong_settings(self, settings):
        return [{}, {**settings, "metrics": {}}, {**settings, "filters": 3}]

    @pytest.fixture
    def refused(self):
        return [{"x": 3}, {"z": 1}]


@dataclass(frozen=True)
class Rule:
    argv: tuple[str, ...]
    cwd: Path | None = None
    environment: tuple[str, ...] = ()
    parameters: str = "arguments"
    timeout: float = 60.0


BENCH = """
import sys
if sys.argv[1:] != ["--level=3"]:
    sys.exit(78)
for step in range(3):
    print('{"step": %d, "metrics": {"loss": 1}}' % step, flush=True)
print('{"latency_ms": [1.5, 2], "items": 2}')
"""


class TestCommand(WorkloadTestCase):
    @pytest.fixture
    def workload(self):
        return CommandWorkload

    @pytest.fixture
    def settings(self):
        return {"command": "bench", "metrics": {"latency_ms": "ms"}}

    @pytest.fixture
    def grants(self):
        return Granted(commands={"bench": Rule((sys.executable, "-c", BENCH))})

    @pytest.fixture
    def configuration(self):
        return {"level": 3}

    @pytest.fixture
    def wrong_settings(self, settings):
        return [{}, {**settings, "metrics": {}}, {**settings, "metrics": {"latency_ms": 1}}]

    @pytest.fixture
    def refused(self):
        return [{"level": 4}]
