"""What comes off the wire is checked, all of it at once."""

import math

import pytest
from tuner_protos.convert import values_to_proto
from tuner_protos.v1 import data_pb2
from tuner_protos.v1 import workers_pb2 as pb
from tuner_workers.measurement.assignment import assignment_from_proto

from tuner.core.errors import InvalidInput
from tuner.core.observation import Metric
from tuner.core.trial import Purpose


def message(**changes):
    fields = {
        "trial_id": "s/1/2",
        "attempt": 1,
        "token": "t",
        "workload": "tflite",
        "settings_json": '{"model": "digits"}',
        "configuration": values_to_proto({"threads": 2, "share": 0.5}),
        "knobs": {"share": "cgroup.cpu_quota", "inactive": "vm.swappiness"},
        "wanted": [data_pb2.Metric(key="p95(latency_ms)", name="latency_ms", statistic="p95")],
        "measurement": pb.MeasurementPlan(timeout=60.0),
        "purpose": data_pb2.PURPOSE_EXPLORE,
    }
    return pb.Assignment(**{**fields, **changes})


def test_a_whole_assignment():
    found = assignment_from_proto(message())
    assert found.wanted == (Metric("p95(latency_ms)", "latency_ms", "p95"),)
    assert (found.warmup, found.runs, found.timeout) == (None, None, 60.0)
    assert found.settings == {"model": "digits"}
    assert found.purpose is Purpose.EXPLORE
    assert found.arguments(found.configuration) == {"threads": 2}
    # A parameter that is inactive in this configuration sets nothing.
    assert found.knob_values(found.configuration) == {"cgroup.cpu_quota": 0.5}


def test_zero_is_not_absent():
    found = assignment_from_proto(message(measurement=pb.MeasurementPlan(warmup=0, runs=1, timeout=1.0)))
    assert (found.warmup, found.runs) == (0, 1)


def test_the_arms_of_a_final_check():
    baseline = values_to_proto({"threads": 1, "share": 1.0})
    found = assignment_from_proto(message(plan=["default", "recommended"], baseline=baseline))
    assert found.arm("default") == {"threads": 1, "share": 1.0}
    assert found.arm("recommended") == found.configuration


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"settings_json": "[" * 100_000}, "settings_json"),
        ({"settings_json": "[]"}, "settings_json: is no JSON object"),
        ({"configuration": {"x": data_pb2.Value()}}, "configuration.x: is empty"),
        ({"configuration": {"x": data_pb2.Value(double_value=math.nan)}}, "configuration.x"),
        ({"purpose": 0}, "purpose"),
        ({"wanted": []}, "wanted: is empty"),
        ({"wanted": [data_pb2.Metric(key="x", name="x", statistic="p12")]}, "wanted.x: has an unknown statistic"),
        ({"wanted": [data_pb2.Metric(key="x", name="x")] * 2}, "has a key twice"),
        ({"measurement": pb.MeasurementPlan()}, "measurement.timeout: is not positive"),
        ({"measurement": pb.MeasurementPlan(timeout=math.inf)}, "measurement.timeout"),
        ({"measurement": pb.MeasurementPlan(timeout=1, warmup=-1)}, "measurement.warmup: is negative"),
        ({"measurement": pb.MeasurementPlan(timeout=1, runs=0)}, "measurement.runs: is not positive"),
        ({"knobs": {"a": "k", "b": "k"}}, "binds two parameters to one knob"),
        ({"plan": ["default"]}, "plan: is no plan of pairs"),
        ({"plan": ["default", "best"]}, "plan: is no plan of pairs"),
        ({"fidelity": 0.5}, "fidelity: is not supported"),
        ({"peers": [pb.Peer(rank=1)]}, "peers: are not supported"),
    ],
)
def test_each_thing_that_can_be_wrong(changes, words):
    with pytest.raises(InvalidInput) as caught:
        assignment_from_proto(message(**changes))
    assert words in str(caught.value)


def test_everything_wrong_is_said_at_once():
    with pytest.raises(InvalidInput) as caught:
        assignment_from_proto(message(wanted=[], purpose=0, measurement=pb.MeasurementPlan()))
    assert len(caught.value.problems) == 3
