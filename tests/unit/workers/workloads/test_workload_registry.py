from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from dataclasses import replace

import pytest
from tuner_workers.policy import Policy
from tuner_workers.workloads import registry
from tuner_workers.workloads.base import WorkloadError
from tuner_workers.workloads.replay import ReplayWorkload

REPLAY = {"data": "t", "parameters": {"x": "x"}, "metrics": {"latency_ms": {"column": "y", "unit": "ms"}}}


@pytest.fixture
def policy(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,10\n")
    kinds = frozenset({"replay", "tflite"})
    return Policy("a test", knobs={}, workloads=kinds, data={"t": tmp_path / "t.csv"})


@pytest.fixture
def installed(monkeypatch):
    def installed(**targets):
        points = [importlib.metadata.EntryPoint(name, target, registry.GROUP) for name, target in targets.items()]
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points)
        registry.workloads.cache_clear()

    yield installed
    registry.workloads.cache_clear()


def test_every_built_in_kind_is_found_under_its_name():
    assert list(registry.workloads()) == ["command", "replay", "tflite"]
    for kind, workload in registry.workloads().items():
        assert workload.kind == kind


def test_an_installed_kind_is_found_and_cannot_take_over_a_built_in_one(installed):
    installed(
        other="tuner_workers.workloads.replay:ReplayWorkload", command="tuner_workers.workloads.replay:ReplayWorkload"
    )
    assert registry.find("other") is ReplayWorkload
    assert registry.find("command") is not ReplayWorkload


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "no_such_module:Thing",
            "workload broken: cannot import no_such_module:Thing: No module named 'no_such_module'",
        ),
        ("json:Thing", "workload broken: cannot import json:Thing: module 'json' has no attribute 'Thing'"),
        ("json:JSONDecoder", "workload broken: json:JSONDecoder is not a Workload"),
    ],
)
def test_a_broken_plug_in_is_offered_with_its_reason_and_harms_no_other(installed, policy, target, message):
    installed(broken=target)
    offers = {offer.name: offer for offer in registry.offers(policy)}
    assert not offers["broken"].available
    assert offers["broken"].reason == message
    assert offers["replay"].available


def test_an_unknown_kind_is_said_with_those_there_are():
    with pytest.raises(WorkloadError, match="there is no workload 'tflight' here; there are command, replay, tflite"):
        registry.find("tflight")


def test_offers_say_why_not(policy):
    offers = {offer.name: offer for offer in registry.offers(policy)}
    assert offers["replay"].available
    assert offers["replay"].domain == "data: t"
    assert not offers["command"].available
    assert "policy" in offers["command"].reason


def test_a_kind_whose_packages_are_missing_is_not_offered(policy, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    offers = {offer.name: offer for offer in registry.offers(policy)}
    assert not offers["tflite"].available
    assert offers["tflite"].reason == "LiteRT is not installed; pip install 'mlsys-tuner[tflite]'"
    assert registry.problems("tflite", {"model": "digits-cnn"}, policy) == [offers["tflite"].reason]


def test_another_interpreter_is_trusted_to_have_them_if_it_exists(policy, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    there = replace(policy, python={"tflite": sys.executable})
    assert next(offer for offer in registry.offers(there) if offer.name == "tflite").available
    gone = replace(policy, python={"tflite": tmp_path / "python"})
    offer = next(offer for offer in registry.offers(gone) if offer.name == "tflite")
    assert (offer.available, offer.reason) == (False, f"the policy's interpreter {tmp_path / 'python'} is not there")


def test_resolving_takes_what_the_policy_allows_and_refuses_the_rest(policy, tmp_path):
    assert registry.resolve("replay", REPLAY, policy)["data"] == str(tmp_path / "t.csv")
    assert registry.problems("replay", REPLAY, policy) == []
    assert registry.problems("command", {}, policy) == ["the policy of this device does not allow workload command"]
    assert registry.problems("replay", {**REPLAY, "data": "u", "speed": 1}, policy) == [
        "workload.speed: unknown setting; expected one of data, parameters, metrics, filters, contexts, invalid"
    ]
    columns = {**REPLAY, "parameters": {"x": "z"}, "filters": {"w": 1}}
    assert len(registry.problems("replay", columns, policy)) == 2


def test_naming_the_kinds_imports_none_of_them():
    script = """
import sys
from tuner_workers.workloads.registry import workloads
list(workloads())
sys.exit(" ".join(name for name in sys.modules if name.endswith((".command", ".replay", ".tflite"))) or 0)
"""
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0
