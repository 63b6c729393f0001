"""The knobs of one trial, from the first write to the verified restore."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from tuner.core.expression import Value
from tuner_workers.journal import CGROUP, KNOB, Journal
from tuner_workers.knobs.base import (
    Domain,
    Knob,
    KnobBroken,
    KnobRefused,
    Launch,
    LaunchKnob,
    SystemKnob,
    Unavailable,
)
from tuner_workers.knobs.undo import put_back
from tuner_workers.policy import Policy


class KnobSession:
    """Applies one configuration's knob values and takes them back; leaving the context restores.

    The server is not trusted: values are checked again, against this device and its policy, before anything happens.

    Args:
        values: value by knob name.
        knobs: the registered knobs.

    Raises:
        KnobRefused: a knob is unknown, not available, not allowed by the policy, or given a value outside of what
            device and policy allow; or two knobs exclude each other.
    """

    def __init__(
        self, values: Mapping[str, Value], policy: Policy, journal: Journal, knobs: Mapping[str, Knob]
    ) -> None:
        self._journal = journal
        self._launch_knobs: dict[LaunchKnob, Value] = {}
        self._system_knobs: dict[SystemKnob, Value] = {}
        for name, value in values.items():
            knob = knobs.get(name)
            if isinstance(knob, SystemKnob):
                self._system_knobs[knob] = _checked(knob, value, policy)
            elif isinstance(knob, LaunchKnob):
                self._launch_knobs[knob] = _checked(knob, value, policy)
            else:
                raise KnobRefused(f"no knob called {name!r} is installed on this device")
        for knob in self._system_knobs:
            for other in knob.conflicts():
                if other in values:
                    raise KnobRefused(f"{knob.name} and {other} write the same setting; use one of them")

    def launch(self) -> Launch:
        """How to start the workload's process; control groups are made, and journalled before.

        The process carries the journal's mark, by which a later start finds what was left running.

        Raises:
            KnobRefused: this device cannot do it.
            JournalError: the journal cannot be written; nothing was made.
            OSError: a control group cannot be made.
        """
        launch = Launch(environment=dict(self._journal.environment))
        self._journal.record_cgroups(path for knob in self._launch_knobs for path in knob.created())
        for knob, value in self._launch_knobs.items():
            knob.shape(launch, value)
        return launch

    def apply(self) -> float:
        """Set the system knobs, each read back; call ``restore`` afterwards, whether this succeeded or not.

        Returns:
            Seconds to let the device settle before measuring.

        Raises:
            KnobRefused: the device did not take a value.
            JournalError: the originals could not be made durable; nothing was changed.
            OSError: a knob cannot be read or written.
        """
        knobs = sorted(self._system_knobs, key=lambda knob: not knob.widens(self._system_knobs[knob]))
        self._journal.record_originals({knob.name: knob.capture() for knob in knobs})
        for knob in knobs:
            value = self._system_knobs[knob]
            knob.apply(value)
            if not knob.verify(value):
                raise KnobRefused(f"{knob.name} was set to {value!r} and reads {knob.read()!r}")
        return max((knob.settle for knob in knobs), default=0.0)

    def read_back(self, pid: int | None) -> dict[str, Value]:
        """The values in force now, by knob name; those of launch knobs from the process ``pid``, if there is one.

        Raises:
            OSError: the process is gone, or a file cannot be read.
        """
        values: dict[str, Value] = {knob.name: knob.read() for knob in self._system_knobs}
        if pid is not None:
            values |= {knob.name: knob.read_child(pid) for knob in self._launch_knobs}
        return values

    def restore(self) -> None:
        """Take everything back, the last change first, and verify it. The workload's processes have ended. Idempotent.

        Raises:
            KnobBroken: names what is not as it was found; the rest is.
        """
        broken = []
        for knob in reversed(self._launch_knobs):
            created = list(knob.created())
            try:
                knob.cleanup()
            except OSError as error:
                broken.append(f"{knob.name}: {error}")
            else:
                self._journal.close((CGROUP, path) for path in created)
        names = {knob.name: knob for knob in self._system_knobs}
        for entry in reversed(self._journal.entries(KNOB)):
            if entry.key not in names:
                continue
            problem = put_back(names[entry.key], entry.value)
            if problem is None:
                self._journal.close_knob(entry.key)
            else:
                broken.append(problem)
        if broken:
            raise KnobBroken(*broken)

    def __enter__(self) -> KnobSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()


def _checked(knob: Knob, value: Value, policy: Policy) -> Value:
    try:
        probed = knob.probe()
    except OSError as error:
        probed = Unavailable(f"it cannot be probed: {error}")
    allowed = policy.domain(knob.name, probed) if isinstance(probed, Domain) else probed
    if isinstance(allowed, Unavailable):
        raise KnobRefused(f"{knob.name} is not available: {allowed.reason}")
    if value not in allowed:
        raise KnobRefused(f"{knob.name} takes {allowed} on this device, not {value!r}")
    return allowed.spell(value)
