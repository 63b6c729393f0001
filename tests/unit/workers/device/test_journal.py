from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from tuner_workers import processes
from tuner_workers.journal import CGROUP, CHILD, KNOB, Entry, Journal, JournalError
from tuner_workers.knobs.sysctl import Setting, SysctlKnob
from tuner_workers.recovery import recover


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def swappiness(root: Path, value: str = "60") -> SysctlKnob:
    """On a fake tree."""
    knob = SysctlKnob(Setting("vm.swappiness", 0, 200), root)
    knob.path.parent.mkdir(parents=True, exist_ok=True)
    knob.path.write_text(value + "\n")
    return knob


def sleeper(journal: Journal, *, marked: bool) -> subprocess.Popen[bytes]:
    """A process in a group of its own that waits for ever."""
    environment = {**os.environ, **(journal.environment if marked else {})}
    return subprocess.Popen(["cat"], stdin=subprocess.PIPE, env=environment, start_new_session=True)


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def test_what_was_recorded_is_there_in_the_next_life(path: Path):
    originals = {"vm.swappiness": 60, "thp.enabled": "madvise", "ä.float": 0.1, "a.bool": True}
    Journal(path).record_originals(originals)
    entries = Journal(path).entries(KNOB)
    assert {entry.key: entry.value for entry in entries} == originals
    assert [type(entry.value) for entry in entries] == [int, str, float, bool]


def test_nothing_is_written_before_there_is_something_to_say(path: Path):
    journal = Journal(path)
    journal.close_knob("never opened")
    journal.record_originals({})
    assert not path.exists()


def test_the_first_original_is_the_true_one(path: Path):
    journal = Journal(path)
    journal.record_originals({"vm.swappiness": 60})
    journal.record_originals({"vm.swappiness": 10})
    assert journal.original("vm.swappiness") == Journal(path).original("vm.swappiness") == 60


def test_what_is_closed_is_forgotten_and_the_file_does_not_grow(path: Path):
    journal = Journal(path)
    for _ in range(3):
        journal.record_originals({"vm.swappiness": 60, "thp.enabled": "never"})
        journal.close_knob("vm.swappiness")
        assert [entry.key for entry in Journal(path).entries()] == ["thp.enabled"]
        journal.close_knob("thp.enabled")
        assert path.read_bytes() == b""


@pytest.mark.parametrize("tear", [1, 2, 20, -1])
def test_a_torn_last_line_is_dropped_and_written_over(path: Path, tear: int):
    Journal(path).record_originals({"vm.swappiness": 60})
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:tear])
    journal = Journal(path)
    assert [entry.key for entry in journal.entries()] == ["vm.swappiness"]
    assert journal.damaged == ()
    journal.record_originals({"thp.enabled": "never"})
    assert [entry.key for entry in Journal(path).entries()] == ["vm.swappiness", "thp.enabled"]


def test_a_damaged_line_among_others_is_reported(path: Path):
    journal = Journal(path)
    for name in ("a.a", "b.b", "c.c"):
        journal.record_originals({name: 1})
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1].replace(b'"value": 1', b'"value": 2') + lines[2])
    journal = Journal(path)
    assert [entry.key for entry in journal.entries()] == ["a.a", "c.c"]
    assert len(journal.damaged) == 1
    assert f"{path}:2" in journal.damaged[0]
    assert journal.damaged[0] in recover(journal, {}).broken


@pytest.mark.parametrize("line", [b"[]\n", b"1\n", b'{"crc": 1}\n', b"\xff\xfe\n", b'{"crc": null, "do": []}\n', b"\n"])
def test_foreign_lines_do_no_harm(path: Path, line: bytes):
    Journal(path).record_originals({"a.a": 1})
    path.write_bytes(line + path.read_bytes())
    journal = Journal(path)
    assert [entry.key for entry in journal.entries()] == ["a.a"]
    assert len(journal.damaged) == 1


