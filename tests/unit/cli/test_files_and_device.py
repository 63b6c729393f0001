"""Commands that need no server: validate, schema, doctor, db, policies."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tuner.cli.main import main

GOOD = """
name: digits
workload: {kind: external}
space:
  threads: {type: int, low: 1, high: 4, default: 1}
objectives: [{metric: latency_ms, goal: minimize}]
budget: {trials: 5}
"""
BAD = GOOD.replace("high: 4", "high: 0").replace("goal: minimize", "goal: sideways")


@pytest.fixture
def invoke():
    def invoked(*arguments, **options):
        return CliRunner().invoke(main, [str(argument) for argument in arguments], **options)

    return invoked


def written(path, text):
    path.write_text(text)
    return path


def test_a_good_file_is_valid(invoke, tmp_path):
    result = invoke("validate", written(tmp_path / "study.yaml", GOOD))
    assert result.exit_code == 0
    assert "is valid" in result.output


def test_every_problem_of_a_file_is_told_with_its_line(invoke, tmp_path):
    path = written(tmp_path / "study.yaml", BAD)
    result = invoke("validate", path)
    assert result.exit_code == 2
    assert f"{path}:5: space.threads" in result.stderr
    assert f"{path}:6: objectives" in result.stderr
    record = json.loads(invoke("validate", path, "--json").stdout)
    assert record["valid"] is False
    assert len(record["problems"]) >= 2


def test_a_file_that_is_not_text_is_refused(invoke, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_bytes(b"name: \xff\xfe")
    result = invoke("validate", path)
    assert result.exit_code == 2
    assert "UTF-8" in result.output


def test_run_refuses_a_bad_file_before_it_starts_anything(invoke, tmp_path):
    home = tmp_path / "home"
    result = invoke("run", written(tmp_path / "study.yaml", BAD), "--home", home)
    assert result.exit_code == 2
    assert result.output.count("study.yaml:") >= 2
    assert not home.exists()


def test_run_refuses_a_bad_policy_before_it_starts_anything(invoke, tmp_path):
    home = tmp_path / "home"
    policy = written(tmp_path / "policy.yaml", "nonsense: 1\n")
    result = invoke("run", written(tmp_path / "study.yaml", GOOD), "--policy", policy, "--home", home)
    assert result.exit_code == 2
    assert "policy.yaml" in result.output
    assert not home.exists()


def test_the_schema_is_json(invoke):
    schema = json.loads(invoke("schema").stdout)
    assert schema["type"] == "object"


def test_doctor_tells_what_the_device_offers(invoke):
    record = json.loads(invoke("doctor", "--json").stdout)
    assert {"arch", "cores"} <= set(record["device"])
    assert any(meter["name"] == "wall" and meter["available"] for meter in record["meters"])
    assert all(offer["reason"] for offer in record["knobs"] if not offer["available"])
    text = invoke("doctor").stdout
    assert all(offer["name"][:10] in text for offer in record["knobs"])


def test_doctor_follows_the_policy(invoke, tmp_path):
    policy = written(tmp_path / "policy.yaml", "workloads: [replay]\n")
    record = json.loads(invoke("doctor", "--json", "--policy", policy).stdout)
    assert not any(knob["available"] for knob in record["knobs"])


def test_worker_takes_one_policy(invoke, tmp_path):
    policy = written(tmp_path / "policy.yaml", "workloads: [replay]\n")
    result = invoke("worker", "--policy", policy, "--own-device", "--state-directory", tmp_path / "state")
    assert result.exit_code == 2
    assert "exclude" in result.output


def test_the_database_is_made_and_upgraded(invoke, tmp_path):
    pytest.importorskip("alembic")
    home = tmp_path / "home"
    home.mkdir()
    before = json.loads(invoke("db", "current", "--home", home, "--json").stdout)
    assert before["current"] is None
    assert invoke("db", "upgrade", "--home", home).exit_code == 0
    after = json.loads(invoke("db", "current", "--home", home, "--json").stdout)
    assert after["current"] == after["head"]
    assert "the newest" in invoke("db", "current", "--home", home).stdout


def test_validate_lets_the_workload_judge_its_settings(invoke, tmp_path):
    text = GOOD.replace("{kind: external}", "{kind: tflite, model: none-such, sample: 3}")
    result = invoke("validate", written(tmp_path / "study.yaml", text))
    assert result.exit_code == 2
    assert "study.yaml:3: workload.model: there is no model 'none-such'" in result.output
    assert "study.yaml:3: workload" in result.output
    assert "sample" in result.output


def test_run_refuses_a_study_that_only_a_program_of_the_users_can_measure(invoke, tmp_path):
    home = tmp_path / "home"
    result = invoke("run", written(tmp_path / "study.yaml", GOOD), "--home", home)
    assert result.exit_code == 2
    assert "study.yaml:3: workload.kind: is measured by a program of yours" in result.output
    assert not home.exists()
