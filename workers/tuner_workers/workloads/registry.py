"""Which kinds of workload there are, and which of them this device offers.

Built-in kinds and those of installed distributions (entry-point group ``tuner.workloads``) are named without being
imported; a kind's class is imported when it is looked up, and imports nothing heavy.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from tuner.core.worker import Offer
from tuner_workers.workloads.base import Workload, WorkloadError

if TYPE_CHECKING:
    from tuner_workers.policy import Policy

GROUP = "tuner.workloads"
BUILT_IN = {
    "command": "tuner_workers.workloads.command:CommandWorkload",
    "replay": "tuner_workers.workloads.replay:ReplayWorkload",
    "tflite": "tuner_workers.workloads.tflite:TfliteWorkload",
}


class _Kinds(Mapping[str, type[Workload]]):
    """Names that are known at once, with classes that are imported on first use."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = dict(targets)

    def __getitem__(self, kind: str) -> type[Workload]:
        target = self._targets[kind]
        module, _, name = target.partition(":")
        try:
            found = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise WorkloadError("unavailable", f"workload {kind}: cannot import {target}: {error}") from error
        if not (isinstance(found, type) and issubclass(found, Workload)):
            raise WorkloadError("unavailable", f"workload {kind}: {target} is not a Workload")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._targets))

    def __len__(self) -> int:
        return len(self._targets)


@cache
def workloads() -> Mapping[str, type[Workload]]:
    """Every kind that is installed; built-in names cannot be taken over."""
    installed = {point.name: point.value for point in importlib.metadata.entry_points(group=GROUP)}
    return _Kinds(installed | BUILT_IN)


def find(kind: str) -> type[Workload]:
    """The class of a kind.

    Raises:
        WorkloadError: "unavailable", with the kinds that exist.
    """
    if kind not in workloads():
        raise WorkloadError("unavailable", f"there is no workload {kind!r} here; there are {', '.join(workloads())}")
    return workloads()[kind]


def problems(kind: str, settings: Mapping[str, object], policy: Policy) -> list[str]:
    """Why this device cannot run a study's workload, as sentences; empty when it can."""
    try:
        resolve(kind, settings, policy)
    except WorkloadError as error:
        return error.message.splitlines()
    return []


def resolve(kind: str, settings: Mapping[str, object], policy: Policy) -> Mapping[str, object]:
    """The settings of a study as the child gets them, if this device allows and understands them.

    Raises:
        WorkloadError: "unavailable", one problem a line.
    """
    workload = find(kind)
    if not policy.workload(kind):
        raise WorkloadError("unavailable", f"the policy of this device does not allow workload {kind}")
    if missing := _missing(kind, workload, policy):
        raise WorkloadError("unavailable", missing)
    if wrong := workload.check(settings):
        raise WorkloadError("unavailable", "\n".join(wrong))
    return workload.resolve(settings, policy)


def offers(policy: Policy) -> list[Offer]:
    """Each kind, whether it can be used here, and why not."""
    return [_offer(kind, policy) for kind in workloads()]


def _offer(kind: str, policy: Policy) -> Offer:
    try:
        workload = find(kind)
    except WorkloadError as error:
        return Offer(kind, available=False, reason=error.message)
    if not policy.workload(kind):
        return Offer(kind, available=False, reason="the policy of this device does not allow it")
    missing = _missing(kind, workload, policy)
    return Offer(kind, available=not missing, domain=workload.describe(policy), reason=missing)


def _missing(kind: str, workload: type[Workload], policy: Policy) -> str:
    """What the interpreter of this kind lacks; one that is not the worker's own can only be seen to exist."""
    python = policy.python.get(kind)
    if python is None:
        return workload.missing()
    return "" if shutil.which(python) else f"the policy's interpreter {python} is not there"
