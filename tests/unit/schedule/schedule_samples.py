"""A small study with a knob, a device that offers it, and trials, for tests of the schedule."""

from __future__ import annotations

from dataclasses import replace

from tuner.core.environment import Fingerprint
from tuner.core.expression import parse
from tuner.core.observation import Metric
from tuner.core.param import CategoricalParam, IntParam
from tuner.core.space import Configuration, Space
from tuner.core.study import Budget, Measurement, Objective, OutcomeConstraint, Study, StudySpec, StudyState, Workload
from tuner.core.trial import Attempt, AttemptState, Member, Origin, Purpose, Trial, TrialState
from tuner.core.worker import Inventory, Offer

NOW = 1000.0

LATENCY = Metric("p95(latency_ms)", "latency_ms", "p95")
ACCURACY = Metric("accuracy", "accuracy")
GOVERNOR = CategoricalParam(name="governor", values=("performance", "powersave"), knob="cpufreq.governor")
THREADS = IntParam(name="threads", low=1, high=4, default=2)

SPEC = StudySpec(
    name="digits",
    workload=Workload("tflite"),
    space=Space((THREADS, GOVERNOR)),
    objectives=(Objective(LATENCY),),
    outcome_constraints=(OutcomeConstraint(ACCURACY, ">=", parse("0.9")),),
    budget=Budget(trials=10),
    measurement=Measurement(blocks=6),
)

OFFERED = Offer(
    "cpufreq.governor", True, "performance or powersave", current="powersave", values=("performance", "powersave")
)
INVENTORY = Inventory(
    Fingerprint({"arch": "x86_64", "board": "Testboard"}, {"kernel": "6.1"}),
    knobs=(OFFERED,),
    meters=(Offer("wall", True, metrics={"latency_ms": "ms"}),),
    workloads=(Offer("tflite", True, metrics={"accuracy": "1"}),),
    labels={"site": "lab"},
)


def study(spec: StudySpec = SPEC, state: StudyState = StudyState.ACTIVE, active_since: float | None = NOW) -> Study:
    return Study(f"{spec.name}/1", spec, 1, state, NOW, active_since=active_since)


def with_budget(trials: int | None = None, time: float | None = None, blocks: int = 6) -> Study:
    return study(replace(SPEC, budget=Budget(trials, time), measurement=Measurement(blocks=blocks)))


def trial(state: TrialState = TrialState.QUEUED, attempts: int = 0, purpose: Purpose = Purpose.EXPLORE) -> Trial:
    configuration = Configuration({"threads": 2, "governor": "powersave"})
    origin = Origin("random")
    return Trial("digits/1", 1, configuration, purpose, state, origin, NOW, environment="e", attempts=attempts)


def attempt(number: int = 1, state: AttemptState = AttemptState.LEASED) -> Attempt:
    member = Member(f"w{number}", "main", 0, f"token-{number}")
    return Attempt("digits/1", 1, number, state, (member,), NOW, NOW + 15)
