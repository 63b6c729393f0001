"""Undoing what an earlier life of this worker left behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tuner_workers import processes
from tuner_workers.journal import CGROUP, CHILD, KNOB, Journal
from tuner_workers.knobs.base import Knob, SystemKnob
from tuner_workers.knobs.undo import put_back, remove_group


@dataclass
class Recovery:
    """What ``recover`` did, one entry each; ``broken`` says what could not be undone and why."""

    restored: list[str] = field(default_factory=list)
    killed: list[int] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def recover(journal: Journal, knobs: Mapping[str, Knob], patience: float = 5.0) -> Recovery:
    """Undo what an earlier life of this worker left behind; run at every start, before anything is measured.

    Ends left-over processes first (they may hold a control group, or turn a knob), then removes control groups,
    then restores knobs, the last one changed first; each is verified. What fails stays in the journal for the next
    start.

    Args:
        patience: seconds to wait for processes to end.

    Raises:
        JournalError: the journal cannot be rewritten.
    """
    recovery = Recovery(broken=list(journal.damaged))
    _end_processes(journal, patience, recovery)
    for entry in reversed(journal.entries(CGROUP)):
        path = Path(entry.key)
        there = path.exists()
        if (problem := remove_group(path)) is not None:
            recovery.broken.append(problem)
            continue
        if there:
            recovery.removed.append(entry.key)
        journal.close_cgroup(entry.key)
    for entry in reversed(journal.entries(KNOB)):
        knob = knobs.get(entry.key)
        if not isinstance(knob, SystemKnob):
            recovery.broken.append(f"{entry.key} was {entry.value!r}, and no knob of that name is installed any more")
        elif (problem := put_back(knob, entry.value)) is not None:
            recovery.broken.append(problem)
        else:
            recovery.restored.append(entry.key)
            journal.close_knob(entry.key)
    journal.compact()
    return recovery


def _end_processes(journal: Journal, patience: float, recovery: Recovery) -> None:
    children = journal.entries(CHILD)
    groups = journal.entries(CGROUP)

    def left_behind() -> list[processes.Process]:
        found = processes.marked(journal.path)
        for child in children:
            found += processes.group(int(child.key), child.started, child.boot)
        for group in groups:
            found += processes.in_cgroup(Path(group.key))
        return found

    ended, survivors = processes.end(left_behind, patience)
    recovery.killed += sorted(ended)
    recovery.broken += sorted({f"process {process.pid} of an earlier trial does not end" for process in survivors})
    if not survivors:
        journal.close((CHILD, child.key) for child in children)
