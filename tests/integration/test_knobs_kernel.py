"""Knobs against the real kernel: sysctl, transparent huge pages and control groups. Needs root; says so when it skips.

Whatever happens, what is turned here is put back.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tuner_workers import processes
from tuner_workers.journal import Journal
from tuner_workers.knobs.base import Domain, Knob, KnobBroken, KnobRefused, Launch, SystemKnob
from tuner_workers.knobs.registry import built_in
from tuner_workers.knobs.session import KnobSession
from tuner_workers.knobs.sysctl import Setting, SysctlKnob
from tuner_workers.policy import KnobRule, Policy
from tuner_workers.recovery import recover

from tuner.core.expression import Value

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to turn the kernel's settings")

TURNED = {"vm.swappiness": 37, "vm.vfs_cache_pressure": 73, "thp.enabled": "never", "thp.defrag": "never"}


@pytest.fixture
def knobs() -> Mapping[str, Knob]:
    return {knob.name: knob for knob in built_in()}


@pytest.fixture
def policy(knobs: Mapping[str, Knob]) -> Policy:
    return Policy("the test's policy", {name: KnobRule() for name in knobs}, frozenset())


@pytest.fixture
def journal(tmp_path: Path, knobs: Mapping[str, Knob]) -> Iterator[Journal]:
    """Whatever a test that fails has left, is undone."""
    path = tmp_path / "journal.jsonl"
    yield Journal(path)
    recover(Journal(path), knobs)


@pytest.fixture
def turned(knobs: Mapping[str, Knob]) -> Iterator[Mapping[str, Value]]:
    """Values for the knobs that this kernel has; afterwards the device is as it was even if what is tested fails."""
    there = {name: value for name, value in TURNED.items() if value in _domain(knobs[name])}
    if len(there) < 2:
        pytest.skip(f"this kernel offers fewer than two of {', '.join(TURNED)}")
    originals = {name: knobs[name].read() for name in there}
    yield there
    for name, original in originals.items():
        knob = knobs[name]
        assert isinstance(knob, SystemKnob)
        if knob.read() != original:
            knob.restore(original)


def _domain(knob: Knob) -> Domain:
    probed = knob.probe()
    return probed if isinstance(probed, Domain) else Domain("choice")


def _needs(knobs: Mapping[str, Knob], name: str) -> None:
    probed = knobs[name].probe()
    if not isinstance(probed, Domain):
        pytest.skip(f"{name}: {probed.reason}")


def test_the_kernel_has_the_values_and_gets_its_own_back(turned, knobs, policy, journal):
    before = {name: knobs[name].read() for name in turned}
    with KnobSession(turned, policy, journal, knobs) as session:
        session.apply()
        assert session.read_back(None) == turned
        assert [line.split()[0] for line in Path("/proc/sys/vm/swappiness").read_text().splitlines()] == ["37"]
    assert {name: knobs[name].read() for name in turned} == before


def test_a_value_that_the_kernel_refuses_leaves_it_as_it_was(turned, policy, journal, knobs):
    """The knob is told of a wider range than the kernel's, so that the kernel itself has to say no."""
    wide = SysctlKnob(Setting("vm.overcommit_memory", 0, 99))
    knobs = {**knobs, wide.name: wide}
    before = {name: knobs[name].read() for name in (*turned, wide.name)}
    with (
        KnobSession({**turned, wide.name: 99}, policy, journal, knobs) as session,
        pytest.raises(KnobRefused, match="does not take '99': Invalid argument"),
    ):
        session.apply()
    assert {name: knobs[name].read() for name in before} == before


