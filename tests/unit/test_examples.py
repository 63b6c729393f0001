"""The files under examples/ are valid, and every one of them is run by ``make examples``."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from tuner_workers.policy import Policy

from tuner.spec.yaml import parse_study

EXAMPLES = Path(__file__).parents[2] / "examples"
POLICIES = sorted(EXAMPLES.glob("*policy.yaml"))
STUDIES = sorted(set(EXAMPLES.rglob("*.yaml")) - set(POLICIES))


def name(path: Path) -> str:
    return str(path.relative_to(EXAMPLES))


def commands() -> tuple[str, ...]:
    spec = importlib.util.spec_from_file_location("run_all", EXAMPLES / "run_all.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.COMMANDS


def described(command: str) -> Path:
    """The file that a command runs."""
    return next(EXAMPLES.parent / word for word in command.split() if word.startswith("examples/"))


@pytest.mark.parametrize("path", STUDIES, ids=name)
def test_a_study_is_valid(path):
    assert parse_study(path.read_text(), str(path)).name


@pytest.mark.parametrize("path", POLICIES, ids=name)
def test_a_policy_loads(path):
    assert Policy.load(path).workloads


def test_each_example_says_the_command_that_runs_it():
    assert [command for command in commands() if command not in described(command).read_text()] == []


def test_each_example_is_run():
    mentioned = " ".join(text for command in commands() for text in (command, described(command).read_text()))
    files = {path.name for path in EXAMPLES.glob("*.[yp]*") if path.is_file()} - {"run_all.py", "policy.yaml"}
    policies = " ".join(path.read_text() for path in POLICIES)
    assert {file for file in files if file not in mentioned + policies} == set()
