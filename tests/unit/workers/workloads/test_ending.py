from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from tuner_workers.workloads.ending import Family, cgroup_processes, oom_kills

from tuner.core.clock import SteadyClock

SLEEP = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP


@pytest.fixture
def start():
    started = []

    def start(script):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_an_obedient_process_ends_on_sigterm_before_the_grace_is_over(start):
    process = start(SLEEP)
    before = time.monotonic()
    assert Family(process.pid).end(SteadyClock(), grace=60) == []
    assert process.wait() == -15
    assert time.monotonic() - before < 60


def test_a_stubborn_one_is_killed(start):
    process = start(STUBBORN)
    assert Family(process.pid).end(SteadyClock(), grace=0.1) == []
    assert process.wait() == -9


def test_ending_twice_and_ending_nobody_are_fine(start):
    process = start(SLEEP)
    family = Family(process.pid)
    assert family.end(SteadyClock(), grace=0) == []
    process.wait()
    assert family.end(SteadyClock(), grace=1) == []


def test_a_process_that_entered_the_control_group_is_ended(start, tmp_path):
    # A file stands in for the control group's.
    process, other = start(SLEEP), start(SLEEP)
    (tmp_path / "cgroup.procs").write_text(f"{process.pid}\n{other.pid}\n{os.getpid()}\n")
    assert Family(process.pid, [str(tmp_path)]).end(SteadyClock(), grace=0) == []
    assert other.wait() == -9


def test_who_was_seen_once_is_not_lost_when_its_parents_end(start):
    script = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True)
time.sleep(600)
"""
    process = start(script)
    family = Family(process.pid)
    grandchild = next(member for member in family.look() if member.pid != process.pid)
    process.kill()
    process.wait()
    assert family.end(SteadyClock(), grace=0) == []
    assert not grandchild.is_running() or grandchild.status() == "zombie"


@pytest.mark.parametrize("group", [0, 1, -5, os.getpgrp()])
def test_it_never_signals_its_own_group_or_everybody(group):
    with pytest.raises(ValueError, match="is not that of a child in its own session"):
        Family(group)


def test_control_groups_are_read_in_both_versions(tmp_path):
    first, second = tmp_path / "v1", tmp_path / "v2"
    first.mkdir()
    second.mkdir()
    (first / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    (second / "memory.events").write_text("low 0\nhigh 0\nmax 9\noom 3\noom_kill 3\noom_group_kill 1\n")
    assert oom_kills([str(first), str(second), str(tmp_path / "gone")]) == 5
    (first / "cgroup.procs").write_text("12\n13\n")
    assert cgroup_processes(str(first)) == [12, 13]
    assert cgroup_processes(str(tmp_path / "gone")) == []
