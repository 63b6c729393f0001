"""Core values <-> flat rows of numbers, text and JSON.

A row holds what a value says of itself; the keys that place it (study, trial, attempt) are the caller's. Every value
is checked on its way in (``checks``), so a store that encodes and decodes keeps nothing that a reader cannot bear and
shares nothing with its caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any, Protocol

from tuner.core.environment import Environment, Fingerprint, StudyEnvironment
from tuner.core.event import Event, EventKind
from tuner.core.observation import Intermediate, Observation, Run
from tuner.core.space import Configuration
from tuner.core.study import Study, StudySpec, StudyState
from tuner.core.trial import Attempt, AttemptState, Cause, CauseKind, Member, Origin, Purpose, Result, Trial, TrialState
from tuner.core.worker import Inventory, Offer, Worker, WorkerState
from tuner.spec.document import spec_from_document, spec_to_document
from tuner.store.checks import from_json, name, number, prose, to_json, whole

Row = dict[str, Any]


class AnyRow(Protocol):
    """A row as it comes back: a dictionary, or the database's own."""

    def __getitem__(self, column: str, /) -> Any: ...  # noqa: ANN401  so may a column


# --- studies ---


def study_row(study: Study) -> Row:
    """Everything that a study says."""
    return {
        "id": name(study.id, "id"),
        "name": name(study.spec.name, "name"),
        "run": whole(study.run, "run"),
        "spec": to_json(spec_to_document(study.spec), "spec"),
        "source": prose(study.source),
        "owner": name(study.owner, "owner"),
        "created_at": number(study.created_at, "created_at"),
        **study_changes(study),
    }


def study_changes(study: Study) -> Row:
    """The fields that may change."""
    return {
        "state": study.state.value,
        "active_seconds": number(study.active_seconds, "active_seconds"),
        "active_since": number(study.active_since, "active_since"),
        "ended_at": number(study.ended_at, "ended_at"),
        "reason": prose(study.reason),
        "pinned": name(study.pinned, "pinned"),
    }


def study_value(row: AnyRow) -> Study:
    """The study that a row holds."""
    return Study(
        id=row["id"],
        spec=_spec(row["spec"]),
        run=row["run"],
        state=StudyState(row["state"]),
        created_at=row["created_at"],
        source=row["source"],
        owner=row["owner"],
        active_seconds=row["active_seconds"],
        active_since=row["active_since"],
        ended_at=row["ended_at"],
        reason=row["reason"],
        pinned=row["pinned"],
    )


@lru_cache(maxsize=64)
def _spec(document: str) -> StudySpec:
    # A study is read in every transaction about it, and its spec never changes.
    return spec_from_document(from_json(document))


# --- environments ---


def environment_row(settled: StudyEnvironment) -> Row:
    """Everything that a study's environment says."""
    environment = settled.environment
    return {
        "id": environment.id,
        "device": to_json(environment.fingerprint.device, "device"),
        "software": to_json(environment.fingerprint.software, "software"),
        "contexts": to_json(environment.contexts, "contexts"),
        "absent": to_json(settled.absent, "absent"),
        "found": to_json(settled.read, "read"),
    }


def environment_value(row: AnyRow) -> StudyEnvironment:
    """The environment that a row holds."""
    fingerprint = Fingerprint(from_json(row["device"]), from_json(row["software"]))
    environment = Environment(fingerprint, from_json(row["contexts"]))
    return StudyEnvironment(environment, tuple(from_json(row["absent"])), from_json(row["found"]))


# --- trials ---


def trial_row(trial: Trial) -> Row:
    """Everything that a trial says, without its place."""
    return {
        "configuration": to_json(trial.configuration, "configuration"),
        "digest": trial.configuration.digest,
        "purpose": trial.purpose.value,
        "engine": name(trial.origin.engine, "origin.engine"),
        "seen": whole(trial.origin.seen, "origin.seen"),
        "note": prose(trial.origin.note),
        "predicted": to_json(trial.origin.predicted, "origin.predicted"),
        "created_at": number(trial.created_at, "created_at"),
        "wanted": to_json(trial.wanted, "wanted"),
        "fidelity": number(trial.fidelity, "fidelity"),
        "plan": to_json(trial.plan, "plan"),
        "baseline": None if trial.baseline is None else to_json(trial.baseline, "baseline"),
        "members": to_json(trial.members, "members"),
        **trial_changes(trial),
    }


