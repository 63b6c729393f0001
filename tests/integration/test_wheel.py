"""The wheel holds the packages whole, and works from where it is installed. Nothing is fetched."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("build", reason="building needs `build`")
pytest.importorskip("hatchling", reason="building without the network needs hatchling installed")
pytest.importorskip("pip", reason="installing needs pip")

ROOT = Path(__file__).parents[2]
SOURCES = {
    "tuner": ROOT,
    "tuner_workers": ROOT / "workers",
    "tuner_models": ROOT / "models",
    "tuner_protos": ROOT / "protos",
    "tuner_migrations": ROOT / "migrations",
}
LIMIT = 120


def run(*words: object, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        cwd=environment.pop("cwd", ROOT),
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def held(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", folder, wheel)
    return folder


def test_its_names_are_nobody_elses(held):
    roots = {name.partition("/")[0] for name in held}
    assert {root for root in roots if not root.endswith(".dist-info")} == set(SOURCES)
    assert len(roots) == len(SOURCES) + 1


def test_it_holds_every_file_of_the_packages_and_no_other(held):
    for package, folder in SOURCES.items():
        files = {path for path in (folder / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts}
        assert {name for name in held if name.startswith(f"{package}/")} == {
            path.relative_to(folder).as_posix() for path in files
        }


def test_it_holds_types_protocol_migrations_and_license(held):
    assert {f"{package}/py.typed" for package in ("tuner", "tuner_workers", "tuner_models", "tuner_protos")} <= held
    assert {"tuner_protos/v1/data.proto", "tuner_protos/v1/data_pb2.pyi"} <= held
    assert any(name.startswith("tuner_migrations/versions/") for name in held)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in held)


def test_its_command_starts(installed, tmp_path):
    environment = {"PYTHONPATH": str(installed), "cwd": tmp_path}
    where = run(sys.executable, "-c", "import tuner; print(tuner.__file__)", **environment)
    assert Path(where.strip()).is_relative_to(installed)
    assert "tuner doctor" in run(installed / "bin/tuner", "--help", **environment)


def test_it_brings_a_database_up_to_date(installed, tmp_path):
    pytest.importorskip("alembic")
    environment = {"PYTHONPATH": str(installed), "cwd": tmp_path}
    store = f"sqlite:///{tmp_path / 'store.sqlite'}"
    newest = sorted((installed / "tuner_migrations/versions").glob("[0-9]*.py"))[-1].name.partition("_")[0]
    assert newest in run(installed / "bin/tuner", "db", "upgrade", "--store", store, **environment)
