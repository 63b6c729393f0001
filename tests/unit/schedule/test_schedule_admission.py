"""Which device may measure, why another may not, and what a device makes of the space."""

from __future__ import annotations

from dataclasses import replace

import pytest
from schedule_samples import GOVERNOR, INVENTORY, OFFERED, SPEC, THREADS, study

from tuner.core.environment import Fingerprint
from tuner.core.errors import InvalidInput
from tuner.core.expression import parse
from tuner.core.param import BoolParam, FloatParam, IntParam
from tuner.core.space import Space
from tuner.core.study import EXTERNAL, Workload
from tuner.core.worker import Offer, Worker, WorkerState
from tuner.schedule.admission import local_default, refusals, refused_because_pinned, settle


def offering(*knobs, **changes):
    return replace(INVENTORY, knobs=knobs, **changes)


def with_param(param):
    return replace(SPEC, space=Space((THREADS, param)))


def only(reasons):
    assert len(reasons) == 1, reasons
    return reasons[0]


def test_a_device_that_has_everything_is_admitted():
    assert refusals(SPEC, INVENTORY) == []


def test_no_worker_measures_what_a_program_measures():
    assert "asks and tells" in only(refusals(replace(SPEC, workload=Workload(EXTERNAL)), INVENTORY))


def test_the_selector_reads_facts_and_labels():
    chosen = replace(SPEC, workers={"arch": "x86_64", "site": "lab", "kernel": "6.1"})
    assert refusals(chosen, INVENTORY) == []
    reason = only(refusals(replace(SPEC, workers={"arch": "aarch64"}), INVENTORY))
    assert "arch=aarch64" in reason
    assert "x86_64" in reason
    assert "none" in only(refusals(replace(SPEC, workers={"gpu": "yes"}), INVENTORY))


def test_the_workload_is_known_and_available():
    assert "known: none" in only(refusals(SPEC, replace(INVENTORY, workloads=())))
    reason = only(refusals(SPEC, replace(INVENTORY, workloads=(Offer("replay", True), Offer("sim", True)))))
    assert "'tflite'" in reason
    assert "replay, sim" in reason
    broken = replace(INVENTORY, workloads=(Offer("tflite", False, reason="no interpreter"),))
    assert "no interpreter" in only(refusals(SPEC, broken))


def test_a_knob_is_known_available_and_wide_enough():
    assert "not known" in only(refusals(SPEC, offering()))
    assert "needs root" in only(refusals(SPEC, offering(replace(OFFERED, available=False, reason="needs root"))))
    narrow = replace(OFFERED, values=("powersave",), domain="powersave")
    reason = only(refusals(SPEC, offering(narrow)))
    assert "'performance'" in reason
    assert "it takes powersave" in reason


@pytest.mark.parametrize(
    ("param", "offer", "fits"),
    [
        (IntParam(name="k", low=0, high=100, default=0, knob="k"), {"low": 0.0, "high": 100.0}, True),
        (IntParam(name="k", low=0, high=101, default=0, knob="k"), {"low": 0.0, "high": 100.0}, False),
        (IntParam(name="k", low=-1, high=5, default=0, knob="k"), {"low": 0.0}, False),
        (IntParam(name="k", low=1, high=5, default=1, special=(-1,), knob="k"), {"low": 0.0, "high": 9.0}, False),
        (IntParam(name="k", low=1, high=4, default=1, knob="k"), {"values": (1, 2, 3, 4)}, True),
        (IntParam(name="k", low=1, high=4, default=1, knob="k"), {"values": (1, 4)}, False),
        (IntParam(name="k", low=0, high=2**40, default=0, knob="k"), {"values": (0, 2**40)}, False),
        (FloatParam(name="k", low=0.5, high=1.0, default=1.0, knob="k"), {"low": 0.1, "high": 1.0}, True),
        (FloatParam(name="k", low=0.05, high=1.0, default=1.0, knob="k"), {"low": 0.1, "high": 1.0}, False),
        (FloatParam(name="k", low=0.5, high=1.0, default=1.0, knob="k"), {"values": (0.5, 1.0)}, False),
        (FloatParam(name="k", low=1.0, high=1.0, default=1.0, knob="k"), {"values": (0.5, 1)}, True),
        (BoolParam(name="k", default=False, knob="k"), {"values": (False, True)}, True),
        (BoolParam(name="k", default=False, knob="k"), {"values": (0, 1)}, False),
        (BoolParam(name="k", default=False, knob="k"), {"low": 0.0, "high": 1.0}, False),
        (GOVERNOR, {}, True),
        (GOVERNOR, {"low": 0.0}, False),
    ],
)
def test_every_value_of_a_parameter_is_one_that_its_knob_takes(param, offer, fits):
    knob = Offer(param.knob, True, "what it takes", current=None, **offer)
    default = param if param.default is not None else replace(param, default="powersave")
    assert (refusals(with_param(default), offering(knob)) == []) is fits