def test_a_full_disk_refuses_and_leaves_the_file_as_it_was(path: Path):
    """The limit on a file's size stands in for the disk's: the kernel cuts the write short in the same way."""
    journal = Journal(path)
    journal.record_originals({"a.a": 1})
    before = path.read_bytes()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, hard))
    try:
        with pytest.raises(JournalError, match="nothing is changed"):
            journal.record_originals({"b.b": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert path.read_bytes() == before
    assert [entry.key for entry in journal.entries()] == ["a.a"]
    journal.record_originals({"b.b": 2})
    assert [entry.key for entry in Journal(path).entries()] == ["a.a", "b.b"]


def test_the_last_entry_can_be_closed_on_a_full_disk(path: Path):
    journal = Journal(path)
    journal.record_originals({"a.a": 1, "b.b": 1})
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
    try:
        journal.close_knob("a.a")
        journal.close_knob("b.b")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert Journal(path).entries() == []


def test_a_journal_that_cannot_be_read_says_so(tmp_path: Path):
    with pytest.raises(JournalError, match="cannot be read"):
        Journal(tmp_path)


def test_recovery_restores_the_last_change_first(path: Path, tmp_path: Path):
    order: list[str] = []

    class Recorded(SysctlKnob):
        def restore(self, original: object) -> None:
            order.append(self.name)
            super().restore(original)  # type: ignore[arg-type]

    knobs = {name: Recorded(Setting(name, 0, 9), tmp_path) for name in ("vm.a", "vm.b", "vm.c")}
    (tmp_path / "proc/sys/vm").mkdir(parents=True)
    for knob in knobs.values():
        knob.path.write_text("5\n")
    Journal(path).record_originals({"vm.a": 1, "vm.b": 2, "vm.c": 3})
    recovery = recover(Journal(path), knobs)
    assert order == recovery.restored == ["vm.c", "vm.b", "vm.a"]
    assert [knob.read() for knob in knobs.values()] == [1, 2, 3]
    assert recovery.broken == []
    assert path.read_bytes() == b""


def test_what_cannot_be_restored_is_broken_and_stays_open(path: Path, tmp_path: Path):
    good, gone = swappiness(tmp_path, "1"), SysctlKnob(Setting("vm.gone", 0, 1), tmp_path / "nowhere")
    Journal(path).record_originals({"vm.swappiness": 60, "vm.gone": 1, "not.installed": 3})
    knobs = {"vm.swappiness": good, "vm.gone": gone}
    for _ in range(2):  # and the next start tries again
        recovery = recover(Journal(path), knobs)
        assert good.read() == 60
        assert len(recovery.broken) == 2
        assert "not.installed was 3" in recovery.broken[0]
        assert "vm.gone could not be set back to 1" in recovery.broken[1]
    assert [entry.key for entry in Journal(path).entries()] == ["vm.gone", "not.installed"]


def test_recovery_ends_the_journalled_group_with_its_members(path: Path):
    journal = Journal(path)
    script = ["sh", "-c", "sleep 1000 & echo $!; wait"]
    leader = subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert leader.stdout is not None
    member = int(leader.stdout.readline())
    journal.record_child(leader.pid)
    recovery = recover(Journal(path), {})
    assert recovery.killed == sorted([leader.pid, member])
    assert leader.wait() == -9
    leader.communicate()
    assert Journal(path).entries() == []


def test_recovery_ends_what_was_never_journalled_but_carries_the_mark(path: Path):
    """kill -9 of the worker between the start of a child and its entry."""
    child, stranger = sleeper(Journal(path), marked=True), sleeper(Journal(path), marked=False)
    try:
        assert recover(Journal(path), {}).killed == [child.pid]
        assert stranger.poll() is None
    finally:
        end(child)
        end(stranger)


@pytest.mark.parametrize("field", ["started", "boot"])
def test_a_recycled_pid_is_never_killed(path: Path, field: str):
    """The entry is that of an earlier process with the same id: the stranger that has the id now lives on."""
    journal = Journal(path)
    stranger = sleeper(journal, marked=False)
    try:
        journal.record_child(stranger.pid)
        fields = json.loads(path.read_text())
        del fields["crc"], fields["do"]
        fields[field] = 1 if field == "started" else "an earlier boot"
        journal.close_child(stranger.pid)
        journal._record([Entry(**fields)])
        recovery = recover(Journal(path), {})
        assert recovery.killed == []
        assert recovery.broken == []
        assert stranger.poll() is None
    finally:
        end(stranger)
    assert Journal(path).entries() == []


def test_a_group_without_its_leader_is_nobodys(path: Path):
    journal = Journal(path)
    ended = sleeper(journal, marked=False)
    journal.record_child(ended.pid)
    end(ended)
    assert [entry.kind for entry in journal.entries()] == [CHILD]
    assert recover(journal, {}).killed == []
    assert journal.entries() == []


def test_a_process_that_will_not_die_is_reported():
    """A clock that is passed in lets the patience run out at once."""
    times = iter([0.0, 0.0, 9.0])
    immortal = processes.Process(pid=2**22 + 1, group=1, started=1, zombie=False)
    ended, left = processes.end(lambda: [immortal], 5.0, now=lambda: next(times), pause=lambda _: None)
    assert (ended, left) == (set(), [immortal])


def test_control_groups_are_removed(path: Path, tmp_path: Path):
    """A plain directory: to remove one is the same call."""
    group = tmp_path / "tuner-1"
    group.mkdir()
    Journal(path).record_cgroups([str(group), str(tmp_path / "never made")])
    assert recover(Journal(path), {}).removed == [str(group)]
    assert not group.exists()
    assert Journal(path).entries(CGROUP) == []


def test_the_journal_is_readable_to_its_owner_alone(path: Path):
    Journal(path).record_originals({"a.a": 1})
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_heavy_module_is_imported():
    code = (
        "import sys, tuner_workers.inventory, tuner_workers.knobs.session, tuner_workers.meters.registry\n"
        "print([m for m in ('numpy', 'torch', 'tensorflow', 'sqlalchemy', 'optuna', 'grpc') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
