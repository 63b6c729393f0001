"""What programs read, and what stands in logs."""

from __future__ import annotations

import json

from tuner_protos.v1 import data_pb2 as pb

from tuner.core.environment import Fingerprint
from tuner.core.worker import Inventory, Offer
from tuner.report.lines import event_line, progress_lines
from tuner.report.records import (
    check_records,
    event_record,
    inventory_record,
    optimal_record,
    study_record,
    trial_record,
    worker_record,
)


def test_the_check_has_the_keys_that_were_promised(snapshot):
    latency, energy = check_records(snapshot.study.checks[0])
    assert {"metric", "default", "recommended", "ratio", "ci95", "pi95", "n"} <= set(latency)
    assert latency["ci95"] == [0.22, 0.25]
    assert latency["ratio"] == 7 / 30
    assert energy["pi95"] is None


def test_a_ratio_that_does_not_exist_is_null():
    (record,) = check_records(pb.Check(metrics=[pb.CheckedMetric(metric="loss", default_mean=-1.0)]))
    assert record["ratio"] is None
    assert record["ci95"] is None


def test_everything_is_strict_json_with_null_for_the_unknown(snapshot):
    record = study_record(snapshot.study)
    assert record["state"] == "confirming"
    assert record["ended_at"] is None
    assert record["progress"]["left"] == 130
    assert record["objectives"][0] == {
        "key": "latency_ms",
        "metric": "latency_ms",
        "statistic": "p95",
        "goal": "minimize",
    }
    trial = trial_record(snapshot.trials[4], whole=True)
    assert trial["cause"] == "out of memory: killed at 512 MiB\nsecond line"
    assert trial["configuration"]["größe"] == 0.25
    assert trial["configuration"]["threads"] == 3
    assert trial["feasible"] is None
    assert trial["runs"] == []
    optimal = optimal_record(snapshot.optimal[0])
    assert [each["number"] for each in optimal["front"]] == [2, 3]
    json.dumps([record, trial, optimal], allow_nan=False)


def test_runs_keep_their_provenance():
    run = pb.Run(
        index=1, values={"x": 2.0}, knobs={"vm.swappiness": pb.Value(int_value=10)}, flags=["busy"], arm="default"
    )
    (record,) = trial_record(pb.Trial(runs=[run], state=5, purpose=2), whole=True)["runs"]
    assert (record["knobs"], record["flags"], record["arm"]) == ({"vm.swappiness": 10}, ["busy"], "default")


def test_a_worker_is_told_with_what_it_offers(snapshot):
    offer = Offer("vm.swappiness", True, "int 0..200", current=60, low=0, high=200)
    record = worker_record(snapshot.workers[1], Inventory(Fingerprint({"arch": "x"}), knobs=(offer,)))
    assert (record["state"], record["trial"], record["device"]) == ("quarantined", None, {"arch": "x"})
    assert record["knobs"][0]["current"] == 60
    assert inventory_record(Inventory(Fingerprint({})))["meters"] == []


def event(kind, trial=0, **data):
    return pb.Event(sequence=1, kind=kind, at=0.0, study_id="größe/1", trial=trial, data_json=json.dumps(data))


def test_an_event_in_one_line_and_as_a_record():
    told = event("trial.state", 7, **{"from": "queued", "to": "leased", "cause": "two words", "none": None})
    assert event_line(told).split("  ", 1)[1] == 'trial.state  trial 7  from=queued to=leased cause="two words"'
    assert event_record(told)["data"]["to"] == "leased"
    assert event_record(event("worker.state"))["trial"] is None


def lines(snapshot, told):
    return [line.split("  ", 1)[1] for line in progress_lines(snapshot, told)]


def test_who_follows_reads_of_ends_and_nothing_else(snapshot):
    assert lines(snapshot, event("trial.state", 2, to="running")) == []
    assert lines(snapshot, event("trial.state", 99, to="completed")) == []
    (completed,) = lines(snapshot, event("trial.state", 2, to="completed"))
    assert completed.startswith("[1/30] trial 2 explore completed: latency_ms p95 7.000 ms, energy_j 3.000 J")
    failed = lines(snapshot, event("trial.state", 4, to="failed"))
    assert failed[0].startswith("[3/30] trial 4 explore failed: out of memory: killed at 512 MiB")
    assert len(failed) == 2
    assert lines(snapshot, event("study.state", to="completed", reason="done")) == ["größe/1 is completed: done"]
    assert lines(snapshot, event("study.note", text="gp was late")) == ["! gp was late"]
    assert lines(snapshot, event("attempt.lost", 2, reason="no sign of life")) == [
        "trial 2 was lost by its worker: no sign of life"
    ]
