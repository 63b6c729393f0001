"""From what a run reported to metrics and observations."""

import pytest
from tuner_workers.measurement.readings import observe, read_run
from tuner_workers.meters.base import Quantity
from tuner_workers.workloads.base import MetricSamples, RunOutput, WorkloadError

from tuner.core.observation import Metric

LATENCY = Metric("p95(latency_ms)", "latency_ms", "p95")
OUTPUT = RunOutput({"latency_ms": MetricSamples((1.0, 2.0, 3.0), "ms", "wall clock")}, items=4.0)
DECLARED = {"latency_ms": "ms", "energy_j": "J", "cpu_s": "s", "unitless": ""}
METERED = {"energy_j": Quantity(8.0, "J", "rapl"), "cpu_s": Quantity(2.0, "s", "getrusage")}


def test_wanted_by_key_and_declared_by_name():
    metrics = {**OUTPUT.metrics, "secret": MetricSamples((1.0,), "1", "x"), "unitless": MetricSamples((1.0,), "", "x")}
    values = read_run([LATENCY], DECLARED, RunOutput(metrics), METERED)
    assert set(values) == {"p95(latency_ms)", "latency_ms", "energy_j", "cpu_s"}
    assert values["p95(latency_ms)"] == Quantity(2.9, "ms", "wall clock")
    assert values["latency_ms"].value == 2.0


def test_energy_is_per_item_and_says_so():
    values = read_run([Metric("energy_j", "energy_j")], DECLARED, OUTPUT, METERED)
    assert values["energy_j"] == Quantity(2.0, "J", "rapl, per item")
    assert values["cpu_s"] == Quantity(2.0, "s", "getrusage")
    assert read_run([], DECLARED, RunOutput({}), METERED)["energy_j"] == Quantity(8.0, "J", "rapl")


def test_the_workloads_own_word_goes_before_a_meters():
    own = RunOutput({"energy_j": MetricSamples((5.0,), "J", "plug")}, items=2.0)
    assert read_run([Metric("energy_j", "energy_j")], DECLARED, own, METERED)["energy_j"] == Quantity(5.0, "J", "plug")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (RunOutput({}), "latency_ms was not reported; reported: cpu_s, energy_j"),
        (RunOutput({"latency_ms": MetricSamples((1.0,), "s", "x")}), "declared in 'ms' but was reported in 's'"),
        (RunOutput({"latency_ms": MetricSamples((float("nan"),), "ms", "x")}), "latency_ms: a sample is nan"),
        (RunOutput({"latency_ms": MetricSamples((), "ms", "x")}), "latency_ms: there are no samples"),
        (RunOutput(OUTPUT.metrics, items=0.0), "0.0 items"),
        (RunOutput(OUTPUT.metrics, items=float("inf")), "inf items"),
    ],
)
def test_bad_output(output, words):
    with pytest.raises(WorkloadError, match=words) as caught:
        read_run([LATENCY], DECLARED, output, METERED)
    assert caught.value.kind == "bad output"


def test_observations_carry_variance_unit_and_method():
    runs = [
        {"x": Quantity(value, "ms", "wall clock"), "y": Quantity(1.0, "1", f"m{value}")} for value in (1.0, 2.0, 3.0)
    ]
    x, y = observe(runs)
    assert (x.metric, x.mean, x.variance, x.n, x.unit, x.method) == ("x", 2.0, 1.0, 3, "ms", "wall clock")
    assert y.method == "m1.0; m2.0; m3.0"
    assert observe(runs[:1])[0].variance is None
    assert observe([]) == ()


def test_an_auxiliary_metric_that_one_run_lacks_is_not_observed():
    ms = Quantity(1.0, "ms", "m")
    assert [o.metric for o in observe([{"x": ms, "y": ms}, {"x": ms}])] == ["x"]


def test_a_unit_that_changes_is_bad_output():
    with pytest.raises(WorkloadError, match="x was reported in 'ms' and 's'"):
        observe([{"x": Quantity(1.0, "ms", "m")}, {"x": Quantity(1.0, "s", "m")}])
