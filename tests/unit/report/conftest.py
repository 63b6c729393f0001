"""A study with every kind of trial, as messages, and rendering at a width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from tuner_protos.v1 import data_pb2 as pb
from tuner_protos.v1 import trials_pb2

from tuner.report.snapshot import Snapshot


def value(plain):
    kinds = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}
    return pb.Value(**{kinds[type(plain)]: plain})


def trial(number, config, measured=None, **fields):
    """A completed explore trial of environment "e", unless said otherwise; ``measured``: metric -> (mean, unit)."""
    defaults = {
        "purpose": pb.PURPOSE_EXPLORE,
        "state": pb.TRIAL_STATE_COMPLETED,
        "environment": "e",
        "ended_at": 1000.0 + number,
    }
    return pb.Trial(
        id=f"größe/1/{number}",
        number=number,
        configuration={name: value(plain) for name, plain in config.items()},
        observations=[
            pb.Observation(metric=metric, mean=mean, variance=0.04, n=4, unit=unit, method="wall clock")
            for metric, (mean, unit) in (measured or {}).items()
        ],
        **{**defaults, **fields},
    )


def objective(key, *, maximize=False, statistic="mean"):
    return pb.Objective(metric=pb.Metric(key=key, name=key, statistic=statistic), maximize=maximize)


@pytest.fixture
def make_trial():
    return trial


@pytest.fixture
def make_objective():
    return objective


@pytest.fixture
def snapshot():
    """Two objectives, a default, a front of two, one failed and one infeasible trial, two workers, a final check."""
    long = {"quantization": "float32", "threads": 1, "größe": 0.25, "a_parameter_with_a_very_long_name": True}
    default = trial(1, long, {"latency_ms": (30.0, "ms"), "energy_j": (4.0, "J")}, purpose=pb.PURPOSE_DEFAULT)
    fast = trial(2, {**long, "threads": 4, "quantization": "int8"}, {"latency_ms": (7.0, "ms"), "energy_j": (3.0, "J")})
    lean = trial(3, {**long, "größe": 1.0}, {"latency_ms": (20.0, "ms"), "energy_j": (1.5, "J")})
    crashed = trial(
        4,
        {**long, "threads": 3},
        state=pb.TRIAL_STATE_FAILED,
        cause=pb.Cause(kind=pb.CAUSE_KIND_OUT_OF_MEMORY, message="killed at 512 MiB\nsecond line"),
    )
    refused = trial(5, long, state=pb.TRIAL_STATE_INFEASIBLE, cause=pb.Cause(kind=pb.CAUSE_KIND_REFUSED))
    confirming = trial(6, long, state=pb.TRIAL_STATE_RUNNING, purpose=pb.PURPOSE_CONFIRM, ended_at=0)
    check = pb.Check(
        environment="e",
        trial=6,
        conclusion="The recommended configuration is better than the default.",
        metrics=[
            pb.CheckedMetric(
                metric="latency_ms",
                default_mean=30.0,
                recommended_mean=7.0,
                ratio=7 / 30,
                ci_low=0.22,
                ci_high=0.25,
                pi_low=0.2,
                pi_high=0.27,
                n=6,
                unit="ms",
                method="wall clock",
                verdict="better",
            ),
            pb.CheckedMetric(
                metric="energy_j",
                default_mean=4.0,
                recommended_mean=3.0,
                ratio=0.75,
                ci_low=0.7,
                ci_high=0.8,
                n=6,
                unit="J",
                method="modelled: cpu time x 10 W",
                verdict="better",
            ),
        ],
    )
    study = pb.Study(
        id="größe/1",
        name="größe",
        run=1,
        state=pb.STUDY_STATE_CONFIRMING,
        engine="gp",
        created_at=1000.0,
        objectives=[objective("latency_ms", statistic="p95"), objective("energy_j")],
        outcome_constraints=["accuracy >= 0.95"],
        progress=pb.Progress(
            counted=4, completed=2, failed=1, infeasible=1, running=1, elapsed=80, trials=30, time=600, left=130
        ),
        environments=[
            pb.Environment(id="e", fingerprint=pb.Fingerprint(device={"board": "[bold]Jetson", "cores": "6"}))
        ],
        checks=[check],
        notes=["fallback: gp was late [red]"],
    )
    workers = [
        pb.Worker(id="w1", name="jetson", state=pb.WORKER_STATE_ONLINE, trial="größe/1/6", seen_at=2000),
        pb.Worker(id="w2", name="pi", state=pb.WORKER_STATE_QUARANTINED, reason="vm.swappiness is 10, was 60"),
        pb.Worker(id="w3", name="gone", state=pb.WORKER_STATE_OFFLINE),
    ]
    optimal = trials_pb2.Optimal(environment="e", default=default, front=[fast, lean], recommended=fast, rule="a rule")
    every = (default, fast, lean, crashed, refused, confirming)
    return Snapshot(study, workers, [optimal], {each.number: each for each in every})


@pytest.fixture
def render():
    def rendered(renderable, width=100):
        out = io.StringIO()
        Console(file=out, width=width, markup=False, highlight=False, emoji=False).print(renderable)
        return out.getvalue()

    return rendered
