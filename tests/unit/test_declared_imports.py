"""What each package imports is what its extras declare, and nothing is declared that nobody imports."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

tomllib = pytest.importorskip("tomllib", reason="reading pyproject.toml needs Python 3.11")

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "tuner": ("base", "server", "testing"),
    "workers/tuner_workers": ("base", "tflite", "tensorflow", "testing"),
    "models/tuner_models": ("server",),
    "protos/tuner_protos": ("base",),
    "migrations/tuner_migrations": ("server",),
}
DISTRIBUTIONS = {
    "google.protobuf": "protobuf",
    "google.rpc": "googleapis-common-protos",
    "grpc": "grpcio",
    "grpc_health": "grpcio-health-checking",
    "grpc_reflection": "grpcio-reflection",
    "grpc_status": "grpcio-status",
    "linear_operator": "linear-operator",
    "sklearn": "scikit-learn",
    "tensorflow": "tensorflow-cpu",
    "yaml": "pyyaml",
}
"""Where the name of what is imported is not that of what is installed."""


def declared() -> dict[str, set[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {"base": project["dependencies"], **project["optional-dependencies"]}
    return {extra: {re.split(r"[\[<>=;~ ]", line, maxsplit=1)[0] for line in lines} for extra, lines in wanted.items()}


def imported(package: str) -> Iterator[tuple[str, str]]:
    """Every distribution that is imported, with a place."""
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                modules = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            for module in modules:
                root = ".".join(module.split(".")[: 2 if module.startswith("google.") else 1])
                if root not in sys.stdlib_module_names and not root.startswith("tuner"):
                    yield DISTRIBUTIONS.get(root, root), f"{path.relative_to(ROOT)}:{node.lineno}"


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_imported_is_declared(package):
    allowed = set().union(*(declared()[extra] for extra in PACKAGES[package]))
    assert [f"{place}: {name}" for name, place in imported(package) if name not in allowed] == []


def test_what_is_declared_is_imported():
    used = {name for package in PACKAGES for name, _ in imported(package)}
    assert (declared()["base"] | declared()["server"]) - used == set()
