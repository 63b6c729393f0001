"""Real children that crash, hang, flood and leave processes behind."""

from __future__ import annotations

import ast
import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import misbehaving
import psutil
import pytest
from tuner_workers.knobs.base import Launch
from tuner_workers.workloads.base import Context, WorkloadError
from tuner_workers.workloads.process import Child

from tuner.core.clock import SteadyClock

LONG = 60.0


@pytest.fixture
def context(tmp_path):
    for name in ("artifacts", "scratch"):
        (tmp_path / name).mkdir()
    return Context(artifacts=tmp_path / "artifacts", scratch=tmp_path / "scratch")


@pytest.fixture
def start(context):
    def start(deed, **options):
        arguments = {"launch": None, "python": None, "on_started": lambda group: None, "clock": SteadyClock()}
        return Child(misbehaving.Misbehaving, {}, {"deed": deed}, context, **(arguments | options))

    return start


def ignore(step, metrics):
    return True


def failure(child: Child, timeout: float = LONG) -> WorkloadError:
    with child:
        child.load(LONG)
        with pytest.raises(WorkloadError) as caught:
            child.run(timeout, ignore)
        assert ended(child.pid)
    return caught.value


def ended(group: int) -> bool:
    """Whether no process of the group is left, zombies aside."""
    for process in psutil.process_iter(["status"]):
        try:
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                return False
        except ProcessLookupError:
            continue
    return True


