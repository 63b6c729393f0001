"""Where, when, and what was wrong: environments, clocks, problems."""

from __future__ import annotations

import pytest

from tuner.core import clock
from tuner.core.clock import SteadyClock
from tuner.core.environment import Environment, Fingerprint
from tuner.core.errors import InvalidInput, Problem, TunerError

BOARD = {"arch": "aarch64", "board": "Jetson Nano", "cores": "4", "memory_gib": "4"}


def test_software_and_order_do_not_split_environments() -> None:
    one = Fingerprint(BOARD, {"kernel": "5.10"})
    other = Fingerprint(dict(reversed(BOARD.items())), {"kernel": "6.8"})
    assert one.digest == other.digest
    assert len(one.digest) == 12
    assert Fingerprint({**BOARD, "cores": "8"}).digest != one.digest


def test_contexts_split_environments() -> None:
    device = Fingerprint(BOARD)
    plain, light, heavy = (Environment(device, c) for c in ({}, {"load": "light"}, {"load": "heavy"}))
    assert plain.id == device.digest
    assert len({plain.id, light.id, heavy.id}) == 3
    assert light.id.startswith(device.digest + "-")
    assert Environment(device, {"a": "1", "b": "2"}).id == Environment(device, {"b": "2", "a": "1"}).id


@pytest.mark.parametrize(
    ("device", "contexts", "text"),
    [
        (BOARD, {}, "Jetson Nano, 4 cores, 4 GiB"),
        (BOARD, {"load": "heavy", "fan": "on"}, "Jetson Nano, 4 cores, 4 GiB fan=on load=heavy"),
        ({"cpu_model": "Xeon"}, {}, "Xeon"),
        ({}, {}, ""),
    ],
)
def test_an_environment_in_words(device: dict[str, str], contexts: dict[str, str], text: str) -> None:
    assert Environment(Fingerprint(device), contexts).describe() == text


def test_the_clock_does_not_follow_a_step_of_the_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, steady = [1000.0], [50.0]
    monkeypatch.setattr(clock.time, "time", lambda: wall[0])
    monkeypatch.setattr(clock.time, "monotonic", lambda: steady[0])
    own = SteadyClock()
    assert own.now() == 1000.0
    wall[0] -= 3600
    steady[0] += 2.5
    assert own.now() == 1002.5


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("a", "is wrong"), "a: is wrong"),
        (Problem("a", "is wrong", 0), "a: is wrong, got 0"),
        (Problem("a", "is wrong", "x\ny", "z"), "a: is wrong, got 'x\\ny'; expected z"),
        (Problem("a", "is wrong", source="f.yaml"), "f.yaml: a: is wrong"),
        (Problem("a", "is wrong", False, "true", "f.yaml", 3), "f.yaml:3: a: is wrong, got False; expected true"),
        (Problem("a", "is long", "x" * 200), "a: is long, got '" + "x" * 76 + "..."),
    ],
)
def test_a_problem_is_one_line(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_an_invalid_input_carries_every_problem() -> None:
    problems = (Problem("a", "is wrong"), Problem("b", "is wrong too"))
    error = InvalidInput(problems)
    assert error.problems == problems
    assert str(error) == "a: is wrong\nb: is wrong too"
    assert InvalidInput(problems[0]).problems == problems[:1]
    assert isinstance(error, TunerError)
