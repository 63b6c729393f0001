"""The whole way, on toys with known answers: at the same budget the gp engine finds what random search does not."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping

import pytest

pytest.importorskip("botorch", reason="the models need the extra [server]")

from tuner.core.expression import parse
from tuner.core.observation import Metric, Observation
from tuner.core.param import BoolParam, CategoricalParam, FloatParam, IntParam, OrdinalParam
from tuner.core.preference import front
from tuner.core.space import Configuration, Space
from tuner.core.study import Objective, OutcomeConstraint
from tuner.core.trial import Cause, CauseKind, TrialState
from tuner.engine.base import Engine, Evaluated, SuggestRequest
from tuner.engine.gp import GpEngine
from tuner.engine.random import RandomEngine

Measure = Callable[[Configuration], Mapping[str, float] | None]

LATENCY = Objective(Metric("latency_ms", "latency_ms"))
ENERGY = Objective(Metric("energy_j", "energy_j"))
ACCURATE = OutcomeConstraint(Metric("accuracy", "accuracy"), ">=", parse("0.95 * default"))

GP_SEEDS = range(3)
RANDOM_SEEDS = range(25)

PLANE = Space((FloatParam(name="x", low=-5.0, high=10.0), FloatParam(name="y", low=0.0, high=15.0)))

SYSTEM = Space(
    (
        IntParam(name="threads", low=1, high=16, log=True),
        CategoricalParam(name="precision", values=("float32", "float16", "int8", "int4")),
        OrdinalParam(name="batch", values=(1, 2, 4, 8, 16, 32)),
        CategoricalParam(name="delegate", values=("none", "cpu", "gpu")),
        FloatParam(name="gpu_share", low=0.1, high=1.0, when=parse("delegate == 'gpu'")),
        BoolParam(name="pinned"),
        FloatParam(name="quantum_ms", low=0.1, high=100.0, log=True),
    ),
    (parse("threads <= 8 or not pinned"),),
)


def branin(configuration: Configuration) -> Mapping[str, float]:
    """Branin's function ("Widely Convergent Method for Finding Multiple Solutions", IBM J. Res. Dev. 16, 1972); its
    least value is 0.398."""
    x, y = (float(configuration[name]) for name in "xy")
    valley = (y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2
    return {"latency_ms": valley + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10}


def system(configuration: Configuration) -> Mapping[str, float] | None:
    """A made-up device: large batches break on the gpu, and int4 is fast but not accurate enough."""
    threads, batch, delegate = int(configuration["threads"]), int(configuration["batch"]), configuration["delegate"]
    if delegate == "gpu" and batch >= 16:
        return None
    speed = {"float32": 1.0, "float16": 1.5, "int8": 2.5, "int4": 4.0}[str(configuration["precision"])]
    accuracy = {"float32": 0.98, "float16": 0.979, "int8": 0.96, "int4": 0.7}[str(configuration["precision"])]
    if delegate == "gpu":
        speed *= 1 + 4 * float(configuration["gpu_share"])
    else:
        speed *= (threads / (1 + 0.04 * threads**2)) * (1.5 if delegate == "cpu" else 1.0)
    speed *= 1.2 if configuration["pinned"] else 1.0
    overhead = 3 / batch + 0.02 * batch + 0.1 * math.log10(float(configuration["quantum_ms"]) / 3) ** 2
    return {"latency_ms": 20 / speed + overhead, "accuracy": accuracy}


def bowls(configuration: Configuration) -> Mapping[str, float]:
    """Two positive bowls, whose front is the line between their bottoms."""
    x, y = (float(configuration[name]) for name in "xy")
    return {
        "latency_ms": 1 + (x + 2) ** 2 + (y - 3) ** 2,
        "energy_j": 1 + (x - 6) ** 2 + (y - 12) ** 2,
    }


def study(
    engine: Engine,
    space: Space,
    measure: Measure,
    trials: int,
    seed: int,
    objectives: tuple[Objective, ...] = (LATENCY,),
    constraints: tuple[OutcomeConstraint, ...] = (),
    first: Configuration | None = None,
) -> list[Mapping[str, float]]:
    """What ``trials`` measurements in sequence found, failures left out."""
    completed: list[Evaluated] = []
    found = []
    for number in range(trials):
        request = SuggestRequest(space, objectives, constraints, tuple(completed), seed=1_000 * seed + number)
        proposal = first if number == 0 and first else engine.suggest(request)[0].configuration
        values = measure(proposal)
        if values is None:
            cause = Cause(CauseKind.OUT_OF_MEMORY)
            completed.append(Evaluated(proposal, TrialState.FAILED, cause=cause))
            continue
        found.append(values)
        observations = {key: Observation(key, value) for key, value in values.items()}
        completed.append(Evaluated(proposal, TrialState.COMPLETED, observations, is_default=number == 0))
    return found


def assert_clearly_less(gp: list[float], chance: list[float]) -> None:
    """The middle one of the gp's results is among random search's best tenth, its worst among the better half."""
    assert statistics.median(gp) < statistics.quantiles(chance, n=10)[0]
    assert max(gp) < statistics.median(chance)


def test_branin() -> None:
    def best(engine: Engine, seed: int) -> float:
        return min(values["latency_ms"] for values in study(engine, PLANE, branin, 24, seed))

    gp = [best(GpEngine(), seed) for seed in GP_SEEDS]
    chance = [best(RandomEngine(), seed) for seed in RANDOM_SEEDS]
    assert_clearly_less(gp, chance)


def test_a_mixed_space_with_a_condition_a_constraint_and_failures() -> None:
    default = SYSTEM.configuration(
        {"threads": 1, "precision": "float32", "batch": 1, "delegate": "none", "pinned": False, "quantum_ms": 10.0}
    )

    def best(engine: Engine, seed: int) -> float:
        found = study(engine, SYSTEM, system, 26, seed, constraints=(ACCURATE,), first=default)
        return min(values["latency_ms"] for values in found if values["accuracy"] >= 0.95 * 0.98)

    gp = [best(GpEngine(), seed) for seed in GP_SEEDS]
    chance = [best(RandomEngine(), seed) for seed in RANDOM_SEEDS]
    assert_clearly_less(gp, chance)


def test_two_objectives() -> None:
    objectives = (LATENCY, ENERGY)

    def lost_hypervolume(engine: Engine, seed: int) -> float:
        found = study(engine, PLANE, bowls, 16, seed, objectives)
        points = [values for _, values in front(objectives, [(None, values) for values in found])]
        volume, ceiling = 0.0, 150.0
        for point in points:  # by latency, rising; energy falls
            if point["latency_ms"] < 150.0 and point["energy_j"] < ceiling:
                volume += (150.0 - point["latency_ms"]) * (ceiling - point["energy_j"])
                ceiling = point["energy_j"]
        return -volume

    gp = [lost_hypervolume(GpEngine(), seed) for seed in GP_SEEDS]
    chance = [lost_hypervolume(RandomEngine(), seed) for seed in RANDOM_SEEDS]
    assert_clearly_less(gp, chance)
