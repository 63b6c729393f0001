"""CPU frequency: governor and limits, for all frequency policies at once.

Files and meanings: Linux kernel documentation, admin-guide/pm/cpufreq.rst. Frequencies are in kHz, as the kernel's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from tuner.core.expression import Value
from tuner_workers.knobs import files
from tuner_workers.knobs.base import Domain, KnobRefused, SystemKnob, Unavailable

_POLICY = re.compile(r"policy\d+")


class CpufreqKnob(SystemKnob):
    """One file of every frequency policy (cores that share a clock), set to one value.

    Clusters of unlike cores may differ in what they hold, so the original is kept file by file.
    """

    settle = 0.2

    def __init__(self, name: str, file: str, root: Path) -> None:
        self.name = name
        self.file = file
        self._folder = root / "sys/devices/system/cpu/cpufreq"

    def policies(self) -> list[Path]:
        """The directories of the frequency policies, in order."""
        if not self._folder.is_dir():
            return []  # no cpufreq driver at all
        found = (entry for entry in self._folder.iterdir() if _POLICY.fullmatch(entry.name))
        return sorted(found, key=lambda entry: int(entry.name[len("policy") :]))

    def probe(self) -> Domain | Unavailable:
        if not self.policies():
            return Unavailable(f"no cpufreq driver: {self._folder} has no policies (usual in a virtual machine)")
        for policy in self.policies():
            if (refusal := files.writable(policy / self.file)) is not None:
                return refusal
        return self._domain()

    def _domain(self) -> Domain | Unavailable:
        raise NotImplementedError

    def capture(self) -> str:
        return json.dumps({policy.name: files.read(policy / self.file) for policy in self.policies()})

    def restore(self, original: Value) -> None:
        for policy, text in json.loads(str(original)).items():
            files.write(self._folder / policy / self.file, text)

    def apply(self, value: Value) -> None:
        for policy in self.policies():
            files.write(policy / self.file, str(value))
            if (found := files.read(policy / self.file)) != str(value):
                raise KnobRefused(f"{policy / self.file} was given {value} and now holds {found}")

    def _texts(self, file: str) -> list[str]:
        """What ``file`` holds in each policy.

        Raises:
            OSError: there is no policy, or no such file.
        """
        if not self.policies():
            raise OSError(f"{self._folder} has no policies")
        return [files.read(policy / file) for policy in self.policies()]

    def _shared(self, file: str) -> list[str]:
        """The words that every policy lists in ``file``, in the order of the first; none where one has no such file."""
        lists = [files.read(policy / file).split() if (policy / file).exists() else [] for policy in self.policies()]
        return [word for word in lists[0] if all(word in words for words in lists)]


class GovernorKnob(CpufreqKnob):
    """What chooses the frequency within the limits. ``userspace`` leaves it to a program, so it is not offered."""

    def __init__(self, root: Path = Path("/")) -> None:
        super().__init__("cpufreq.governor", "scaling_governor", root)

    def _domain(self) -> Domain | Unavailable:
        governors = [name for name in self._shared("scaling_available_governors") if name != "userspace"]
        if not governors:
            return Unavailable("the frequency policies have no governor in common")
        return Domain("choice", values=tuple(governors))

    def read(self) -> str:
        return "+".join(sorted(set(self._texts(self.file))))


class FrequencyKnob(CpufreqKnob):
    """A limit of the frequency.

    Where the driver lists its steps, those that all policies share; else the range that they share.
    """

    def __init__(self, name: str, file: str, extreme: Callable[[list[int]], int], root: Path) -> None:
        super().__init__(name, file, root)
        self._extreme = extreme

    def _domain(self) -> Domain | Unavailable:
        steps = sorted(map(int, self._shared("scaling_available_frequencies")))
        if steps:
            return Domain("choice", values=tuple(steps), unit="kHz")
        low = max(self._numbers("cpuinfo_min_freq"))
        high = min(self._numbers("cpuinfo_max_freq"))
        if low > high:
            return Unavailable(f"the frequency policies share no range: {low} > {high} kHz")
        return Domain("int", low, high, unit="kHz")

    def _numbers(self, file: str) -> list[int]:
        return [int(text) for text in self._texts(file)]

    def read(self) -> int:
        return self._extreme(self._numbers(self.file))

    def verify(self, value: Value) -> bool:
        return set(self._numbers(self.file)) == {value}

    def widens(self, value: Value) -> bool:
        raised = float(value) >= self.read()
        return raised if self._extreme is max else not raised


def cpufreq_knobs(root: Path = Path("/")) -> list[SystemKnob]:
    """Governor, lower and upper limit of the frequency."""
    return [
        GovernorKnob(root),
        FrequencyKnob("cpufreq.min_khz", "scaling_min_freq", min, root),
        FrequencyKnob("cpufreq.max_khz", "scaling_max_freq", max, root),
    ]