def trial_changes(trial: Trial) -> Row:
    """The fields that may change."""
    return {
        "state": trial.state.value,
        "environment": name(trial.environment, "environment"),
        "attempts": whole(trial.attempts, "attempts"),
        "started_at": number(trial.started_at, "started_at"),
        "ended_at": number(trial.ended_at, "ended_at"),
        **cause_row(trial.cause),
    }


def trial_value(study_id: str, number: int, row: AnyRow) -> Trial:
    """The trial that a row holds, at its place."""
    predicted = from_json(row["predicted"]).items()
    return Trial(
        study_id=study_id,
        number=number,
        configuration=Configuration(from_json(row["configuration"])),
        purpose=Purpose(row["purpose"]),
        state=TrialState(row["state"]),
        origin=Origin(row["engine"], row["seen"], row["note"], {key: (mean, sd) for key, (mean, sd) in predicted}),
        created_at=row["created_at"],
        environment=row["environment"],
        wanted=tuple(from_json(row["wanted"])),
        fidelity=row["fidelity"],
        plan=tuple(from_json(row["plan"])),
        baseline=None if row["baseline"] is None else Configuration(from_json(row["baseline"])),
        members=tuple(from_json(row["members"])),
        attempts=row["attempts"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        cause=cause_value(row),
    )


def cause_row(cause: Cause | None) -> Row:
    """Why something did not complete, or nothing."""
    return {
        "cause": None if cause is None else cause.kind.value,
        "cause_message": "" if cause is None else prose(cause.message),
    }


def cause_value(row: AnyRow) -> Cause | None:
    """The cause that a row of any kind holds."""
    return None if row["cause"] is None else Cause(CauseKind(row["cause"]), row["cause_message"])


# --- attempts ---


def attempt_row(attempt: Attempt) -> Row:
    """What an attempt says, without its members."""
    return {
        "number": whole(attempt.number, "number"),
        "state": attempt.state.value,
        "leased_at": number(attempt.leased_at, "leased_at"),
        "expires_at": number(attempt.expires_at, "expires_at"),
        "ended_at": number(attempt.ended_at, "ended_at"),
        **cause_row(attempt.cause),
    }


def member_rows(attempt: Attempt) -> list[Row]:
    """The members of an attempt, in their order."""
    return [
        {
            "position": position,
            "worker_id": name(member.worker_id, "worker_id"),
            "role": name(member.role, "role"),
            "rank": whole(member.rank, "rank"),
            "token": name(member.token, "token"),
            "address": prose(member.address),
        }
        for position, member in enumerate(attempt.members)
    ]


def attempt_value(study_id: str, trial: int, row: AnyRow, members: Iterable[AnyRow]) -> Attempt:
    """The attempt that a row and the rows of its members hold."""
    return Attempt(
        study_id=study_id,
        trial=trial,
        number=row["number"],
        state=AttemptState(row["state"]),
        members=tuple(Member(m["worker_id"], m["role"], m["rank"], m["token"], m["address"]) for m in members),
        leased_at=row["leased_at"],
        expires_at=row["expires_at"],
        ended_at=row["ended_at"],
        cause=cause_value(row),
    )


# --- results ---


def result_row(result: Result) -> Row:
    """What a result says, without its observations, runs and learning curve."""
    return {"state": result.state.value, "cost": number(result.cost, "cost"), **cause_row(result.cause)}


def result_value(
    row: AnyRow, observations: Iterable[AnyRow], runs: Iterable[AnyRow], curve: Iterable[AnyRow]
) -> Result:
    """The result that a row and the rows of its parts hold."""
    return Result(
        state=TrialState(row["state"]),
        observations=tuple(
            Observation(o["metric"], o["mean"], o["variance"], o["n"], o["unit"], o["method"]) for o in observations
        ),
        runs=tuple(_run_value(run) for run in runs),
        intermediates=tuple(intermediate_value(point) for point in curve),
        cause=cause_value(row),
        cost=row["cost"],
    )


def observation_rows(observations: Sequence[Observation]) -> list[Row]:
    """One row each, in their order."""
    return [
        {
            "position": position,
            "metric": name(observation.metric, "metric"),
            "mean": number(observation.mean, f"{observation.metric}.mean"),
            "variance": number(observation.variance, f"{observation.metric}.variance"),
            "n": whole(observation.n, f"{observation.metric}.n"),
            "unit": name(observation.unit, f"{observation.metric}.unit"),
            "method": prose(observation.method),
        }
        for position, observation in enumerate(observations)
    ]


def run_rows(runs: Sequence[Run]) -> list[Row]:
    """One row each, in their order."""
    return [
        {
            "position": position,
            "number": whole(run.index, f"runs[{position}].index"),
            "started_at": number(run.started_at, f"runs[{position}].started_at"),
            "duration": number(run.duration, f"runs[{position}].duration"),
            "measured": to_json(run.values, f"runs[{position}].values"),
            "knobs": to_json(run.knobs, f"runs[{position}].knobs"),
            "flags": to_json(run.flags, f"runs[{position}].flags"),
            "arm": name(run.arm, f"runs[{position}].arm"),
            "block": whole(run.block, f"runs[{position}].block"),
            "histogram": to_json(run.histogram, f"runs[{position}].histogram"),
        }
        for position, run in enumerate(runs)
    ]


def _run_value(row: AnyRow) -> Run:
    histogram = from_json(row["histogram"]).items()
    return Run(
        index=row["number"],
        started_at=row["started_at"],
        duration=row["duration"],
        values=from_json(row["measured"]),
        knobs=from_json(row["knobs"]),
        flags=tuple(from_json(row["flags"])),
        arm=row["arm"],
        block=row["block"],
        histogram={metric: (tuple(bounds), tuple(counts)) for metric, (bounds, counts) in histogram},
    )


def intermediate_row(point: Intermediate) -> Row:
    """One point of a learning curve."""
    return {
        "step": whole(point.step, "step"),
        "elapsed": number(point.elapsed, "elapsed"),
        "metric": name(point.metric, "metric"),
        "measured": number(point.value, point.metric),
    }


def intermediate_value(row: AnyRow) -> Intermediate:
    """The point that a row holds."""
    return Intermediate(row["step"], row["elapsed"], row["metric"], row["measured"])


# --- workers, events ---


def worker_row(worker: Worker) -> Row:
    """Everything that is known of a worker."""
    return {
        "id": name(worker.id, "id"),
        "name": name(worker.name, "name"),
        "state": worker.state.value,
        "inventory": to_json(asdict(worker.inventory), "inventory"),
        "registered_at": number(worker.registered_at, "registered_at"),
        "seen_at": number(worker.seen_at, "seen_at"),
        "reason": prose(worker.reason),
    }


def worker_value(row: AnyRow) -> Worker:
    """The worker that a row holds."""
    inventory = from_json(row["inventory"])
    return Worker(
        id=row["id"],
        name=row["name"],
        state=WorkerState(row["state"]),
        inventory=Inventory(
            fingerprint=Fingerprint(**inventory["fingerprint"]),
            knobs=_offers(inventory["knobs"]),
            meters=_offers(inventory["meters"]),
            workloads=_offers(inventory["workloads"]),
            labels=inventory["labels"],
        ),
        registered_at=row["registered_at"],
        seen_at=row["seen_at"],
        reason=row["reason"],
    )


def _offers(rows: Iterable[Row]) -> tuple[Offer, ...]:
    return tuple(Offer(**{**row, "values": None if row["values"] is None else tuple(row["values"])}) for row in rows)


def event_row(event: Event) -> Row:
    """What an event says; its sequence is the store's to give."""
    return {
        "kind": event.kind.value,
        "at": number(event.at, "at"),
        "study_id": name(event.study_id, "study_id"),
        "trial": whole(event.trial, "trial"),
        "actor": name(event.actor, "actor"),
        "data": to_json(event.data, "data"),
    }


def event_value(row: AnyRow) -> Event:
    """The event that a row holds."""
    return Event(
        kind=EventKind(row["kind"]),
        at=row["at"],
        study_id=row["study_id"],
        trial=row["trial"],
        actor=row["actor"],
        data=from_json(row["data"]),
        sequence=row["sequence"],
    )
