"""Two of the built-in knobs on a tree of files, for machines whose own settings may not be turned.

A fake, because there the real ones cannot be had: it shows what the worker does, not what a kernel does.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from tuner_workers.knobs.base import SystemKnob
from tuner_workers.knobs.sysctl import Setting, SysctlKnob
from tuner_workers.knobs.thp import ChoiceFileKnob

from tuner.core.expression import Value


def _root() -> Path:
    return Path(os.environ["STORM_DEVICE"])


def swappiness() -> SystemKnob:
    """``vm.swappiness`` under another name, on a file of its own."""
    return SysctlKnob(Setting("fake.swappiness", 0, 200), _root())


class Pages(ChoiceFileKnob):
    """``thp.enabled`` likewise; what a kernel does when a word is written, moving the brackets, is done here."""

    def __init__(self) -> None:
        super().__init__("fake.pages", _root() / "sys/kernel/mm/transparent_hugepage/enabled")

    def apply(self, value: Value) -> None:
        words = re.sub(r"[\[\]]", "", self._text()).split()
        text = " ".join(f"[{word}]" if word == value else word for word in words)
        fresh = self.path.with_name("fresh")
        fresh.write_text(f"{text}\n")
        fresh.replace(self.path)