def test_every_metric_is_measured_by_something():
    reason = only(refusals(SPEC, replace(INVENTORY, meters=())))
    assert "'latency_ms'" in reason
    assert "measured: accuracy" in reason
    away = replace(INVENTORY, meters=(replace(INVENTORY.meters[0], available=False),))
    assert "'latency_ms'" in only(refusals(SPEC, away))


def test_a_workload_that_declares_nothing_beforehand_is_not_judged():
    assert refusals(SPEC, replace(INVENTORY, meters=(), workloads=(Offer("tflite", True),))) == []


def test_every_reason_is_given():
    bare = replace(INVENTORY, knobs=(), workloads=())
    assert len(refusals(replace(SPEC, workers={"arch": "aarch64"}), bare)) == 3


def test_a_default_that_cannot_be_read_or_is_outside_the_space_refuses_the_device():
    assert "governor" in only(refusals(SPEC, offering(replace(OFFERED, current=None))))
    wide = replace(OFFERED, values=("performance", "powersave", "schedutil"), current="schedutil")
    assert "'schedutil'" in only(refusals(SPEC, offering(wide)))
    declared = with_param(replace(GOVERNOR, default="performance"))
    assert refusals(declared, offering(replace(OFFERED, current=None))) == []


def test_a_default_that_breaks_a_constraint_refuses_the_device():
    torn = replace(SPEC, space=Space((THREADS, GOVERNOR), (parse("threads <= 1 or governor == 'performance'"),)))
    assert "does not hold" in only(refusals(torn, INVENTORY))


def test_the_default_is_declared_or_read_before_anything_was_applied():
    [settled] = settle(SPEC, INVENTORY)
    assert dict(local_default(SPEC, settled)) == {"threads": 2, "governor": "powersave"}
    declared = with_param(replace(GOVERNOR, default="performance"))
    assert local_default(declared, settle(declared, INVENTORY)[0])["governor"] == "performance"
    with pytest.raises(InvalidInput, match="governor"):
        local_default(SPEC, replace(settled, read={}))


@pytest.mark.parametrize(
    "knobs",
    [(), (replace(OFFERED, available=False),), (replace(OFFERED, values=("powersave",)),)],
    ids=["unknown", "unavailable", "too narrow"],
)
def test_an_optional_knob_that_is_not_offered_is_left_out_there(knobs):
    optional = with_param(replace(GOVERNOR, optional=True))
    assert refusals(optional, offering(*knobs)) == []
    [settled] = settle(optional, offering(*knobs))
    assert settled.absent == ("governor",)
    assert dict(local_default(optional, settled)) == {"threads": 2}


def test_an_optional_knob_that_is_offered_is_kept():
    optional = with_param(replace(GOVERNOR, optional=True))
    [settled] = settle(optional, INVENTORY)
    assert (settled.absent, dict(settled.read)) == ((), {"governor": "powersave"})


def test_each_combination_of_contexts_is_an_environment():
    assert [settled.environment.contexts for settled in settle(SPEC, INVENTORY)] == [{}]
    contexts = {"load": ("light", "heavy"), "power": ("battery", "mains", "solar")}
    settled = settle(replace(SPEC, contexts=contexts), INVENTORY)
    assert len({one.environment.id for one in settled}) == 6
    assert settled[0].environment.contexts == {"load": "light", "power": "battery"}
    assert settled[-1].environment.contexts == {"load": "heavy", "power": "solar"}
    assert len({one.environment.fingerprint.digest for one in settled}) == 1


def test_a_study_is_pinned_to_its_first_device_type():
    other = replace(INVENTORY, fingerprint=Fingerprint({"arch": "aarch64", "board": "Böard"}))
    worker = Worker("w", "w", WorkerState.ONLINE, other, 0.0, 0.0)
    pinned = replace(study(), pinned=INVENTORY.fingerprint.digest)
    reason = refused_because_pinned(pinned, worker)
    assert INVENTORY.fingerprint.digest in reason
    assert "Böard" in reason
    assert "environments: each" in reason
    assert refused_because_pinned(study(), worker) == ""
    assert refused_because_pinned(pinned, replace(worker, inventory=INVENTORY)) == ""
    assert refused_because_pinned(replace(pinned, spec=replace(SPEC, each_device=True)), worker) == ""


def test_software_does_not_make_another_device_type():
    newer = replace(INVENTORY, fingerprint=replace(INVENTORY.fingerprint, software={"kernel": "6.9"}))
    worker = Worker("w", "w", WorkerState.ONLINE, newer, 0.0, 0.0)
    assert refused_because_pinned(replace(study(), pinned=INVENTORY.fingerprint.digest), worker) == ""
