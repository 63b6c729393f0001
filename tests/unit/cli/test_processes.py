"""Children, signals, announcements: what keeps ``tuner run`` from leaving anything behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time

import pytest

from tuner.cli.children import Child
from tuner.cli.embedded import Interrupted, announced_address, embedded_server, refuse_second_server
from tuner.cli.extras import needs
from tuner.cli.home import Home, default_home, is_file, store_exists
from tuner.cli.interruptions import Interruptions
from tuner.core.errors import StoreError, Unavailable, WrongState


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Makes a child that runs Python code in place of the ``tuner`` command."""
    started = []

    def start(code):
        program = tmp_path / f"program{len(started)}.sh"
        source = tmp_path / f"program{len(started)}.py"
        source.write_text(code)
        program.write_text(f"#!/bin/sh\nexec {sys.executable} {source}\n")
        program.chmod(0o755)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", str(program))
            child = Child("helper", [], tmp_path / f"{len(started)}.log")
        started.append(child)
        return child

    yield start
    for child in started:
        child.end(grace=0.0)


def until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


SEVERAL = "postgresql://user@host/database"
READY = "print('ready', flush=True)\n"


def ready(child):
    until(lambda: "ready" in child.log.read_text())


def test_a_child_that_ends_tells_how_with_the_end_of_its_log(script):
    child = script("print('line\\n' * 100 + 'the reason', flush=True)\nraise SystemExit(3)")
    until(lambda: child.exit_code is not None)
    with pytest.raises(Unavailable, match="exit code 3") as caught:
        child.check()
    assert "the reason" in str(caught.value)
    assert str(caught.value).count("\n") < 20


def test_a_child_gets_its_time_to_clean_up(script):
    child = script(
        "import signal, sys\n"
        "def clean(*_):\n    print('cleaned', flush=True)\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, clean)\n" + READY + "signal.pause()\n"
    )
    ready(child)
    assert child.end(grace=30) is True
    assert "cleaned" in child.log.read_text()
    assert child.exit_code == 0


def test_a_child_that_will_not_end_is_killed_with_its_group(script):
    child = script(
        "import os, signal, subprocess, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "grandchild = subprocess.Popen(['sleep', '600'])\n"
        "print(grandchild.pid, 'ready', flush=True)\n"
        "grandchild.wait()\n"
    )
    ready(child)
    grandchild = int(child.log.read_text().split()[0])
    assert child.end(grace=0.2) is False
    assert child.exit_code == -signal.SIGKILL
    until(lambda: not alive(grandchild))


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_being_in_a_hurry_shortens_the_time_and_does_not_skip_it(script):
    child = script("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + READY + "signal.pause()\n")
    ready(child)
    begun = time.monotonic()
    assert child.end(grace=600, hurried=lambda: True, hurried_grace=0.3) is False
    assert 0.3 <= time.monotonic() - begun < 300


def test_a_child_sees_its_parent_go(script):
    child = script("import sys\n" + READY + "sys.stdin.read()\nprint('alone', flush=True)\n")
    ready(child)
    child._process.stdin.close()
    until(lambda: child.exit_code == 0)
    assert "alone" in child.log.read_text()


def test_signals_are_counted_and_handlers_put_back():
    before = signal.getsignal(signal.SIGINT)
    with Interruptions() as interruptions:
        assert not interruptions.requested()
        os.kill(os.getpid(), signal.SIGTERM)
        until(interruptions.requested)
        assert not interruptions.hurried()
        os.kill(os.getpid(), signal.SIGINT)
        until(interruptions.hurried)
        assert interruptions.exit_code == 143
    assert signal.getsignal(signal.SIGINT) is before


def test_a_signal_that_was_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruptions() as interruptions:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not interruptions.requested()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_only_a_server_that_lives_and_listens_counts_as_announced(tmp_path):
    path = tmp_path / "server.json"
    assert announced_address(path) is None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        path.write_text(json.dumps({"address": address, "pid": os.getpid()}))
        assert announced_address(path) == address
        path.write_text(json.dumps({"address": address, "pid": 2**22 + 1}))
        assert announced_address(path) is None
    path.write_text(json.dumps({"address": address, "pid": os.getpid()}))
    assert announced_address(path) is None
    for text in ("", "{", "[]", '{"address": 1, "pid": 2}'):
        path.write_text(text)
        with pytest.raises(Unavailable, match="remove it"):
            announced_address(path)


def test_a_second_server_on_a_file_is_refused(tmp_path):
    home = Home(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        refuse_second_server(home, home.store_url)
        home.announcement(home.store_url).write_text(json.dumps({"address": address, "pid": os.getpid()}))
        with pytest.raises(WrongState, match=address):
            refuse_second_server(home, home.store_url)
        home.announcement(SEVERAL).write_text(json.dumps({"address": address, "pid": os.getpid()}))
        refuse_second_server(home, SEVERAL)


def test_a_server_that_cannot_start_says_why(tmp_path):
    pytest.importorskip("sqlalchemy")
    home = Home(tmp_path)
    with (
        pytest.raises(Unavailable, match="server ended with exit code"),
        embedded_server("nonsense://nowhere", tmp_path / "a.json", home.log("server")),
    ):
        pass


def test_stopping_while_the_server_starts_leaves_nothing(tmp_path):
    pytest.importorskip("sqlalchemy")
    home, announcement = Home(tmp_path), tmp_path / "a.json"
    with (
        pytest.raises(Interrupted),
        embedded_server("memory:", announcement, home.log("server"), stopped=lambda: True),
    ):
        pass
    assert not announcement.exists()


def test_the_home_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("TUNER_HOME", str(tmp_path / "a"))
    assert default_home() == tmp_path / "a"
    monkeypatch.delenv("TUNER_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "b"))
    assert default_home() == tmp_path / "b" / "tuner"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "c"))
    assert default_home() == tmp_path / "c" / ".local/share/tuner"


def test_logs_keep_the_time_before(tmp_path):
    home = Home(tmp_path / "größe")
    home.log("server").write_text("first")
    path = home.log("server")
    assert path.read_text() == ""
    assert path.with_suffix(".previous.log").read_text() == "first"


def test_a_home_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="TUNER_HOME"):
        Home(tmp_path / "file").log("server")


def test_only_a_missing_file_is_no_store(tmp_path):
    home = Home(tmp_path)
    assert not store_exists(home.store_url)
    (tmp_path / "tuner.sqlite").touch()
    assert store_exists(home.store_url)
    assert store_exists(str(tmp_path / "tuner.sqlite"))
    assert not store_exists(str(tmp_path / "a+b.sqlite"))
    assert is_file("sqlite+pysqlite:////tmp/a.sqlite")
    assert not store_exists("memory:")
    assert store_exists("postgresql+psycopg://u@h/d")


def test_what_is_not_installed_is_named_with_the_way_to_get_it():
    with pytest.raises(Unavailable, match=r"pip install 'mlsys-tuner\[server\]'"), needs("server"):
        import a_package_that_is_nowhere.inside  # noqa: F401
    with pytest.raises(ModuleNotFoundError), needs("server"):
        import tuner.nothing_here  # noqa: F401
