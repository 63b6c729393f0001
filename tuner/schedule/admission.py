"""Which worker may measure for which study, and what its device makes of the study's space."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from tuner.core.environment import Environment, StudyEnvironment
from tuner.core.errors import InvalidInput
from tuner.core.expression import Value
from tuner.core.param import FloatParam, IntParam, Param
from tuner.core.study import EXTERNAL, Study, StudySpec
from tuner.core.worker import Inventory, Offer, Worker

SHOWN = 3
"""Values that a reason names; a range may miss millions."""


def refusals(spec: StudySpec, inventory: Inventory) -> list[str]:
    """Why a device with this inventory cannot measure this study; empty when it can."""
    if spec.workload.kind == EXTERNAL:
        return ["the study is measured by a program that asks and tells, not by workers"]
    reasons = [*_unselected(spec.workers, inventory), *_workload(spec, inventory)]
    offers = {offer.name: offer for offer in inventory.knobs}
    for param in spec.space.params:
        if param.knob is None:
            continue
        reason = _knob(param, offers.get(param.knob))
        if reason and not param.optional:
            reasons.append(reason)
    if not reasons:
        reasons += _metrics(spec, inventory)
    if not reasons:
        try:
            local_default(spec, settle(spec, inventory)[0])
        except InvalidInput as error:
            reasons += [f"its default configuration is none of the space: {problem}" for problem in error.problems]
    return reasons


def refused_because_pinned(study: Study, worker: Worker) -> str:
    """Why a device of another type than the study's is refused; "" when it is not."""
    digest = worker.inventory.fingerprint.digest
    if study.spec.each_device or study.pinned in (None, digest):
        return ""
    return (
        f"the study is pinned to device type {study.pinned}, this one is {digest} "
        f"({worker.inventory.fingerprint.describe()}); `environments: each` gives each type its own answer"
    )


def settle(spec: StudySpec, inventory: Inventory) -> list[StudyEnvironment]:
    """The environments that a device adds to a study: one for each combination of its contexts."""
    offers = {offer.name: offer for offer in inventory.knobs}
    absent: list[str] = []
    read: dict[str, Value] = {}
    for param in spec.space.params:
        if param.knob is None:
            continue
        offer = offers.get(param.knob)
        if offer is None or _knob(param, offer):
            absent.append(param.name)
        elif offer.current is not None:
            read[param.name] = offer.current
    names = list(spec.contexts)
    return [
        StudyEnvironment(
            Environment(inventory.fingerprint, dict(zip(names, values, strict=True))), tuple(absent), dict(read)
        )
        for values in itertools.product(*(spec.contexts[name] for name in names))
    ]


def local_default(spec: StudySpec, environment: StudyEnvironment) -> Mapping[str, Value]:
    """The default configuration in an environment.

    Raises:
        InvalidInput: a parameter has neither a declared default nor a value that could be read, or the values are
            outside the space.
    """
    return spec.space.without(environment.absent).default(environment.read)


def _unselected(selector: Mapping[str, str], inventory: Inventory) -> list[str]:
    facts = {**inventory.fingerprint.software, **inventory.fingerprint.device, **inventory.labels}
    return [
        f"the study wants workers with {name}={wanted}, this one has {facts.get(name, 'none')}"
        for name, wanted in selector.items()
        if facts.get(name) != wanted
    ]


def _workload(spec: StudySpec, inventory: Inventory) -> list[str]:
    kind = spec.workload.kind
    for offer in inventory.workloads:
        if offer.name == kind:
            return [] if offer.available else [f"workload {kind!r} is not available: {offer.reason}"]
    known = ", ".join(offer.name for offer in inventory.workloads) or "none"
    return [f"workload {kind!r} is not known there (known: {known})"]


def _metrics(spec: StudySpec, inventory: Inventory) -> list[str]:
    """A workload whose metrics depend on its settings declares none in the inventory, and is not judged here."""
    offer = next(offer for offer in inventory.workloads if offer.name == spec.workload.kind)
    if not offer.metrics:
        return []
    declared = dict(offer.metrics)
    for meter in inventory.meters:
        if meter.available:
            declared.update(meter.metrics)
    return [
        f"nothing there measures {metric.name!r} (measured: {', '.join(sorted(declared))})"
        for metric in spec.wanted
        if metric.name not in declared
    ]


def _knob(param: Param, offer: Offer | None) -> str:
    if offer is None:
        return f"knob {param.knob!r} is not known there"
    if not offer.available:
        return f"knob {param.knob!r} is not available: {offer.reason}"
    outside = ", ".join(itertools.islice(_outside(param, offer), SHOWN))
    if outside:
        return f"knob {param.knob!r} does not take {outside} of parameter {param.name!r} there; it takes {offer.domain}"
    return ""


def _outside(param: Param, offer: Offer) -> Iterable[str]:
    """What of the parameter's domain the knob does not take. Between bounds a range is judged by its ends; of a knob
    that lists its values every one is looked for."""
    values: Iterable[Value]
    if not isinstance(param, (FloatParam, IntParam)):
        values = param.levels()
    elif offer.values is None or param.low == param.high:
        values = (*param.special, param.low, param.high)
    elif isinstance(param, IntParam):
        values = itertools.chain(param.special, range(param.low, param.high + 1))
    else:
        return (param.domain(),)
    return (repr(value) for value in values if not _offered(offer, value))


def _offered(offer: Offer, value: Value) -> bool:
    if offer.values is not None:
        return any(value == own and isinstance(value, bool) == isinstance(own, bool) for own in offer.values)
    if isinstance(value, (bool, str)):
        return offer.low is None and offer.high is None
    return (offer.low is None or value >= offer.low) and (offer.high is None or value <= offer.high)
