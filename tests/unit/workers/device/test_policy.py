from __future__ import annotations

from pathlib import Path

import pytest
from tuner_workers.knobs.base import Domain, Unavailable
from tuner_workers.knobs.registry import knobs
from tuner_workers.policy import WATTS_PER_CORE, CommandRule, KnobRule, Policy

from tuner.core.errors import InvalidInput

EXAMPLE = Path(__file__).parents[4] / "examples/policy.yaml"


def load(text: str, folder: Path) -> Policy:
    path = folder / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return Policy.load(path)


def problems(text: str, folder: Path) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        load(text, folder)
    return [str(problem).removeprefix(f"{folder}/") for problem in refused.value.problems]


def test_the_example_is_read_whole():
    policy = Policy.load(EXAMPLE)
    assert policy.knobs["process.cpus"] == KnobRule()
    assert policy.knobs["cgroup.cpu_quota"] == KnobRule(low=0.25)
    assert policy.knobs["thp.enabled"] == KnobRule(values=("madvise", "never"))
    assert policy.workloads == {"tflite", "replay", "command"}
    assert policy.labels == {"site": "lab", "cooling": "fan"}
    assert policy.watts_per_core == 6.5
    command = policy.commands["hash"]
    assert command.argv[:2] == ("python3", "-c")
    assert (command.cwd, command.environment, command.parameters, command.timeout) == (
        EXAMPLE.parent,
        ("PATH",),
        "environment",
        30,
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "knobs:\nworkloads:\n", "{}"])
def test_an_empty_file_allows_nothing(text: str, tmp_path: Path):
    policy = load(text, tmp_path)
    assert policy.knobs == {}
    assert not policy.workload("tflite")
    assert policy.watts_per_core == WATTS_PER_CORE
    assert isinstance(policy.domain("vm.swappiness", Domain("int", 0, 200)), Unavailable)


def test_all_problems_are_reported_with_their_lines(tmp_path: Path):
    text = """\
knob: {}
watts_per_core: -1
knobs:
  vm.swapiness:
  vm.swappiness: {low: 60, high: 10}
  thp.enabled: {values: []}
  process.nice: {low: high, step: 1}
  process.nice:
workloads: tflite
commands:
  a: {argv: [], parameters: shell}
  b: {argv: [x], cwd: ./nowhere, timeout: .nan}
python: {tflite: /no/such/python}
labels: {a: [1]}
"""
    found = problems(text, tmp_path)
    assert found == [
        "policy.yaml:1: knob: there is no such field; expected one of commands, data, knobs, labels, python, "
        "watts_per_core, workloads",
        "policy.yaml:2: watts_per_core: this must be a number above 0, got -1",
        found[2],
        "policy.yaml:5: knobs.vm.swappiness: low is above high: 60 > 10",
        "policy.yaml:6: knobs.thp.enabled.values: there is no value; leave the knob out to forbid it",
        "policy.yaml:7: knobs.process.nice.step: there is no such field; expected one of high, low, values",
        "policy.yaml:7: knobs.process.nice.low: this must be a number, got 'high'",
        "policy.yaml:8: knobs.process.nice: it stands here twice",
        "policy.yaml:9: workloads: this must be a list, got 'tflite'; expected [...]",
        "policy.yaml:11: commands.a: argv is missing; expected argv: [PROGRAM, ARGUMENT, ...]",
        "policy.yaml:11: commands.a.parameters: it is unknown, got 'shell'; expected one of environment, arguments",
        f"policy.yaml:12: commands.b.cwd: it does not exist, got '{tmp_path}/nowhere'",
        "policy.yaml:12: commands.b.timeout: this must be a number, got nan",
        "policy.yaml:13: python.tflite: it does not exist, got '/no/such/python'",
        "policy.yaml:14: labels.a: this must be a single value, got []; expected a text, a number, true or false",
    ]
    assert "policy.yaml:4: knobs.vm.swapiness: no knob of this name is installed" in found[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("knobs: [", "policy.yaml:1: the file: it is not YAML"),
        ("a: [1,\n  2]\n c: ]", "policy.yaml:3: the file: it is not YAML"),
        ("- a\n- b\n", "policy.yaml:1: the file: this must be a mapping"),
        ("just text", "policy.yaml:1: the file: this must be a mapping, got 'just text'"),
        ("workloads: [tflight]", "policy.yaml:1: workloads[0]: it is unknown, got 'tflight'; expected one of"),
        ("labels: {a: !!python/object:os.system x}", "policy.yaml:1: labels.a"),
        ("? [a, b]\n: 1\n", "policy.yaml:1: the file: a key must be a name"),
    ],
)
def test_what_is_no_policy_is_refused(text: str, message: str, tmp_path: Path):
    assert any(message in problem for problem in problems(text, tmp_path)), problems(text, tmp_path)


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path):
    with pytest.raises(InvalidInput, match="cannot be read"):
        Policy.load(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="cannot be read"):
        Policy.load(tmp_path / "bytes.yaml")


