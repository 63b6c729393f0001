"""What kind of device this is, without anything that tells one board from another of its type."""

from __future__ import annotations

import math
import os
import platform
import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tuner.core.environment import Fingerprint

FRAMEWORKS = (
    "ai-edge-litert",
    "gymnasium",
    "jax",
    "mlserver",
    "numpy",
    "onnxruntime",
    "stable-baselines3",
    "tensorflow",
    "tensorflow-cpu",
    "tflite-runtime",
    "torch",
)
"""Distributions whose version bears on what is measured."""

_MODEL_KEYS = ("model name", "cpu model", "Processor", "Hardware")
_GIB_IN_KIB = 2**20


def fingerprint(root: Path = Path("/")) -> Fingerprint:
    """Read it from the file system that starts at ``root``; what a device does not tell is left out."""
    accelerators = _accelerators(root)
    device = {
        "arch": platform.machine(),
        "cpu_model": _cpu_model(root),
        "cores": str(_cores(root)),
        "memory_gib": _memory(root),
        "board": _board(root),
        "accelerators": ", ".join(accelerators),
    }
    software = {"kernel": platform.release(), "python": platform.python_version(), **_frameworks()}
    return Fingerprint({name: fact for name, fact in device.items() if fact}, software)


def _text(path: Path) -> str:
    """The contents of a file without the white space and NUL at its ends; "" when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \t\n")
    except OSError:
        return ""


def _cpu_model(root: Path) -> str:
    lines = (line.partition(":") for line in _text(root / "proc/cpuinfo").splitlines())
    facts = {key.strip(): value.strip() for key, _, value in lines}
    named = next((facts[key] for key in _MODEL_KEYS if facts.get(key)), "")
    if named or "CPU part" not in facts:
        return named
    # 64-bit Arm gives numbers (MIDR_EL1) instead of a name.
    return f"implementer {facts.get('CPU implementer', '?')} part {facts['CPU part']}"


def _cores(root: Path) -> int:
    """CPUs that the device has, online or not: to switch one off is a knob, and no other device."""
    present = _text(root / "sys/devices/system/cpu/present")
    ranges = re.findall(r"(\d+)(?:-(\d+))?", present)
    return sum(int(high or low) - int(low) + 1 for low, high in ranges) or os.cpu_count() or 1


def _memory(root: Path) -> str:
    """GiB as the device was sold: firmware and kernel keep back a few per cent, and not the same on every board, so it
    is rounded up, by up to a quarter of the power of two below it."""
    found = re.search(r"^MemTotal:\s+(\d+) kB", _text(root / "proc/meminfo"), re.MULTILINE)
    if found is None:
        return ""
    gib = int(found.group(1)) / _GIB_IN_KIB
    if gib <= 0:
        return ""
    step = 2.0 ** (math.floor(math.log2(gib)) - 2)
    return f"{math.ceil(gib / step) * step:g}"


def _board(root: Path) -> str:
    """The name in the device tree (Arm boards), else in DMI (servers and PCs)."""
    model = _text(root / "proc/device-tree/model")
    dmi = root / "sys/class/dmi/id"
    return model or " ".join(filter(None, (_text(dmi / "sys_vendor"), _text(dmi / "product_name"))))


def _accelerators(root: Path) -> list[str]:
    """Accelerators by what drivers show in files; nothing is loaded or asked."""
    found = []
    for folder in sorted((root / "proc/driver/nvidia/gpus").glob("*")):
        model = re.search(r"^Model:\s*(.+)$", _text(folder / "information"), re.MULTILINE)
        found.append(model.group(1).strip() if model else "NVIDIA GPU")
    if (root / "dev/nvhost-gpu").exists() or (root / "dev/nvgpu").exists():
        found.append("Tegra GPU")
    found += ["Edge TPU" for _ in sorted((root / "dev").glob("apex_*"))]
    return found


def _frameworks() -> Mapping[str, str]:
    """Versions by the metadata of the distributions: importing one takes seconds and hundreds of megabytes."""
    versions = {}
    for name in FRAMEWORKS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
