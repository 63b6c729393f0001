from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest
from tuner_workers.workloads.artifacts import ArtifactStore
from tuner_workers.workloads.base import WorkloadError

RECIPE = {"model": "m", "width": 0.5}


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path)


def test_an_artifact_is_found_by_its_recipe_whatever_the_order(store):
    assert store.find(RECIPE) is None
    store.add(RECIPE, b"content")
    assert store.find({"width": 0.5, "model": "m"}) == b"content"
    assert store.find({**RECIPE, "width": 1}) is None


def test_it_is_stored_under_its_digest_once(store, tmp_path):
    digest = store.add(RECIPE, b"content")
    assert digest == "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
    assert store.add({"other": 1}, b"content") == digest
    assert [path.name for path in (tmp_path / "objects").iterdir()] == [digest]


def test_a_damaged_artifact_is_as_good_as_none_and_can_be_made_again(store, tmp_path):
    digest = store.add(RECIPE, b"content")
    (tmp_path / "objects" / digest).write_bytes(b"c0ntent")
    assert store.find(RECIPE) is None
    store.add(RECIPE, b"content")
    assert store.find(RECIPE) == b"content"


def test_a_damaged_index_is_as_good_as_none(store, tmp_path):
    store.add(RECIPE, b"content")
    (entry,) = (tmp_path / "index").iterdir()
    for damage in (b"", b"\xff\xff", b"../index/" + entry.name.encode()):
        entry.write_bytes(damage)
        assert store.find(RECIPE) is None


def test_a_full_disk_is_said_and_leaves_nothing_half_written(store, tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(WorkloadError, match=r"unavailable: the artifact .* cannot be written: No space left on device"):
        store.add(RECIPE, b"content")
    assert list((tmp_path / "objects").iterdir()) == []
    assert store.find(RECIPE) is None


def test_two_processes_do_not_work_at_the_same_time_and_a_killed_one_lets_go(store, tmp_path):
    script = f"""
import sys, time
from pathlib import Path
from tuner_workers.workloads.artifacts import ArtifactStore
with ArtifactStore(Path({str(tmp_path)!r})).lock("build"):
    print("mine", flush=True)
    time.sleep(600)
"""
    other = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"mine\n"
        attempt = script.replace("time.sleep(600)", "pass")
        waiting = subprocess.Popen([sys.executable, "-c", attempt], stdout=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(timeout=0.5)
    finally:
        other.kill()
        other.communicate()
    assert waiting.communicate(timeout=60)[0] == b"mine\n"
    with store.lock("build"):
        pass
