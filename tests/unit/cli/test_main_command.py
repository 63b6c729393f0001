"""The command itself: quick help, usage errors, exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tuner.cli.main import COMMANDS, main

HEAVY = ("grpc", "rich", "yaml", "numpy", "torch", "sqlalchemy", "optuna", "google.protobuf")
STUDY = """
name: small
workload: {kind: command, command: sort, metrics: {y: ms}}
space: {x: {type: int, low: 1, high: 4, default: 1}}
objectives: [{metric: y, goal: minimize}]
budget: {trials: 1}
"""


def loaded_by(*arguments):
    """Which of the heavy packages a command imports, in a process of its own."""
    code = (
        "import sys\n"
        f"sys.argv = ['tuner', *{arguments!r}]\n"
        "from tuner.cli.main import main\n"
        "try:\n    main()\n"
        f"finally:\n    sys.stderr.write(' '.join(name for name in {HEAVY!r} if name in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout, done.stderr.split()


def test_help_is_quick_because_it_imports_nothing_heavy():
    out, heavy = loaded_by("--help")
    assert "doctor" in out
    assert heavy == []


def test_the_workers_command_line_brings_nothing_that_a_board_lacks():
    _, heavy = loaded_by("worker", "--help")
    assert set(heavy) & {"numpy", "torch", "sqlalchemy", "optuna", "rich"} == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_agrees_with_the_list(name):
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage: " in result.output
    listed = CliRunner().invoke(main, ["--help"]).output
    assert name in listed


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["run"],
        ["run", "does-not-exist.yaml"],
        ["show"],
        ["list", "--server", "nowhere"],
        ["list", "--server", "host:99999"],
        ["serve", "--port", "-1"],
        ["trials", "x", "--number", "0"],
    ],
)
def test_bad_usage_exits_with_2(arguments):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "Usage: " in result.output


def test_a_server_that_is_not_there_is_named_and_exits_with_1():
    result = CliRunner().invoke(main, ["list", "--server", "127.0.0.1:9"])
    assert result.exit_code == 1
    assert "nothing listens at 127.0.0.1:9" in result.output


def test_without_server_and_store_nothing_is_started_or_made(tmp_path, monkeypatch):
    monkeypatch.setattr("tuner.cli.reach.DEFAULT_SERVER", "127.0.0.1:9")
    home = tmp_path / "home"
    result = CliRunner().invoke(main, ["list"], env={"TUNER_HOME": str(home)})
    assert result.exit_code == 1
    assert "no store" in result.output
    assert "tuner run" in result.output
    assert not home.exists()


@pytest.mark.parametrize("command", ["run study.yaml --policy policy.yaml", "list"])
def test_without_the_server_extra_one_sentence_says_what_to_install(command, tmp_path, monkeypatch):
    monkeypatch.setattr("tuner.cli.extras.SERVER", ("no_such_package",))
    monkeypatch.setattr("tuner.cli.reach.DEFAULT_SERVER", "127.0.0.1:9")
    monkeypatch.chdir(tmp_path)
    Path("study.yaml").write_text(STUDY)
    Path("policy.yaml").write_text("workloads: [command]\ncommands: {sort: {argv: [sort]}}\n")
    Path("tuner.sqlite").touch()
    result = CliRunner().invoke(main, [*command.split(), "--home", "."])
    assert result.exit_code == 1
    assert result.stderr == "tuner: no_such_package is not installed; `pip install 'mlsys-tuner[server]'` brings it\n"


def test_an_open_address_is_refused_as_bad_usage(tmp_path):
    pytest.importorskip("grpc_health")
    arguments = ["serve", "--host", "0.0.0.0", "--home", str(tmp_path)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "--insecure" in result.output


def test_an_interrupt_exits_with_130(monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("tuner.spec.schema.json_schema", interrupted)
    assert CliRunner().invoke(main, ["schema"]).exit_code == 130
