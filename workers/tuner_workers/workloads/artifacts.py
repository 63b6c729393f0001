"""Content-addressed files that survive trials: what is dear to make, such as converted models, is made once."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tuner_workers.workloads.base import WorkloadError

Recipe = Mapping[str, str | int | float]
"""All that decides what an artifact holds."""


class ArtifactStore:
    """Artifacts by recipe: ``objects/DIGEST`` holds the content, ``index/RECIPE`` names the digest.

    Files appear whole or not at all (written aside, then renamed), and are checked against their digest whenever they
    are read; nothing is fsynced, because what a power failure damages is found out and made again.
    """

    def __init__(self, root: Path) -> None:
        self._objects, self._index, self._locks = root / "objects", root / "index", root / "locks"

    def find(self, recipe: Recipe) -> bytes | None:
        """The artifact; None when it was never made, or is damaged (and then gone)."""
        entry = self._index / _key(recipe)
        try:
            digest = entry.read_text(encoding="ascii")
            content = (self._objects / digest).read_bytes()
        except (FileNotFoundError, IsADirectoryError, ValueError):
            return None
        if hashlib.sha256(content).hexdigest() != digest:
            entry.unlink(missing_ok=True)
            return None
        return content

    def add(self, recipe: Recipe, content: bytes) -> str:
        """Keep an artifact; its digest.

        Raises:
            WorkloadError: "unavailable", it cannot be written (disk full).
        """
        digest = hashlib.sha256(content).hexdigest()
        _write(self._objects / digest, content)
        _write(self._index / _key(recipe), digest.encode("ascii"))
        return digest

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold ``name`` against every other process that uses this store; the kernel frees it when we die."""
        self._locks.mkdir(parents=True, exist_ok=True)
        with (self._locks / name).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _key(recipe: Recipe) -> str:
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.replace(aside, path)
        except BaseException:
            os.unlink(aside)
            raise
    except OSError as error:
        raise WorkloadError("unavailable", f"the artifact {path} cannot be written: {error.strerror}") from error