def wait_for(condition, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_a_good_workload_runs_as_often_as_asked_and_cleans_up(start, context):
    with start("well") as child:
        child.load(LONG)
        first = child.run(LONG, ignore)
        second = child.run(LONG, ignore)
        assert child.usage.cpu_seconds > 0
        assert child.usage.max_rss_bytes > 1 << 20
    assert first == second
    assert first.metrics["latency_ms"].samples == (1.0,)
    assert first.items == 3
    assert (context.scratch / "cleaned").exists()
    assert ended(child.pid)
    child.close()


def test_build_happens_in_a_child_of_its_own(start, context):
    with start("well") as child:
        child.build(LONG)
    assert (context.artifacts / "built").read_text() == "well"


def test_the_group_is_known_before_the_child_is_asked_for_anything(start):
    groups = []
    with start("well", on_started=groups.append) as child:
        assert groups == [child.pid]
        assert os.getpgid(child.pid) == child.pid
        assert os.getsid(child.pid) == child.pid


def test_a_journal_that_cannot_be_written_ends_the_child(start):
    groups = []

    def full_disk(group):
        groups.append(group)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        start("well", on_started=full_disk)
    assert ended(groups[0])


def test_a_segmentation_fault_is_a_crash_with_its_last_words(start):
    error = failure(start("segfault"))
    assert error.kind == "crashed"
    assert error.message.startswith("killed by SIGSEGV in run; last output: ")
    assert "about to read address zero" in error.message


@pytest.mark.parametrize("deed", ["hang", "hang_in_c_and_ignore_sigterm"])
def test_what_hangs_is_ended_at_its_limit(start, deed):
    error = failure(start(deed), timeout=0.3)
    assert (error.kind, error.message) == ("timed out", "run took longer than 0.3 s")


def test_grandchildren_that_ignore_sigterm_and_leave_the_group_are_ended(start, context):
    with start("grandchildren") as child:
        child.load(LONG)
        child.run(LONG, ignore)
        left = [int(pid) for pid in (context.scratch / "grandchildren").read_text().split()]
        assert len(left) == 3
        assert all(psutil.pid_exists(pid) for pid in left)
    alive = [pid for pid in left if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]
    assert alive == []


def test_a_flood_of_prints_neither_blocks_nor_breaks_the_protocol(start):
    with start("print_flood") as child:
        child.load(LONG)
        assert child.run(LONG, ignore).items == 3


def test_a_line_without_end_is_bad_output(start):
    error = failure(start("huge_line"))
    assert (error.kind, error.message) == ("bad output", "a line longer than 16 MiB")


@pytest.mark.parametrize(
    ("deed", "kind", "message"),
    [
        ("nan", "bad output", "metric latency_ms: nan is not finite"),
        ("nan_intermediate", "bad output", "metric loss at step 3: nan is not finite"),
        ("not_an_output", "bad output", "run returned dict, not RunOutput"),
        ("no_samples", "bad output", "metric latency_ms: [] is not a list of at least one sample"),
        ("memory_error", "out of memory", "MemoryError"),
        ("exit_in_the_middle", "crashed", "exited with code 3 in run; last output: leaving"),
        ("wrong_result", "wrong result", "the checksum differs"),
        ("invented_kind", "crashed", "bored: nothing to do"),
    ],
)
def test_every_other_failure_has_its_kind(start, deed, kind, message):
    error = failure(start(deed))
    assert (error.kind, error.message) == (kind, message)


@pytest.mark.parametrize(
    ("deed", "what"), [("raises", "ZeroDivisionError: by naught"), ("sys_exit", "SystemExit: had enough")]
)
def test_an_exception_is_a_crash_with_its_place(start, deed, what):
    error = failure(start(deed))
    assert error.kind == "crashed"
    assert error.message.startswith(f"{what} (at misbehaving.py:")


def test_killed_from_outside_is_a_crash(start, context):
    child = start("hang")
    killer = threading.Thread(target=lambda: (wait_for((context.scratch / "hanging").exists), os.kill(child.pid, 9)))
    killer.start()
    error = failure(child)
    killer.join()
    assert error.kind == "crashed"
    assert error.message.startswith("killed by SIGKILL")


def unknown_call(pid):
    raise OSError(errno.ENOSYS, "Function not implemented")


@pytest.mark.parametrize("pidfd_open", [None, unknown_call])
def test_a_kernel_without_pidfd_does_as_well(start, monkeypatch, pidfd_open):
    if pidfd_open is None:
        monkeypatch.delattr(os, "pidfd_open")
    else:
        monkeypatch.setattr(os, "pidfd_open", pidfd_open)
    assert failure(start("exit_in_the_middle")).message.startswith("exited with code 3")
    assert failure(start("hang"), timeout=0.3).kind == "timed out"


def test_no_descriptor_to_watch_with_ends_the_child(start, context, monkeypatch):
    def exhausted(pid):
        started.append(pid)
        raise OSError(errno.EMFILE, "Too many open files")

    started = []
    monkeypatch.setattr(os, "pidfd_open", exhausted)
    with pytest.raises(WorkloadError, match="unavailable: cannot watch the child: Too many open files"):
        start("well")
    assert ended(started[0])


def test_kill_from_another_thread_interrupts_the_run(start, context):
    child = start("hang")
    killer = threading.Thread(
        target=lambda: (wait_for((context.scratch / "hanging").exists), child.kill("cancelled by a test"))
    )
    killer.start()
    error = failure(child)
    killer.join()
    assert (error.kind, error.message) == ("cancelled", "cancelled by a test")


def test_a_report_is_answered_with_stop(start):
    seen = []

    def until_ten(step, metrics):
        seen.append((step, metrics["loss"]))
        return step < 10

    with start("learns") as child:
        child.load(LONG)
        child.run(LONG, until_ten)
    assert seen[:2] == [(0, 1.0), (1, 0.5)]
    assert len(seen) >= 11


def test_stop_from_another_thread_ends_the_run_politely(start):
    learning = threading.Event()
    child = start("learns")
    stopper = threading.Thread(target=lambda: (learning.wait(30), child.stop()))
    stopper.start()
    with child:
        child.load(LONG)
        assert child.run(LONG, lambda step, metrics: learning.set() or True).metrics["latency_ms"].samples[0] > 0
    stopper.join()
    child.stop()


def test_stdin_is_not_the_protocol(start):
    with start("reads_stdin") as child:
        child.load(LONG)
        assert child.run(LONG, ignore).items == 3


def test_the_launch_is_in_force_and_the_workers_own_variables_are_not(start, context, monkeypatch):
    monkeypatch.setenv("TUNER_TOKEN", "secret")
    cpu = max(os.sched_getaffinity(0))
    launch = Launch(environment={"SHAPE": "round"}, prefix=["nice", "-n", "2"], affinity=frozenset({cpu}), niceness=1)
    before = os.nice(0)
    with start("tells_where_it_is", launch=launch) as child:
        child.load(LONG)
        child.run(LONG, ignore)
    facts = ast.literal_eval((context.scratch / "facts").read_text())
    assert facts["affinity"] == [cpu]
    assert facts["niceness"] == min(before + 3, 19)
    assert facts["environment"] == {"SHAPE": "round"}
    assert facts["cwd"] == str(context.scratch)


def test_an_impossible_launch_is_refused(start):
    with start("well", launch=Launch(affinity=frozenset({100_000}))) as child, pytest.raises(WorkloadError) as caught:
        child.load(LONG)
    assert caught.value.kind == "refused"
    assert "affinity [100000]" in caught.value.message


def test_a_control_group_that_is_not_there_is_said(start, tmp_path):
    with (
        start("well", launch=Launch(cgroups=[str(tmp_path / "gone")])) as child,
        pytest.raises(WorkloadError) as caught,
    ):
        child.load(LONG)
    assert caught.value.kind == "unavailable"
    assert str(tmp_path / "gone") in caught.value.message


def test_the_child_enters_its_control_groups_first(start, tmp_path):
    # A folder stands in for a control group: there may be none to write here.
    group = tmp_path / "group"
    group.mkdir()
    (group / "memory.events").write_text("low 0\noom_kill 4\n")
    with start("well", launch=Launch(cgroups=[str(group)])) as child:
        child.load(LONG)
        assert (group / "cgroup.procs").read_text() == str(child.pid)


def test_a_control_group_in_use_is_refused_because_its_processes_would_be_ended(start, tmp_path):
    (tmp_path / "cgroup.procs").write_text("1\n")
    with pytest.raises(WorkloadError, match="holds other processes"):
        start("well", launch=Launch(cgroups=[str(tmp_path)]))


def test_a_kill_by_the_kernel_at_the_memory_limit_is_out_of_memory(start, context, tmp_path):
    # A folder stands in for the control group; the test does what the kernel would.
    (tmp_path / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n")
    child = start("hang", launch=Launch(cgroups=[str(tmp_path)]))

    def kernel():
        wait_for((context.scratch / "hanging").exists)
        (tmp_path / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
        os.kill(child.pid, signal.SIGKILL)

    thread = threading.Thread(target=kernel)
    thread.start()
    error = failure(child)
    thread.join()
    assert error.kind == "out of memory"


def test_a_real_memory_limit(start):
    root = Path("/sys/fs/cgroup/memory")
    if not (root / "memory.limit_in_bytes").exists() or not os.access(root, os.W_OK):
        pytest.skip("no writable cgroup v1 memory controller here")
    group = root / f"tuner-test-{os.getpid()}"
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(64 << 20))
        error = failure(start("real_memory", launch=Launch(cgroups=[str(group)])))
        assert error.kind == "out of memory"
    finally:
        wait_for(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


def test_an_interpreter_that_is_not_there_is_unavailable(start):
    with pytest.raises(WorkloadError, match="unavailable: cannot start /no/such/python"):
        start("well", python="/no/such/python")


def test_another_interpreter_gets_this_package_and_no_other(start):
    with start("well", python=sys.executable) as child, pytest.raises(WorkloadError) as caught:
        child.load(LONG)
    assert caught.value.kind == "unavailable"
    assert "cannot import misbehaving.Misbehaving" in caught.value.message


def test_another_interpreter_is_spared_the_path_of_the_workers_own(start, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(misbehaving.__file__).parent))
    with start("well", python=sys.executable) as child, pytest.raises(WorkloadError, match="cannot import misbehaving"):
        child.load(LONG)


def test_what_has_ended_cannot_be_asked_again(start):
    child = start("nan")
    failure(child)
    for step in (lambda: child.run(LONG, ignore), lambda: child.load(LONG)):
        with pytest.raises(WorkloadError, match="the child has ended"):
            step()
    child.stop()
    child.kill()


def test_the_child_dies_with_a_killed_worker(tmp_path):
    script = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
import misbehaving
from tuner.core.clock import SteadyClock
from tuner_workers.workloads.base import Context
from tuner_workers.workloads.process import Child
child = Child(misbehaving.Misbehaving, {{}}, {{"deed": "hang_in_c_and_ignore_sigterm"}}, Context(Path("."), Path(".")),
              launch=None, python=None, on_started=lambda group: None, clock=SteadyClock())
child.load(60)
print(child.pid, flush=True)
child.run(60, lambda step, metrics: True)
"""
    worker = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert worker.stdout is not None
    pid = int(worker.stdout.readline())
    worker.kill()
    worker.wait()
    worker.stdout.close()
    wait_for(lambda: ended(pid))
