"""What the workers of the storm turn: two real settings of this machine for each, or files that stand for them."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from tuner_workers.lock import DeviceBusy, DeviceLock

VM = Path("/proc/sys/vm")
PAGES = Path("/sys/kernel/mm/transparent_hugepage")
NAMES = ("first", "second")
PLUGIN = Path(__file__).parent / "plugin"


@dataclass(frozen=True)
class Device:
    """A device with two system knobs.

    Attributes:
        files: the file behind each knob, as it is seen from outside of the worker.
        launch: words before the worker's command.
        environment: variables that the worker needs.
    """

    name: str
    files: Mapping[str, Path]
    launch: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    found: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "found", self.values())

    def values(self) -> dict[str, str]:
        """What the files hold now."""
        return {knob: file.read_text() for knob, file in self.files.items()}

    def changed(self) -> list[str]:
        """Knobs that do not hold what they held at first."""
        return [knob for knob, value in self.values().items() if value != self.found[knob]]

    def put_back(self) -> None:
        """Leave the machine as it was found, even when what is tested has not."""
        for knob in self.changed():
            text = self.found[knob]
            self.files[knob].write_text(text if "fake" in knob else text.partition("[")[2].partition("]")[0] or text)


@dataclass(frozen=True)
class Lab:
    """Two devices, and why they are made of files, if they are."""

    devices: Sequence[Device]
    why_not: str | None = None

    def __str__(self) -> str:
        if self.why_not is None:
            return "settings of this kernel"
        return f"FILES THAT STAND FOR A KERNEL'S SETTINGS: {self.why_not}"


@contextmanager
def lab(folder: Path) -> Iterator[Lab]:
    """Two devices: settings of this machine where they may be turned and nobody else does. Put back afterwards."""
    with ExitStack() as stack:
        try:
            stack.enter_context(DeviceLock())
            why_not = _why_not()
        except DeviceBusy as busy:
            why_not = str(busy)
        devices = [_this_machine(), _other_settings()] if why_not is None else [_tree(folder, n) for n in NAMES]
        for device in devices:
            stack.callback(device.put_back)
        yield Lab(devices, why_not)


def _this_machine() -> Device:
    return Device(NAMES[0], {"vm.swappiness": VM / "swappiness", "thp.enabled": PAGES / "enabled"})


def _other_settings() -> Device:
    """Two other settings, mounted over those in the worker's own view of the file system: a second device, so that two
    workers do not turn the same knobs, and still a kernel's own files."""
    files = {"vm.swappiness": VM / "vfs_cache_pressure", "thp.enabled": PAGES / "defrag"}
    mounts = " && ".join(
        shlex.join(["mount", "--bind", str(file), str(_this_machine().files[knob])]) for knob, file in files.items()
    )
    return Device(NAMES[1], files, ("unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh"))


def _why_not() -> str | None:
    if os.geteuid() != 0:
        return "turning a kernel's settings needs root"
    if others := _other_workers():
        # One that was given a lock of its own is not kept away by the device's.
        return f"other workers may turn the same ones: process {', '.join(map(str, others))}"
    try:
        first, second = _this_machine(), _other_settings()
    except OSError as error:
        return str(error)
    for file in (*first.files.values(), *second.files.values()):
        if not os.access(file, os.W_OK):
            return f"{file} is not writable"
    try:
        tried = subprocess.run([*second.launch, "true"], capture_output=True, text=True)
    except OSError as error:
        return str(error)
    return None if tried.returncode == 0 else f"no mount namespace: {tried.stderr.strip()}"


def _other_workers() -> list[int]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            command = "worker" in words and any(word.endswith(("tuner.cli.main", "/tuner")) for word in words)
            if command or "tuner_workers" in words:
                found.append(process.pid)
    return found


def _tree(folder: Path, name: str) -> Device:
    root = folder / f"device-{name}"
    files = {
        "fake.swappiness": root / "proc/sys/fake/swappiness",
        "fake.pages": root / "sys/kernel/mm/transparent_hugepage/enabled",
    }
    for file, text in zip(files.values(), ("60\n", "always [madvise] never\n"), strict=True):
        file.parent.mkdir(parents=True)
        file.write_text(text)
    path = os.pathsep.join(filter(None, (str(PLUGIN), os.environ.get("PYTHONPATH"))))
    return Device(name, files, environment={"PYTHONPATH": path, "STORM_DEVICE": str(root)})
