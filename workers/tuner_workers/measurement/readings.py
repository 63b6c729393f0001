"""From what one run reported to the metrics of a study, and from the runs to observations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from tuner.core.observation import Metric, Observation, summarise
from tuner.core.trial import CauseKind
from tuner_workers.measurement.aggregate import aggregate
from tuner_workers.meters.base import Quantity
from tuner_workers.workloads.base import MetricSamples, RunOutput, WorkloadError

ENERGY = "J"
"""The unit by which a meter's energy is known: it is divided by the run's items, so runs of unlike size compare."""


def read_run(
    wanted: Sequence[Metric],
    declared: Mapping[str, str],
    output: RunOutput,
    metered: Mapping[str, Quantity],
) -> dict[str, Quantity]:
    """The wanted metrics (by key) and the auxiliary ones that are declared with a unit (by name, their mean).

    A metric that the workload and a meter both report is the workload's: it knows its own work best.

    Args:
        wanted: what the study asks for.
        declared: unit of each metric that the workload or a meter declares.
        output: what the workload reported.
        metered: what the meters read over the same run.

    Raises:
        WorkloadError: "bad output": a wanted metric that nobody reports, a unit other than declared, a value that is
            not finite, a number of items that is not positive.
    """
    reported = {**_per_item(metered, output.items), **output.metrics}
    missing = [metric.name for metric in wanted if metric.name not in reported]
    if missing:
        names = ", ".join(sorted(reported)) or "nothing"
        raise bad_output(f"{', '.join(missing)} was not reported; reported: {names}")
    for name, samples in reported.items():
        if name in declared and samples.unit != declared[name]:
            raise bad_output(f"{name} is declared in {declared[name]!r} but was reported in {samples.unit!r}")
    values = {metric.key: _quantity(metric.name, metric.statistic, reported[metric.name]) for metric in wanted}
    for name in sorted(reported.keys() & declared.keys() - values.keys()):
        if declared[name]:
            values[name] = _quantity(name, "mean", reported[name])
    return values


def observe(runs: Sequence[Mapping[str, Quantity]]) -> tuple[Observation, ...]:
    """One observation of each metric that all of ``runs`` measured; none where there is no run.

    Raises:
        WorkloadError: "bad output": a metric changed its unit from one run to another.
    """
    if not runs:
        return ()
    shared = [name for name in runs[0] if all(name in run for run in runs)]
    return tuple(_observation(name, [run[name] for run in runs]) for name in shared)


def bad_output(message: str) -> WorkloadError:
    """The error of a workload whose output cannot be used."""
    return WorkloadError(CauseKind.BAD_OUTPUT.value, message)


def _per_item(metered: Mapping[str, Quantity], items: float) -> dict[str, MetricSamples]:
    if not (math.isfinite(items) and items > 0):
        raise bad_output(f"the run reported {items} items; expected a positive number")
    samples = {}
    for name, quantity in metered.items():
        if quantity.unit == ENERGY and items != 1:
            quantity = Quantity(quantity.value / items, quantity.unit, f"{quantity.method}, per item")
        samples[name] = MetricSamples((quantity.value,), quantity.unit, quantity.method)
    return samples


def _quantity(name: str, statistic: str, samples: MetricSamples) -> Quantity:
    try:
        return Quantity(aggregate(statistic, samples.samples), samples.unit, samples.method)
    except ValueError as error:
        raise bad_output(f"{name}: {error}") from error


def _observation(name: str, quantities: Sequence[Quantity]) -> Observation:
    units = sorted({quantity.unit for quantity in quantities})
    if len(units) > 1:
        raise bad_output(f"{name} was reported in {' and '.join(map(repr, units))}")
    methods = dict.fromkeys(quantity.method for quantity in quantities)
    try:
        return summarise(name, [quantity.value for quantity in quantities], units[0], "; ".join(methods))
    except (ValueError, OverflowError) as error:
        raise bad_output(f"{name}: {error}") from error