def test_paths_start_at_the_file(tmp_path: Path):
    (tmp_path / "past.csv").touch()
    assert load("data: {past: past.csv}", tmp_path).data == {"past": tmp_path / "past.csv"}


@pytest.mark.parametrize(
    ("rule", "probed", "allowed"),
    [
        (KnobRule(), Domain("int", 0, 200, unit="x"), Domain("int", 0, 200, unit="x")),
        (KnobRule(low=10.5, high=20.5), Domain("int", 0, 200), Domain("int", 11, 20)),
        (KnobRule(low=-5, high=999), Domain("int", 0, 200), Domain("int", 0, 200)),
        (KnobRule(high=0.5), Domain("float", 0.01, 1), Domain("float", 0.01, 0.5)),
        (KnobRule(low=1), Domain("float"), Domain("float", 1, None)),
        (KnobRule(low=300), Domain("int", 0, 200), None),
        (KnobRule(low=0.2, high=0.8), Domain("int", 0, 200), None),
        (KnobRule(values=(1.0, 5, 900)), Domain("int", 0, 200), Domain("choice", values=(1, 5))),
        (KnobRule(), Domain("choice", values=("a", "b")), Domain("choice", values=("a", "b"))),
        (KnobRule(values=("b", "c")), Domain("choice", values=("a", "b")), Domain("choice", values=("b",))),
        (KnobRule(values=("c",)), Domain("choice", values=("a", "b")), None),
        (KnobRule(low=2), Domain("choice", values=(1, 2, 3)), Domain("choice", values=(2, 3))),
        (KnobRule(low=2), Domain("choice", values=("a",)), None),
        (KnobRule(), Domain("bool"), Domain("bool")),
        (KnobRule(values=(True,)), Domain("bool"), Domain("choice", values=(True,))),
        (KnobRule(values=(1,)), Domain("bool"), None),
    ],
)
def test_policy_and_device_allow_together(rule: KnobRule, probed: Domain, allowed: Domain | None):
    found = Policy("policy.yaml", {"a.b": rule}, frozenset()).domain("a.b", probed)
    if allowed is None:
        assert isinstance(found, Unavailable)
        assert "policy.yaml" in found.reason
    else:
        assert found == allowed


def test_values_keep_the_knobs_own_type():
    found = Policy("p", {"a.b": KnobRule(values=(1.0,))}, frozenset()).domain("a.b", Domain("int", 0, 9))
    assert isinstance(found, Domain)
    assert [type(value) for value in found.values] == [int]


def test_ones_own_device_allows_what_is_not_dangerous():
    policy = Policy.own_device()
    assert {"vm.swappiness", "thp.enabled", "cgroup.cpu_quota"} <= policy.knobs.keys()
    assert {name for name, knob in knobs().items() if knob.dangerous}.isdisjoint(policy.knobs)
    assert policy.workload("tflite")
    assert policy.workload("replay")
    assert not policy.workload("command")


def test_without_a_file_a_daemon_turns_nothing_that_outlives_the_workload():
    policy = Policy.cautious()
    assert "cgroup.cpu_quota" in policy.knobs
    assert "vm.swappiness" not in policy.knobs
    assert policy.workloads == {"tflite", "replay"}
    assert policy.commands == {}


def test_a_command_has_sane_defaults(tmp_path: Path):
    assert load("commands: {a: {argv: [x, -y]}}", tmp_path).commands["a"] == CommandRule(("x", "-y"))
