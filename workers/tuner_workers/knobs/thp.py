"""Transparent huge pages (Linux kernel documentation, admin-guide/mm/transhuge.rst)."""

from __future__ import annotations

import re
from pathlib import Path

from tuner.core.expression import Value
from tuner_workers.knobs import files
from tuner_workers.knobs.base import Domain, KnobRefused, SystemKnob, Unavailable

_CHOSEN = re.compile(r"\[([^\]\s]+)\]")


class ChoiceFileKnob(SystemKnob):
    """A file that lists what it takes and brackets what is in force: ``always [madvise] never``."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path

    def probe(self) -> Domain | Unavailable:
        return files.writable(self.path) or Domain("choice", values=tuple(_CHOSEN.sub(r"\1", self._text()).split()))

    def _text(self) -> str:
        return files.read(self.path)

    def read(self) -> str:
        text = self._text()
        chosen = _CHOSEN.search(text)
        if chosen is None:
            raise OSError(f"{self.path} marks none of its choices as the one in force: {text!r}")
        return chosen.group(1)

    def apply(self, value: Value) -> None:
        files.write(self.path, str(value))
        if (found := self.read()) != value:
            raise KnobRefused(f"{self.path} was given {value!r} and now has {found!r} in force")


def thp_knobs(root: Path = Path("/")) -> list[SystemKnob]:
    """When memory is backed by huge pages, and how hard the kernel tries at a page fault."""
    folder = root / "sys/kernel/mm/transparent_hugepage"
    return [ChoiceFileKnob(f"thp.{name}", folder / name) for name in ("enabled", "defrag")]
