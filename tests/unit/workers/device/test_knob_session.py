"""On a fake tree of files, where a test may break what it likes; test_knobs_kernel.py has the kernel."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

import pytest
from tuner_workers.journal import Journal, JournalError
from tuner_workers.knobs.base import Domain, Knob, KnobBroken, KnobRefused, Launch, LaunchKnob, SystemKnob, Unavailable
from tuner_workers.knobs.cpufreq import cpufreq_knobs
from tuner_workers.knobs.environment import environment_knobs
from tuner_workers.knobs.session import KnobSession
from tuner_workers.knobs.sysctl import sysctl_knobs
from tuner_workers.policy import KnobRule, Policy
from tuner_workers.recovery import recover

from tuner.core.expression import Value

DEVICE = {
    "proc/sys/vm/swappiness": "60",
    "proc/sys/vm/dirty_ratio": "20",
    "proc/sys/vm/dirty_bytes": "0",
    "proc/sys/vm/vfs_cache_pressure": "100",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for name, text in DEVICE.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


@pytest.fixture
def knobs(root: Path) -> Mapping[str, Knob]:
    return {knob.name: knob for knob in [*sysctl_knobs(root), *environment_knobs()]}


@pytest.fixture
def policy(knobs: Mapping[str, Knob]) -> Policy:
    return Policy("policy.yaml", {name: KnobRule() for name in knobs}, frozenset())


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl")


def held(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


ALL = {"vm.swappiness": 10, "vm.dirty_ratio": 40, "vm.vfs_cache_pressure": 50}


def test_leaving_the_context_leaves_the_device_as_it_was(root, knobs, policy, journal):
    before = held(root)
    with KnobSession(ALL, policy, journal, knobs) as session:
        assert session.apply() == 0.0
        assert session.read_back(None) == ALL
        assert held(root) != before
    assert held(root) == before
    assert journal.entries() == []


def test_an_exception_restores_and_goes_on(root, knobs, policy, journal):
    before = held(root)
    with pytest.raises(ZeroDivisionError):
        _fail_while_applied(KnobSession(ALL, policy, journal, knobs))
    assert held(root) == before


def _fail_while_applied(session: KnobSession) -> None:
    with session:
        session.apply()
        raise ZeroDivisionError


def test_nothing_to_turn_is_nothing_to_journal(knobs, policy, journal):
    with KnobSession({}, policy, journal, knobs) as session:
        assert session.apply() == 0.0
        assert session.launch() == Launch(environment=dict(journal.environment))
        assert session.read_back(os.getpid()) == {}
    assert not journal.path.exists()


def test_a_number_off_the_wire_is_spelt_as_the_knob_spells_it(root, knobs, policy, journal):
    with KnobSession({"vm.swappiness": 10.0}, policy, journal, knobs) as session:
        session.apply()
        assert (root / "proc/sys/vm/swappiness").read_text() == "10\n"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"no.such": 1}, "no knob called 'no.such'"),
        ({"vm.swappiness": 201}, r"int 0\.\.200 on this device, not 201"),
        ({"vm.swappiness": True}, "not True"),
        ({"vm.swappiness": "10"}, "not '10'"),
        ({"vm.swappiness": float("nan")}, "not nan"),
        ({"vm.nr_hugepages": 1}, "does not exist on this kernel"),
    ],
)
def test_what_this_device_does_not_take_is_refused_at_once(
    values: Mapping[str, Value], message: str, root, knobs, policy, journal
):
    before = held(root)
    with pytest.raises(KnobRefused, match=message):
        KnobSession({**ALL, **values}, policy, journal, knobs)
    assert held(root) == before
    assert not journal.path.exists()


def test_the_policy_is_asked_again_on_the_device(knobs, journal):
    policy = Policy("policy.yaml", {"vm.swappiness": KnobRule(low=10, high=60)}, frozenset())
    with pytest.raises(KnobRefused, match=r"int 10\.\.60"):
        KnobSession({"vm.swappiness": 61}, policy, journal, knobs)
    with pytest.raises(KnobRefused, match=r"policy\.yaml does not allow vm\.dirty_ratio"):
        KnobSession({"vm.dirty_ratio": 20}, policy, journal, knobs)


def test_bytes_in_force_keep_the_ratio_away(root, knobs, policy, journal):
    (root / "proc/sys/vm/dirty_bytes").write_text("1048576\n")
    with pytest.raises(KnobRefused, match=r"vm\.dirty_bytes is set to 1048576"):
        KnobSession({"vm.dirty_ratio": 20}, policy, journal, knobs)


def test_originals_are_on_disk_before_the_first_write(root, knobs, policy, tmp_path):
    class Watched(Journal):
        def record_originals(self, originals: Mapping[str, Value]) -> None:
            assert held(root) == before
            super().record_originals(originals)
            assert Journal(self.path).original("vm.swappiness") == 60

    before = held(root)
    with KnobSession(ALL, policy, Watched(tmp_path / "j"), knobs) as session:
        session.apply()
        assert held(root) != before


def test_without_a_journal_nothing_is_changed(root, knobs, policy, tmp_path):
    folder = tmp_path / "state"
    folder.mkdir()
    journal = Journal(folder / "journal.jsonl")
    folder.rmdir()
    before = held(root)
    with KnobSession(ALL, policy, journal, knobs) as session, pytest.raises(JournalError, match="nothing is changed"):
        session.apply()
    assert held(root) == before


class Stubborn(SystemKnob):
    """A setting whose device follows its own mind."""

    name = "test.stubborn"

    def __init__(self, takes: Sequence[int] = (), conflicting: Sequence[str] = ()) -> None:
        self.value, self._takes, self._conflicting = 0, takes, conflicting

    def probe(self) -> Domain | Unavailable:
        return Domain("int", 0, 9)

    def read(self) -> int:
        return self.value

    def apply(self, value: Value) -> None:
        self.value = int(value) if value in self._takes else 7

    def conflicts(self) -> Sequence[str]:
        return self._conflicting


def open_policy(knobs: Mapping[str, Knob]) -> Policy:
    return Policy("test", {name: KnobRule() for name in knobs}, frozenset())


def test_a_value_that_does_not_read_back_is_refused_and_the_others_are_restored(root, knobs, journal):
    knobs = {**knobs, "test.stubborn": Stubborn(takes=[0])}
    before = held(root)
    with (
        KnobSession({**ALL, "test.stubborn": 3}, open_policy(knobs), journal, knobs) as session,
        pytest.raises(KnobRefused, match=r"test\.stubborn was set to 3 and reads 7"),
    ):
        session.apply()
    assert held(root) == before
    assert journal.entries() == []


def test_a_restore_that_cannot_be_verified_is_named_and_stays_in_the_journal(root, knobs, journal):
    knobs = {**knobs, "test.stubborn": Stubborn(takes=[3])}
    before = held(root)
    session = KnobSession({**ALL, "test.stubborn": 3}, open_policy(knobs), journal, knobs)
    session.apply()
    for _ in range(2):  # asking again does not make it whole
        with pytest.raises(KnobBroken) as broken:
            session.restore()
        assert broken.value.broken == ("test.stubborn is 7 and was 0",)
    assert held(root) == before
    assert [entry.key for entry in Journal(journal.path).entries()] == ["test.stubborn"]


def test_knobs_that_write_the_same_are_refused_together(knobs, journal):
    knobs = {**knobs, "test.stubborn": Stubborn(conflicting=["vm.swappiness"])}
    with pytest.raises(KnobRefused, match="write the same setting"):
        KnobSession({"vm.swappiness": 1, "test.stubborn": 0}, open_policy(knobs), journal, knobs)


class Leaving(LaunchKnob):
    """Makes a directory, and cannot remove it while somebody is in it."""

    name = "test.leaving"

    def __init__(self, path: Path) -> None:
        self.path = path

    def probe(self) -> Domain | Unavailable:
        return Domain("bool")

    def read(self) -> bool:
        return False

    def shape(self, launch: Launch, value: Value) -> None:
        self.path.mkdir(exist_ok=True)
        launch.cgroups.append(str(self.path))

    def read_child(self, pid: int) -> bool:
        return True

    def created(self) -> Sequence[str]:
        return [str(self.path)]

    def cleanup(self) -> None:
        if self.path.exists():
            self.path.rmdir()


def test_what_a_launch_made_is_journalled_before_and_removed_after(tmp_path, journal):
    class Watched(Leaving):
        def shape(self, launch: Launch, value: Value) -> None:
            assert [entry.key for entry in Journal(journal.path).entries()] == [str(self.path)]
            super().shape(launch, value)

    knob = Watched(tmp_path / "group")
    session = KnobSession({knob.name: True}, open_policy({knob.name: knob}), journal, {knob.name: knob})
    session.launch()
    (knob.path / "somebody").touch()
    with pytest.raises(KnobBroken, match=r"test\.leaving.*not empty"):
        session.restore()
    (knob.path / "somebody").unlink()
    session.restore()
    assert not knob.path.exists()
    assert journal.entries() == []


class Limits(Mapping[str, Knob]):
    """The frequency knobs of a fake tree, whose files refuse, as a driver does, a lower limit above the upper one."""

    def __init__(self, root: Path, low: int, high: int) -> None:
        self.folder = root / "sys/devices/system/cpu/cpufreq/policy0"
        self.folder.mkdir(parents=True)
        texts = {
            "cpuinfo_min_freq": 1000,
            "cpuinfo_max_freq": 9000,
            "scaling_min_freq": low,
            "scaling_max_freq": high,
        }
        for name, text in texts.items():
            (self.folder / name).write_text(f"{text}\n")
        self._knobs = {knob.name: knob for knob in cpufreq_knobs(root)[1:]}
        for knob in self._knobs.values():
            knob.apply = self.checked(knob.apply)  # type: ignore[attr-defined]
            knob.restore = self.checked(knob.restore)  # type: ignore[attr-defined]

    def checked(self, write):
        def call(value: Value) -> None:
            write(value)
            low, high = (int((self.folder / f"scaling_{end}_freq").read_text()) for end in ("min", "max"))
            assert low <= high, "the driver would have refused this"

        return call

    def __getitem__(self, name: str) -> Knob:
        return self._knobs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._knobs)

    def __len__(self) -> int:
        return len(self._knobs)


@pytest.mark.parametrize(("low", "high"), [(6000, 8000), (1000, 2000), (3000, 3000), (2000, 8000), (4000, 4000)])
@pytest.mark.parametrize("reverse", [False, True])
def test_limits_never_cross_on_the_way_there_and_back(low: int, high: int, reverse: bool, tmp_path, journal):
    limits = Limits(tmp_path / "root", low=3000, high=4000)
    before = held(tmp_path / "root")
    items = [("cpufreq.min_khz", low), ("cpufreq.max_khz", high)]
    values = dict(reversed(items) if reverse else items)
    with KnobSession(values, open_policy(limits), journal, limits) as session:
        assert session.apply() > 0
        assert session.read_back(None) == values
    assert held(tmp_path / "root") == before


def _die_at(step: int, files: Sequence[str]) -> None:
    """SIGKILL this process when it is about to run the ``step``-th line of ``files``."""
    left = step

    def trace(frame: FrameType, event: str, argument: object):
        nonlocal left
        if not frame.f_code.co_filename.endswith(tuple(files)):
            return None
        if event == "line":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)


def _killed_at(step: int, values: Mapping[str, Value], policy: Policy, path: Path, knobs: Mapping[str, Knob]) -> bool:
    """One session in a forked process that dies at ``step``; whether it came that far."""
    pid = os.fork()
    if pid == 0:
        try:
            _die_at(step, ["knobs/session.py", "knobs/sysctl.py", "knobs/undo.py", "knobs/files.py", "journal.py"])
            with KnobSession(values, policy, Journal(path), knobs) as session:
                session.apply()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def test_kill_9_at_any_line_leaves_nothing_changed_after_the_next_start(root, knobs, policy, journal):
    """Sixty lines drawn from all that a session runs, from its making to its end."""
    before = held(root)
    last = 1
    while _killed_at(last, ALL, policy, journal.path, knobs):
        recover(Journal(journal.path), knobs)
        last *= 2
    changed_when_killed = 0
    for step in random.Random(7).sample(range(1, last), 60):
        _killed_at(step, ALL, policy, journal.path, knobs)
        changed_when_killed += held(root) != before
        recovery = recover(Journal(journal.path), knobs)
        assert recovery.broken == [], step
        assert held(root) == before, step
        assert Journal(journal.path).entries() == [], step
    assert changed_when_killed > 5, "most deaths came while nothing was applied: this tests nothing"
