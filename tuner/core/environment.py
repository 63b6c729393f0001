"""Where something was measured: the device's fingerprint, and the declared contexts it was put in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from tuner.core.expression import Value


@dataclass(frozen=True)
class Fingerprint:
    """What kind of device this is.

    Two boards of one type have equal fingerprints, and measurements carry over between them; a host name or a serial
    number is therefore no part of it.

    Attributes:
        device: facts that make a device type: ``arch``, ``cpu_model``, ``cores``, ``memory_gib``, ``board``,
            ``accelerators``. They decide identity.
        software: facts that are recorded but do not split environments: ``kernel``, ``python``, framework versions.
    """

    device: Mapping[str, str]
    software: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Identity of the device type: 12 hexadecimal digits."""
        return _digest(dict(self.device))

    def describe(self) -> str:
        """One line for people."""
        facts = self.device
        cores = f"{facts['cores']} cores" if "cores" in facts else ""
        memory = f"{facts['memory_gib']} GiB" if "memory_gib" in facts else ""
        return ", ".join(filter(None, (facts.get("board") or facts.get("cpu_model", ""), cores, memory)))


@dataclass(frozen=True)
class Environment:
    """A fingerprint under one choice of the study's contexts (``{"load": "heavy"}``). Every trial belongs to one."""

    fingerprint: Fingerprint
    contexts: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Identity: the fingerprint's digest, and that of the contexts where there are any."""
        if not self.contexts:
            return self.fingerprint.digest
        return f"{self.fingerprint.digest}-{_digest(dict(self.contexts))[:6]}"

    def describe(self) -> str:
        """One line for people."""
        contexts = " ".join(f"{name}={value}" for name, value in sorted(self.contexts.items()))
        return " ".join(filter(None, (self.fingerprint.describe(), contexts)))


@dataclass(frozen=True)
class StudyEnvironment:
    """An environment as one study uses it, settled when its first worker is admitted.

    Attributes:
        absent: optional parameters whose knob this device does not offer; they are no part of the space here.
        read: for each parameter bound to a knob, the value found on the device before anything was applied.
    """

    environment: Environment
    absent: tuple[str, ...] = ()
    read: Mapping[str, Value] = field(default_factory=dict)


def _digest(value: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:12]
