"""The promises of ``tuner_workers.workloads.base``, as tests that any workload can run.

    class TestMyWorkload(WorkloadTestCase):
        @pytest.fixture
        def workload(self) -> type[Workload]:
            return MyWorkload

        @pytest.fixture
        def settings(self) -> Mapping[str, object]:
            return {"model": "mine"}

It runs in a real child process, as on a device. Where ``missing`` says that something is not installed, the tests are
skipped with its reason.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tuner.core.clock import SteadyClock
from tuner_workers.workloads.base import CommandRule, Context, Grants, RunOutput, Value, Workload, WorkloadError
from tuner_workers.workloads.process import Child

_HEAVY = ("numpy", "torch", "tensorflow", "sqlalchemy", "optuna")


@dataclass(frozen=True)
class Granted:
    """What a policy file would grant."""

    commands: Mapping[str, CommandRule] = field(default_factory=dict)
    data: Mapping[str, Path] = field(default_factory=dict)


class WorkloadTestCase:
    """Subclass it, and say which workload by the fixtures ``workload`` and ``settings``.

    ``timeout`` bounds each step, in seconds.
    """

    timeout: float = 300.0

    @pytest.fixture
    def workload(self) -> type[Workload]:
        """The class under test, importable by name."""
        raise NotImplementedError(f"{type(self).__name__} lacks the fixture 'workload'")

    @pytest.fixture
    def settings(self) -> Mapping[str, object]:
        """Settings as in a study file, for the quickest run there is."""
        raise NotImplementedError(f"{type(self).__name__} lacks the fixture 'settings'")

    @pytest.fixture
    def configuration(self) -> Mapping[str, Value]:
        """A configuration that can run."""
        return {}

    @pytest.fixture
    def wrong_settings(self) -> Sequence[Mapping[str, object]]:
        """Settings that ``check`` has to refuse, beyond those that no workload can take."""
        return ()

    @pytest.fixture
    def refused(self) -> Sequence[Mapping[str, Value]]:
        """Configurations that can never run."""
        return ()

    @pytest.fixture
    def grants(self) -> Grants:
        """What the policy file of the device would grant."""
        return Granted()

    @pytest.fixture
    def context(self, tmp_path: Path) -> Context:
        """Where it runs; overridden to share artifacts between tests."""
        for name in ("artifacts", "scratch"):
            (tmp_path / name).mkdir()
        return Context(artifacts=tmp_path / "artifacts", scratch=tmp_path / "scratch", seed=1)

    @pytest.fixture
    def resolved(
        self, workload: type[Workload], settings: Mapping[str, object], grants: Grants
    ) -> Mapping[str, object]:
        """The settings as a child gets them."""
        if reason := workload.missing():
            pytest.skip(f"{workload.kind}: {reason}")
        assert workload.check(settings) == []
        return workload.resolve(settings, grants)

    def built(
        self,
        workload: type[Workload],
        resolved: Mapping[str, object],
        configuration: Mapping[str, Value],
        context: Context,
    ) -> Child:
        """A child that is to measure; what it needs has been built in another."""
        if workload.builds:
            with _child(workload, resolved, configuration, context) as builder:
                builder.build(self.timeout)
        return _child(workload, resolved, configuration, context)

    def measured(
        self,
        workload: type[Workload],
        resolved: Mapping[str, object],
        configuration: Mapping[str, Value],
        context: Context,
    ) -> RunOutput:
        """One run in a child that is gone afterwards."""
        with self.built(workload, resolved, configuration, context) as child:
            child.load(self.timeout)
            return child.run(self.timeout, _go_on)

    def test_good_settings_have_no_problems(self, workload: type[Workload], settings: Mapping[str, object]) -> None:
        before = repr(settings)
        assert workload.check(settings) == []
        assert repr(settings) == before

    def test_wrong_settings_are_refused_in_sentences(
        self,
        workload: type[Workload],
        settings: Mapping[str, object],
        wrong_settings: Sequence[Mapping[str, object]],
    ) -> None:
        unknown: Mapping[str, object] = {**settings, "no such setting": 1}
        nonsense: Mapping[str, object] = {name: {"nonsense": [None]} for name in settings}
        for wrong in (unknown, *([nonsense] if nonsense else []), *wrong_settings):
            problems = workload.check(wrong)
            assert problems, f"{wrong} was taken"
            assert all(isinstance(problem, str) and " " in problem for problem in problems)
        assert any("no such setting" in problem for problem in workload.check(unknown))

    def test_what_the_daemon_asks_imports_nothing_heavy(
        self, workload: type[Workload], settings: Mapping[str, object]
    ) -> None:
        script = f"""
import importlib, sys
sys.path[:] = {sys.path!r}
workload = importlib.import_module({workload.__module__!r}).{workload.__qualname__}
settings = {dict(settings)!r}
workload.missing(), workload.check(settings), workload.declares(settings)
sys.exit(" ".join(name for name in {_HEAVY!r} if name in sys.modules) or 0)
"""
        ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
        assert (ended.returncode, ended.stderr.strip()) == (0, "")

    def test_runs_report_what_was_declared(
        self,
        workload: type[Workload],
        settings: Mapping[str, object],
        resolved: Mapping[str, object],
        configuration: Mapping[str, Value],
        context: Context,
    ) -> None:
        declared = workload.declares(settings)
        assert declared
        with self.built(workload, resolved, configuration, context) as child:
            child.load(self.timeout)
            for _ in range(2):
                _matches(child.run(self.timeout, _go_on), declared)

    def test_it_survives_stop(
        self,
        workload: type[Workload],
        resolved: Mapping[str, object],
        configuration: Mapping[str, Value],
        context: Context,
    ) -> None:
        with self.built(workload, resolved, configuration, context) as child:
            child.load(self.timeout)
            child.stop()
            kind = "stopped"
            try:
                child.run(self.timeout, lambda step, metrics: False)
            except WorkloadError as error:
                kind = error.kind
            assert kind == "stopped"

    def test_it_leaves_no_process_behind(
        self,
        workload: type[Workload],
        resolved: Mapping[str, object],
        configuration: Mapping[str, Value],
        context: Context,
    ) -> None:
        before = _descendants()
        with self.built(workload, resolved, configuration, context) as child:
            child.load(self.timeout)
            child.run(self.timeout, _go_on)
        assert _descendants() - before == set()
        with pytest.raises(ProcessLookupError):
            os.killpg(child.pid, 0)

    def test_configurations_that_can_never_run_are_refused(
        self,
        workload: type[Workload],
        resolved: Mapping[str, object],
        refused: Sequence[Mapping[str, Value]],
        context: Context,
    ) -> None:
        for configuration in refused:
            with pytest.raises(WorkloadError) as caught:
                self.measured(workload, resolved, configuration, context)
            assert caught.value.kind == "refused", f"{configuration}: {caught.value}"
            assert caught.value.message


def _child(
    workload: type[Workload],
    resolved: Mapping[str, object],
    configuration: Mapping[str, Value],
    context: Context,
) -> Child:
    return Child(
        workload,
        resolved,
        configuration,
        context,
        launch=None,
        python=None,
        on_started=lambda group: None,
        clock=SteadyClock(),
    )


def _go_on(step: int, metrics: Mapping[str, float]) -> bool:
    return True


def _descendants() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


def _matches(output: RunOutput, declared: Mapping[str, str]) -> None:
    assert {name: metric.unit for name, metric in output.metrics.items()} == dict(declared)
    assert output.items > 0
    for metric in output.metrics.values():
        assert metric.method
        assert all(math.isfinite(sample) for sample in metric.samples)
