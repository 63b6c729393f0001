"""What differs between two studies, in words."""

from __future__ import annotations

import copy

import pytest

from tuner.core.study import StudySpec
from tuner.spec.diff import differences
from tuner.spec.document import spec_from_document

SPACE: dict[str, object] = {
    "a": {"type": "int", "low": 1, "high": 4, "default": 1},
    "b": {"type": "bool", "default": True},
}
DOCUMENT: dict[str, object] = {
    "name": "x",
    "workload": {"kind": "tflite", "model": "digits"},
    "space": SPACE,
    "constraints": ["a > 0", "b or a < 3"],
    "objectives": [{"metric": "latency_ms", "goal": "minimize"}],
    "budget": {"trials": 30},
}


def study(**changes: object) -> StudySpec:
    return spec_from_document({**copy.deepcopy(DOCUMENT), **changes})


def test_equal_studies_do_not_differ() -> None:
    assert differences(study(), study()) == []


def test_what_a_default_says_is_no_difference() -> None:
    assert differences(study(), study(seed=0, engine="auto", environments="one")) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"budget": {"trials": 40}}, ["budget.trials: 30 -> 40"]),
        ({"budget": {"trials": 30, "time": "10m"}}, ["budget.time: nothing -> 600.0"]),
        ({"priors": "none"}, ['priors: "auto" -> "none"']),
        ({"priors": ["old"]}, ['priors: "auto" -> ["old"]']),
        ({"seed": 1, "labels": {"a": "1"}}, ["seed: 0 -> 1", 'labels: nothing -> {"a": "1"}']),
        ({"workload": {"kind": "tflite"}}, ['workload.model: "digits" -> nothing']),
        ({"constraints": ["a > 0", "a < 3"]}, ["constraints: without b or a < 3", "constraints: with a < 3"]),
        ({"constraints": ["b or a < 3", "a > 0"]}, ['constraints: ["a > 0", "b or a < 3"] -> ["b or a < 3", "a > 0"]']),
        (
            {"objectives": [{"metric": "latency_ms", "goal": "maximize"}]},
            [
                'objectives: [{"metric": "latency_ms", "goal": "minimize", "statistic": "mean"}] -> '
                '[{"metric": "latency_ms", "goal": "maximize", "statistic": "mean"}]'
            ],
        ),
        (
            {"space": dict(reversed(SPACE.items()))},
            ["space: the parameters stand in another order"],
        ),
        (
            {"space": {"a": {"type": "int", "low": 1, "high": 8, "default": 1}, "c": {"type": "bool", "default": True}},
             "constraints": ["a > 0"]},
            [
                "space.a.high: 4 -> 8",
                'space.b: {"type": "bool", "default": true} -> nothing',
                'space.c: nothing -> {"type": "bool", "default": true}',
                "constraints: without b or a < 3",
            ],
        ),
    ],
)  # fmt: skip
def test_sentences(changes: dict[str, object], expected: list[str]) -> None:
    assert differences(study(), study(**changes)) == expected


def test_true_and_one_are_told_apart() -> None:
    def listed(value: object) -> StudySpec:
        return study(space={"a": {"type": "categorical", "values": [value], "default": value}}, constraints=["a == a"])

    assert differences(listed(1), listed(True)) == [
        "space.a.values: [1] -> [true]",
        "space.a.default: 1 -> true",
    ]
