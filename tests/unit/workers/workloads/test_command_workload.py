"""Real commands, most of them in a real child."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from tuner_workers.knobs.base import Launch
from tuner_workers.workloads.base import Context, WorkloadError
from tuner_workers.workloads.command import CommandWorkload
from tuner_workers.workloads.process import Child

from tuner.core.clock import SteadyClock

SETTINGS = {"command": "bench", "metrics": {"latency_ms": "ms"}}


@dataclass(frozen=True)
class Rule:
    argv: tuple[str, ...]
    cwd: Path | None = None
    environment: tuple[str, ...] = ()
    parameters: str = "environment"
    timeout: float = 60.0


def resolved(script, **rule):
    grants = SimpleNamespace(commands={"bench": Rule((sys.executable, "-c", script), **rule)}, data={})
    assert CommandWorkload.check(SETTINGS) == []
    return CommandWorkload.resolve(SETTINGS, grants)


@pytest.fixture
def run(tmp_path):
    def run(script, configuration=None, *, report=lambda step, metrics: True, launch=None, **rule):
        context = Context(artifacts=tmp_path, scratch=tmp_path, seed=7)
        with Child(
            "command", resolved(script, **rule), configuration or {}, context,
            launch=launch, python=None, on_started=lambda group: None, clock=SteadyClock(),
        ) as child:  # fmt: skip
            child.load(60)
            return child.run(60, report)

    return run


def test_parameters_arrive_by_environment_and_nothing_else_of_the_worker_does(run, monkeypatch):
    monkeypatch.setenv("SECRET", "1")
    monkeypatch.setenv("SHARED", "2")
    script = """
import os, json
e = os.environ
assert "SECRET" not in e and e["SHARED"] == "2" and e["OMP_NUM_THREADS"] == "4" and e["TUNER_SEED"] == "7"
assert e["TUNER_BATCH_SIZE"] == "8" and e["TUNER_FAST"] == "true" and e["TUNER_RATE"] == "0.5"
print("starting"); print(json.dumps({"latency_ms": [1, 2.5], "items": 8}))
"""
    configuration = {"batch.size": 8, "fast": True, "rate": 0.5}
    launch = Launch(environment={"OMP_NUM_THREADS": "4"})
    output = run(script, configuration, launch=launch, environment=("SHARED",))
    assert output.items == 8
    assert output.metrics["latency_ms"].samples == (1.0, 2.5)
    assert output.metrics["latency_ms"].unit == CommandWorkload.declares(SETTINGS)["latency_ms"]


def test_parameters_arrive_as_arguments_and_never_through_a_shell(run):
    script = """
import sys
assert sys.argv[1:] == ['--mode=$(id); x y', '--n=3']
print('{"latency_ms": 3}')
"""
    output = run(script, {"mode": "$(id); x y", "n": 3}, parameters="arguments")
    assert output.metrics["latency_ms"].samples == (3.0,)


def test_a_learning_curve_and_the_last_object_counts(run):
    script = """
print('{"step": 1, "metrics": {"loss": 0.5}}')
print('{not json')
print('{"latency_ms": 1}'); print('{"latency_ms": 2}')
"""
    seen = []
    output = run(script, report=lambda step, metrics: seen.append((step, dict(metrics))) or True)
    assert seen == [(1, {"loss": 0.5})]
    assert output.metrics["latency_ms"].samples == (2.0,)


STOPPABLE = """
import itertools, signal, sys
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(True))
for step in itertools.count():
    print('{"step": %d, "metrics": {"loss": 1}}' % step, flush=True)
    if told:
        break
"""


def test_stop_lets_the_command_finish_its_sentence(run):
    output = run(STOPPABLE + """print('{"latency_ms": 3}')""", report=lambda step, metrics: False)
    assert output.metrics["latency_ms"].samples == (3.0,)


def test_a_stopped_command_without_a_result_is_stopped_not_crashed(run):
    with pytest.raises(WorkloadError, match="stopped: bench was stopped"):
        run(STOPPABLE + "sys.exit(1)", report=lambda step, metrics: False)


@pytest.mark.parametrize(
    ("script", "kind", "message"),
    [
        ("import sys; sys.exit('no such codec')", "crashed", "bench exited with code 1; last output: no such codec"),
        ("import os; os.kill(os.getpid(), 11)", "crashed", "bench exited with code -11"),
        ("import sys; print('8-bit only', file=sys.stderr); sys.exit(78)", "refused", "8-bit only"),
        ("print('hello')", "bad output", "bench printed no JSON object on a line of its own"),
        ("print('{\"latency\": 1}')", "bad output", "bench did not report latency_ms; it reported latency"),
        ("print('{\"latency_ms\": NaN}')", "bad output", "metric latency_ms: nan is not finite"),
        ("print('{\"latency_ms\": \"1\"}')", "bad output", "metric latency_ms: '1' is neither a number nor"),
        ("print('{\"latency_ms\": []}')", "bad output", "an empty list"),
        ("print('{\"step\": 1, \"metrics\": 2}')", "bad output", "has not the form"),
        ("import sys\nwhile True: sys.stdout.write('z' * 65536)", "bad output", "a line longer than 16 MiB"),
    ],
)  # fmt: skip
def test_what_a_command_does_wrong_has_its_kind(run, script, kind, message):
    with pytest.raises(WorkloadError) as caught:
        run(script)
    assert caught.value.kind == kind
    assert message in caught.value.message


def test_a_command_that_hangs_is_ended_at_the_policys_limit(run):
    with pytest.raises(WorkloadError) as caught:
        run("import time; print('here', flush=True); time.sleep(600)", timeout=1.0)
    assert caught.value.kind == "timed out"
    assert caught.value.message.startswith("bench took longer than the policy's 1 s")


def test_a_daemon_that_keeps_stdout_open_does_not_delay_the_result_and_is_ended(run, tmp_path):
    script = """
import subprocess, sys
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
open('daemon', 'w').write(str(child.pid)); print('{"latency_ms": 1}')
"""
    assert run(script).items == 1
    pid = int((tmp_path / "daemon").read_text())
    status = Path(f"/proc/{pid}/stat")
    assert not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_parameters_that_cannot_be_passed_are_refused(run):
    with pytest.raises(WorkloadError, match="refused: two parameters would both be TUNER_A_B"):
        run("", {"a.b": 1, "a_b": 2})
    with pytest.raises(WorkloadError, match="refused: a parameter cannot be passed to bench: embedded null byte"):
        run("", {"text": "\0"})


def test_a_program_that_is_not_there_is_unavailable(tmp_path):
    grants = SimpleNamespace(commands={"bench": Rule(("/no/such/program",))}, data={})
    workload = CommandWorkload()
    workload.prepare(CommandWorkload.resolve(SETTINGS, grants), Context(tmp_path, tmp_path))
    with pytest.raises(WorkloadError, match="unavailable: cannot start /no/such/program: No such file"):
        workload.run({}, lambda step, metrics: True)


def test_a_study_cannot_bring_its_own_command():
    assert CommandWorkload.check({**SETTINGS, "rule": {"argv": ["sh"]}}) == [
        "workload.rule: unknown setting; expected one of command, metrics"
    ]
    grants = SimpleNamespace(commands={"a": Rule(("true",)), "b": Rule(("true",))}, data={})
    with pytest.raises(WorkloadError) as caught:
        CommandWorkload.resolve(SETTINGS, grants)
    assert caught.value.message == "workload.command: the policy of this device has no command 'bench'; it has a, b"
    assert len(CommandWorkload.check({})) == 2
