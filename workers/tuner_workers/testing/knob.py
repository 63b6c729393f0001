"""The promises of ``tuner_workers.knobs.base``, as tests that any knob can run.

    class TestMyKnob(KnobTestCase):
        @pytest.fixture
        def knob(self) -> Knob:
            return MyKnob()

They turn the knob on the machine they run on, and leave it as it was. Where the knob's ``probe`` says that it is not
available they are skipped, with its reason.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tuner.core.expression import Value
from tuner_workers.journal import Journal
from tuner_workers.knobs.base import Domain, Knob, KnobRefused, Launch, LaunchKnob, SystemKnob, Unavailable
from tuner_workers.knobs.session import KnobSession
from tuner_workers.policy import KnobRule, Policy
from tuner_workers.recovery import recover


class KnobTestCase:
    """Subclass it, and say which knob by the fixture ``knob``.

    ``values`` may be overridden where the ends of the domain are not for every day (all of the memory), ``files`` to
    name the files that must be, byte for byte, as they were.
    """

    @pytest.fixture
    def knob(self) -> Knob:
        """The knob under test."""
        raise NotImplementedError(f"{type(self).__name__} lacks the fixture 'knob'")

    @pytest.fixture
    def files(self) -> Sequence[Path]:
        """What the knob writes."""
        return ()

    @pytest.fixture
    def domain(self, knob: Knob) -> Domain:
        """What the device takes."""
        probed = knob.probe()
        if isinstance(probed, Unavailable):
            pytest.skip(f"{knob.name}: {probed.reason}")
        return probed

    @pytest.fixture
    def values(self, domain: Domain) -> Sequence[Value]:
        """Values to try."""
        return ordinary_values(domain)

    @pytest.fixture
    def journal(self, tmp_path: Path) -> Journal:
        """An empty one."""
        return Journal(tmp_path / "journal.jsonl")

    def test_it_has_a_name_of_two_parts(self, knob: Knob) -> None:
        assert re.fullmatch(r"\w+\.\w+(\.\w+)*", knob.name), knob.name
        assert knob.settle >= 0

    def test_to_look_changes_nothing(self, knob: Knob, domain: Domain, files: Sequence[Path]) -> None:
        with _unchanged(knob, files):
            assert knob.probe() == domain
            assert isinstance(knob.read(), (bool, int, float, str))

    def test_values_are_in_force_while_applied(
        self, knob: Knob, values: Sequence[Value], journal: Journal, files: Sequence[Path]
    ) -> None:
        with _unchanged(knob, files):
            for value in values:
                with _session(knob, value, journal) as session, _running(session) as pid:
                    session.apply()
                    assert session.read_back(pid) == {knob.name: value}
                assert journal.entries() == []

    def test_it_may_be_applied_and_restored_twice(
        self, knob: Knob, values: Sequence[Value], journal: Journal, files: Sequence[Path]
    ) -> None:
        with _unchanged(knob, files):
            session = _session(knob, values[0], journal)
            for repeated in (session.launch, session.apply, session.restore):
                repeated()
                repeated()
        assert journal.entries() == []

    def test_what_is_outside_of_the_domain_is_refused(
        self, knob: Knob, domain: Domain, journal: Journal, files: Sequence[Path]
    ) -> None:
        with _unchanged(knob, files):
            for value in ("no such value", float("nan"), float("inf"), *_beyond(domain)):
                with pytest.raises(KnobRefused, match=re.escape(knob.name)):
                    _session(knob, value, journal)
        assert journal.entries() == []

    def test_a_refusal_leaves_it_restorable(
        self, knob: Knob, domain: Domain, files: Sequence[Path], values: Sequence[Value]
    ) -> None:
        """The knob itself, asked for nonsense that no plan would let pass."""
        if not isinstance(knob, SystemKnob):
            pytest.skip("a launch knob changes nothing on the device")
        with _unchanged(knob, files):
            original = knob.capture()
            try:
                with pytest.raises((KnobRefused, OSError)):
                    knob.apply("no such value")
            finally:
                knob.restore(original)

    def test_the_next_start_restores_it(
        self, knob: Knob, values: Sequence[Value], journal: Journal, files: Sequence[Path]
    ) -> None:
        """As after kill -9: nobody restores, and another life finds the journal."""
        with _unchanged(knob, files):
            session = _session(knob, values[0], journal)
            try:
                launch = session.launch()
                session.apply()
            finally:
                recovery = recover(Journal(journal.path), {knob.name: knob})
            assert recovery.broken == []
            assert recovery.restored == ([knob.name] if isinstance(knob, SystemKnob) else [])
            assert sorted(recovery.removed) == sorted(launch.cgroups)
        assert Journal(journal.path).entries() == []


def ordinary_values(domain: Domain) -> Sequence[Value]:
    """All values of a list; both ends and the middle of a range."""
    if domain.kind == "choice":
        return domain.values
    if domain.kind == "bool":
        return (False, True)
    low, high = domain.low, domain.high
    if low is None or high is None:
        raise NotImplementedError("a range without ends needs the fixture 'values'")
    return tuple(dict.fromkeys(map(domain.spell, (low, (low + high) // 2, high))))


def _session(knob: Knob, value: Value, journal: Journal) -> KnobSession:
    policy = Policy("the test's policy", {knob.name: KnobRule()}, workloads=frozenset())
    return KnobSession({knob.name: value}, policy, journal, {knob.name: knob})


def _beyond(domain: Domain) -> Iterator[Value]:
    if domain.kind in ("int", "float"):
        if domain.low is not None:
            yield domain.spell(domain.low - 1)
        if domain.high is not None:
            yield domain.spell(domain.high + 1)
    if domain.kind == "int" and domain.low is not None:
        yield domain.low + 0.5


@contextmanager
def _unchanged(knob: Knob, files: Sequence[Path]) -> Iterator[None]:
    """Whatever happens, the device is as it was: the knob's own word, the files' bytes, the control groups."""
    original = _state(knob, files)
    assert json.loads(json.dumps(original[0])) == original[0], "what is captured has to survive the journal"
    yield
    assert _state(knob, files) == original
    if isinstance(knob, LaunchKnob):
        assert [path for path in knob.created() if Path(path).exists()] == []


def _state(knob: Knob, files: Sequence[Path]) -> tuple[Value, list[bytes]]:
    held = knob.capture() if isinstance(knob, SystemKnob) else knob.read()
    return held, [path.read_bytes() for path in files]


@contextmanager
def _running(session: KnobSession) -> Iterator[int]:
    """A child started as the session says, that waits for the end of its input."""
    launch = session.launch()
    child = subprocess.Popen(
        [*launch.prefix, "cat"],
        stdin=subprocess.PIPE,
        env={**os.environ, **launch.environment},
        preexec_fn=lambda: _become(launch),
        start_new_session=True,
    )
    try:
        yield child.pid
    finally:
        child.communicate()


def _become(launch: Launch) -> None:
    for group in launch.cgroups:
        Path(group, "cgroup.procs").write_text(str(os.getpid()))
    if launch.affinity is not None:
        os.sched_setaffinity(0, launch.affinity)
    if launch.niceness is not None:
        os.nice(launch.niceness)