SESSION = """
import os, sys
from pathlib import Path
from tuner_workers.journal import Journal
from tuner_workers.knobs.registry import built_in
from tuner_workers.knobs.session import KnobSession
from tuner_workers.policy import KnobRule, Policy
import json, subprocess
values = json.loads(sys.argv[2])
knobs = {knob.name: knob for knob in built_in()}
policy = Policy("test", {name: KnobRule() for name in knobs}, frozenset())
journal = Journal(Path(sys.argv[1]))
with KnobSession(values, policy, journal, knobs) as session:
    launch = session.launch()
    def enter():
        for group in launch.cgroups:
            Path(group, "cgroup.procs").write_text(str(os.getpid()))
    child = subprocess.Popen(["sleep", "1000"], preexec_fn=enter, env={**os.environ, **launch.environment},
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    if sys.argv[3] == "journalled":
        journal.record_child(child.pid)
    session.apply()
    print(child.pid, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("entry", ["journalled", "not yet journalled"])
def test_kill_9_while_applied_leaves_knobs_groups_and_processes_to_the_next_start(entry, turned, knobs, journal):
    _needs(knobs, "cgroup.cpu_quota")
    values = {**turned, "cgroup.cpu_quota": 0.5}
    before = {name: knobs[name].read() for name in turned}
    arguments = [sys.executable, "-c", SESSION, str(journal.path), json.dumps(values), entry]
    worker = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert worker.stdout is not None
        pid = int(worker.stdout.readline())
    finally:
        worker.kill()
        worker.communicate()
    left = Journal(journal.path)
    (group,) = [Path(entry.key) for entry in left.entries("cgroup")]
    assert str(pid) in (group / "cgroup.procs").read_text().split()
    assert {name: knobs[name].read() for name in turned} == turned
    recovery = recover(left, knobs)
    assert recovery.broken == []
    assert recovery.killed == [pid]
    assert recovery.removed == [str(group)]
    assert sorted(recovery.restored) == sorted(turned)
    assert {name: knobs[name].read() for name in turned} == before
    assert not group.exists()
    child = processes.look_up(pid)
    assert child is None or child.zombie  # until init has waited for it


def _start(launch: Launch, *command: str) -> subprocess.Popen[bytes]:
    def enter() -> None:
        for group in launch.cgroups:
            Path(group, "cgroup.procs").write_text(str(os.getpid()))

    return subprocess.Popen(command, preexec_fn=enter, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_a_memory_limit_ends_what_exceeds_it(knobs, policy, journal):
    _needs(knobs, "cgroup.memory_mb")
    greedy = "import sys; sys.stdin.readline(); x = bytearray(200_000_000); print('still here')"
    with KnobSession({"cgroup.memory_mb": 64}, policy, journal, knobs) as session:
        child = _start(session.launch(), sys.executable, "-S", "-c", greedy)
        output, _ = child.communicate(b"\n")
        assert child.returncode == -signal.SIGKILL
        assert output == b""


def test_a_quota_takes_cpu_time_away(knobs, policy, journal):
    """At 5 % of all CPUs the child is throttled, as the kernel itself counts: no speed of any machine is assumed."""
    _needs(knobs, "cgroup.cpu_quota")
    with KnobSession({"cgroup.cpu_quota": 0.05}, policy, journal, knobs) as session:
        launch = session.launch()
        child = _start(launch, sys.executable, "-S", "-c", "while True: pass")
        try:
            deadline = time.monotonic() + 30
            while _throttled(launch.cgroups[0]) < 2 and time.monotonic() < deadline:
                assert session.read_back(child.pid) == {"cgroup.cpu_quota": 0.05}
            assert _throttled(launch.cgroups[0]) >= 2
        finally:
            child.kill()
            child.communicate()


def _throttled(group: str) -> int:
    statistics = dict(line.split() for line in Path(group, "cpu.stat").read_text().splitlines())
    return int(statistics["nr_throttled"])


def test_a_group_that_still_has_a_process_cannot_be_given_back_and_says_so(knobs, policy, journal):
    _needs(knobs, "cgroup.cpu_quota")
    session = KnobSession({"cgroup.cpu_quota": 0.5}, policy, journal, knobs)
    child = _start(session.launch(), "cat")
    try:
        with pytest.raises(KnobBroken, match="could not be removed: Device or resource busy"):
            session.restore()
    finally:
        child.communicate()
        session.restore()
    assert journal.entries() == []
