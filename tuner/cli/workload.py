"""A study's workload settings, judged by the workload itself where it is installed here."""

from __future__ import annotations

from collections.abc import Sequence

from tuner_workers.policy import Policy
from tuner_workers.workloads import registry

from tuner.core.errors import InvalidInput, Problem
from tuner.core.study import EXTERNAL, Workload
from tuner.spec.place import place


def check_settings(workload: Workload, source: str, file_name: str) -> None:
    """Refuse settings that the workload does not understand. A kind that is not installed here is not judged.

    Raises:
        InvalidInput: with every problem and its line in ``source``.
    """
    kinds = registry.workloads()
    if workload.kind in kinds:
        _refuse(kinds[workload.kind].check(workload.settings), source, file_name)


def check_on_device(workload: Workload, policy: Policy, source: str, file_name: str) -> None:
    """Refuse a workload that this device cannot run under ``policy``.

    Raises:
        InvalidInput: with every problem and its line in ``source``.
    """
    if workload.kind == EXTERNAL:
        apart = "is measured by a program of yours: `tuner serve`, `tuner submit`, then ask and tell"
        _refuse([f"workload.kind: {apart}"], source, file_name)
    _refuse(registry.problems(workload.kind, workload.settings, policy), source, file_name)


def _refuse(sentences: Sequence[str], source: str, file_name: str) -> None:
    if sentences:
        raise InvalidInput(place([_problem(sentence) for sentence in sentences], source, file_name))


def _problem(sentence: str) -> Problem:
    """Workloads speak in sentences, most of which begin with the field: ``workload.model: there is no model 'x'``."""
    field, colon, rest = sentence.partition(": ")
    named = bool(colon) and field.startswith("workload") and " " not in field
    return Problem(field, rest) if named else Problem("workload", sentence)
