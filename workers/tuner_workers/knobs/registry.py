"""Knobs by name. Third parties register theirs under the entry-point group ``tuner.knobs``.

An entry point names a class, or a function, that is called without arguments and gives one knob.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path

from tuner.core.errors import InvalidInput, NotFound, Problem
from tuner_workers.knobs.base import Knob
from tuner_workers.knobs.cgroup import cgroup_knobs
from tuner_workers.knobs.cpufreq import cpufreq_knobs
from tuner_workers.knobs.environment import environment_knobs
from tuner_workers.knobs.process import process_knobs
from tuner_workers.knobs.sysctl import sysctl_knobs
from tuner_workers.knobs.thp import thp_knobs

GROUP = "tuner.knobs"


def built_in(root: Path = Path("/")) -> list[Knob]:
    """The knobs that this package brings, for the device whose file system starts at ``root``."""
    return [
        *sysctl_knobs(root),
        *thp_knobs(root),
        *cpufreq_knobs(root),
        *process_knobs(root),
        *cgroup_knobs(root),
        *environment_knobs(),
    ]


def knobs() -> Mapping[str, Knob]:
    """Every knob that is registered, by name, whether this device has it or not.

    Raises:
        InvalidInput: an entry point gives something that is no knob, or a name that is taken.
    """
    found: dict[str, Knob] = {}
    for source, knob in _registered():
        if not isinstance(knob, Knob):
            raise InvalidInput(Problem(f"entry point {source} of {GROUP}", "it gives no knob", knob, "a Knob"))
        if knob.name in found:
            raise InvalidInput(
                Problem(f"entry point {source} of {GROUP}", "the name is taken", knob.name, "a new name")
            )
        found[knob.name] = knob
    return found


def _registered() -> Iterator[tuple[str, object]]:
    for knob in built_in():
        yield "(built in)", knob
    for point in entry_points(group=GROUP):
        yield point.name, point.load()()


def find(name: str) -> Knob:
    """The knob called ``name``.

    Raises:
        NotFound: none is registered under it.
    """
    registered = knobs()
    if name not in registered:
        raise NotFound(f"no knob is called {name!r}; there are {', '.join(sorted(registered))}")
    return registered[name]
