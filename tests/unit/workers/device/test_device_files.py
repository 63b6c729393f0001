"""State directory and device lock."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tuner_workers.lock import DeviceBusy, DeviceLock, default_lock
from tuner_workers.paths import StateDirectory, StateUnusable, default_state_directory


def test_a_state_directory_makes_its_parts(tmp_path: Path):
    state = StateDirectory(tmp_path / "a/b")
    assert state.spool.is_dir()
    assert state.artifacts.is_dir()
    assert state.scratch.is_dir()
    assert len({state.journal, state.spool, state.lock, state.worker_id, state.artifacts, state.scratch}) == 6
    StateDirectory(tmp_path / "a/b")  # and again


def test_a_state_directory_that_cannot_be_made_says_what_to_do(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StateUnusable, match=r"file/state cannot be made.*TUNER_WORKER_HOME"):
        StateDirectory(tmp_path / "file/state")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_state_directory_that_cannot_be_written_is_refused(tmp_path: Path):
    StateDirectory(tmp_path)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(StateUnusable, match="is not writable"):
        StateDirectory(tmp_path)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"TUNER_WORKER_HOME": "/a", "XDG_STATE_HOME": "/b"}, "/a"),
        ({"XDG_STATE_HOME": "/b"}, "/b/tuner-worker"),
        ({"XDG_STATE_HOME": "relative"}, "/home/me/.local/state/tuner-worker"),
        ({}, "/home/me/.local/state/tuner-worker"),
    ],
)
def test_where_the_state_is(variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch):
    for name in ("TUNER_WORKER_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", **variables}.items():
        monkeypatch.setenv(name, value)
    assert default_state_directory() == Path(expected)


def test_one_worker_per_device(tmp_path: Path):
    path = tmp_path / "device.lock"
    other = "import sys; from tuner_workers.lock import *\nwith DeviceLock(Path(sys.argv[1])): print(1)"
    with DeviceLock(path):
        with pytest.raises(DeviceBusy, match=rf"process {os.getpid()} holds {path}"), DeviceLock(path):
            pass
        busy = subprocess.run([sys.executable, "-c", other, str(path)], capture_output=True, text=True)
        assert f"process {os.getpid()} holds" in busy.stderr
    with DeviceLock(path):  # free again
        pass


def test_the_kernel_frees_the_lock_of_a_killed_worker(tmp_path: Path):
    path = tmp_path / "device.lock"
    code = (
        "import sys; from tuner_workers.lock import *\n"
        "with DeviceLock(Path(sys.argv[1])): print(1, flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline()
        with pytest.raises(DeviceBusy, match=f"process {holder.pid} holds"), DeviceLock(path):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with DeviceLock(path):
        assert path.read_text() == f"{os.getpid()}\n"


def test_every_user_can_lock(tmp_path: Path):
    before = os.umask(0o077)
    try:
        with DeviceLock(tmp_path / "device.lock"):
            assert (tmp_path / "device.lock").stat().st_mode & 0o777 == 0o666
    finally:
        os.umask(before)


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path):
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "device.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(DeviceBusy, match="cannot be opened"), DeviceLock(tmp_path / "device.lock"):
        pass
    assert (tmp_path / "victim").read_text() == "precious"


def test_the_default_lock_does_not_depend_on_the_user():
    assert default_lock().parent in (Path("/run/lock"), Path("/var/lock"), Path("/tmp"))
    assert DeviceLock().path == default_lock()
