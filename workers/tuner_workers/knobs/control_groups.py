"""Where control groups are, in version 1 (one hierarchy per controller) and version 2 (one for all).

Linux kernel documentation, admin-guide/cgroup-v1/ and admin-guide/cgroup-v2.rst. New groups are made beneath the
worker's own, so that whatever bounds the worker bounds its workloads too.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tuner_workers.knobs import files
from tuner_workers.knobs.base import Unavailable


@dataclass(frozen=True)
class Hierarchy:
    """The mounted tree in which a controller works.

    Attributes:
        version: 1 or 2.
        mount: top of the tree.
    """

    version: int
    mount: Path

    def lineage(self, group: Path) -> Iterator[Path]:
        """``group`` and what it stands in, up to the top: each may bound what is in it."""
        yield group
        while group != self.mount:
            group = group.parent
            yield group


class ControlGroups:
    """Control groups for the processes that this worker starts; one group, under one name, for all of its knobs."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root
        self._name = f"tuner-{os.getpid()}-{secrets.token_hex(4)}"

    def hierarchy(self, controller: str) -> Hierarchy | None:
        """Where ``controller`` works, or None when the kernel or the mounts lack it."""
        unified = None
        for line in files.read(self.root / "proc/self/mounts").splitlines():
            _, place, kind, options, *_ = line.split(" ")
            mount = self.root / place.lstrip("/")
            if kind == "cgroup" and controller in options.split(","):
                return Hierarchy(1, mount)
            if kind == "cgroup2":
                unified = mount
        if unified is None or controller not in files.read(unified / "cgroup.controllers").split():
            return None
        return Hierarchy(2, unified)

    def of(self, pid: int | str, hierarchy: Hierarchy, controller: str) -> Path:
        """The group that process ``pid`` ("self" for this one) is in.

        Raises:
            OSError: the process is gone.
        """
        for line in files.read(self.root / f"proc/{pid}/cgroup").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers.split(",") == [""] if hierarchy.version == 2 else controller in controllers.split(","):
                group = hierarchy.mount / path.lstrip("/")
                # In a container the path may be the host's, of which only the lowest part is mounted.
                return group if group.is_dir() else hierarchy.mount
        return hierarchy.mount

    def planned(self, controller: str) -> Path | Unavailable:
        """The directory of the group that would be made, or why it cannot be."""
        hierarchy = self.hierarchy(controller)
        if hierarchy is None:
            return Unavailable(f"no mounted cgroup hierarchy has the {controller} controller")
        own = self.of("self", hierarchy, controller)
        # A version 2 group with processes in it can give controllers to no group beneath it: then the parent may.
        parents = [own, own.parent] if hierarchy.version == 2 and own != hierarchy.mount else [own]
        for parent in parents:
            if hierarchy.version == 2 and controller not in files.read(parent / "cgroup.subtree_control").split():
                continue
            if os.access(parent, os.W_OK | os.X_OK):
                return parent / self._name
            return Unavailable(f"{parent} is not writable: run the worker as root, or delegate the group to it")
        return Unavailable(
            f"{parents[-1]} does not give the {controller} controller to groups beneath it: write +{controller} to its "
            "cgroup.subtree_control, or run the worker as a systemd service with Delegate=yes"
        )
