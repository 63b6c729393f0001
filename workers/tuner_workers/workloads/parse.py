"""Reading a study file's settings: small checks that answer with sentences."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def unknown(settings: Mapping[str, object], known: Collection[str]) -> list[str]:
    """A sentence for each setting that the workload does not have."""
    return [f"workload.{name}: unknown setting; expected one of {', '.join(known)}" for name in settings.keys() - known]


def text(settings: Mapping[str, object], name: str) -> list[str]:
    """A sentence unless ``name`` is there and holds text."""
    value = settings.get(name)
    if isinstance(value, str) and value:
        return []
    return [f"workload.{name}: expected text, got {value!r}" if name in settings else f"workload.{name}: is missing"]


def table(settings: Mapping[str, object], name: str, of: str, *, required: bool) -> list[str]:
    """A sentence unless ``name`` holds a table of texts (or is absent, where that is allowed)."""
    if name not in settings:
        return [f"workload.{name}: is missing; expected {of}"] if required else []
    value = settings[name]
    if not isinstance(value, Mapping) or (required and not value):
        return [f"workload.{name}: expected {of}, got {value!r}"]
    return [
        f"workload.{name}.{key}: expected text, got {entry!r}"
        for key, entry in value.items()
        if not (isinstance(key, str) and key and isinstance(entry, str) and entry)
    ]
