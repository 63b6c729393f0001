"""What ``--json`` prints. The keys are stable: one may be added, none changes its meaning or goes.

    study     id, name, run, state, reason, owner, labels, engine, created_at, ended_at, objectives,
              outcome_constraints, progress, environments, notes, check
    progress  counted, completed, infeasible, failed, stopped, queued, running, elapsed, trials, time, left
    check     environment, trial, metric, default, recommended, ratio, ci95, pi95, n, unit, method, verdict
    trial     id, number, state, purpose, environment, configuration, observations, feasible, cause, engine, note,
              worker, attempts, fidelity, created_at, started_at, ended_at; of one trial also runs, intermediates
    optimal   environment, rule, default, recommended, front
    worker    id, name, state, reason, trial, registered_at, seen_at, device, software, labels, knobs, meters, workloads
    event     sequence, kind, at, study, trial, actor, data

Times are seconds since the epoch, durations seconds. What is not known is null. Ratios are recommended / default.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from tuner_protos.v1 import data_pb2, trials_pb2

from tuner.core.expression import Value
from tuner.core.worker import Inventory, Offer
from tuner.report.words import cause, goal, purpose, study_state, trial_state, worker_state

Record = dict[str, object]


def study_record(study: data_pb2.Study) -> Record:
    """A study."""
    return {
        "id": study.id,
        "name": study.name,
        "run": study.run,
        "state": study_state(study),
        "reason": study.reason,
        "owner": study.owner,
        "labels": dict(study.labels),
        "engine": study.engine,
        "created_at": study.created_at,
        "ended_at": study.ended_at if study.HasField("ended_at") else None,
        "objectives": [
            {
                "key": each.metric.key,
                "metric": each.metric.name,
                "statistic": each.metric.statistic,
                "goal": goal(each),
            }
            for each in study.objectives
        ],
        "outcome_constraints": list(study.outcome_constraints),
        "progress": progress_record(study.progress),
        "environments": [
            {"id": each.id, "device": dict(each.fingerprint.device), "contexts": dict(each.contexts)}
            for each in study.environments
        ],
        "notes": list(study.notes),
        "check": [record for check in study.checks for record in check_records(check)],
    }


def progress_record(progress: data_pb2.Progress) -> Record:
    """How far a study is."""
    return {
        "counted": progress.counted,
        "completed": progress.completed,
        "infeasible": progress.infeasible,
        "failed": progress.failed,
        "stopped": progress.stopped,
        "queued": progress.queued,
        "running": progress.running,
        "elapsed": progress.elapsed,
        "trials": progress.trials if progress.HasField("trials") else None,
        "time": progress.time if progress.HasField("time") else None,
        "left": progress.left if progress.HasField("left") else None,
    }


def check_records(check: data_pb2.Check) -> list[Record]:
    """A final check, one record for each metric."""
    return [
        {
            "environment": check.environment,
            "trial": check.trial,
            "metric": each.metric,
            "default": each.default_mean,
            "recommended": each.recommended_mean,
            "ratio": each.ratio if each.ratio > 0 and math.isfinite(each.ratio) else None,
            "ci95": _interval(each.ci_low, each.ci_high),
            "pi95": _interval(each.pi_low, each.pi_high),
            "n": each.n,
            "unit": each.unit,
            "method": each.method,
            "verdict": each.verdict,
        }
        for each in check.metrics
    ]


def trial_record(trial: data_pb2.Trial, *, whole: bool = False) -> Record:
    """A trial; ``whole`` adds its runs and intermediate values."""
    record: Record = {
        "id": trial.id,
        "number": trial.number,
        "state": trial_state(trial),
        "purpose": purpose(trial),
        "environment": trial.environment or None,
        "configuration": values_record(trial.configuration),
        "observations": {each.metric: _observation(each) for each in trial.observations},
        "feasible": trial.feasible if trial.HasField("feasible") else None,
        "cause": cause(trial.cause) if trial.HasField("cause") else None,
        "engine": trial.engine,
        "note": trial.note,
        "worker": trial.worker_id or None,
        "attempts": trial.attempts,
        "fidelity": trial.fidelity if trial.HasField("fidelity") else None,
        "created_at": trial.created_at,
        "started_at": trial.started_at if trial.HasField("started_at") else None,
        "ended_at": trial.ended_at if trial.HasField("ended_at") else None,
    }
    if whole:
        record["runs"] = [_run(run) for run in trial.runs]
        record["intermediates"] = [
            {"step": each.step, "elapsed": each.elapsed, "metric": each.metric, "value": each.value}
            for each in trial.intermediates
        ]
    return record


def optimal_record(optimal: trials_pb2.Optimal) -> Record:
    """What was found in one environment."""
    return {
        "environment": optimal.environment,
        "rule": optimal.rule,
        "default": trial_record(optimal.default) if optimal.HasField("default") else None,
        "recommended": trial_record(optimal.recommended) if optimal.HasField("recommended") else None,
        "front": [trial_record(trial) for trial in optimal.front],
    }


def worker_record(worker: data_pb2.Worker, inventory: Inventory) -> Record:
    """A worker, and what its device offers."""
    return {
        "id": worker.id,
        "name": worker.name,
        "state": worker_state(worker),
        "reason": worker.reason,
        "trial": worker.trial or None,
        "registered_at": worker.registered_at,
        "seen_at": worker.seen_at,
        **inventory_record(inventory),
    }


def inventory_record(inventory: Inventory) -> Record:
    """What a device is, and what it offers."""
    return {
        "device": dict(inventory.fingerprint.device),
        "software": dict(inventory.fingerprint.software),
        "labels": dict(inventory.labels),
        "knobs": [_offer(offer) for offer in inventory.knobs],
        "meters": [_offer(offer) for offer in inventory.meters],
        "workloads": [_offer(offer) for offer in inventory.workloads],
    }


def event_record(event: data_pb2.Event) -> Record:
    """Something that happened."""
    return {
        "sequence": event.sequence,
        "kind": event.kind,
        "at": event.at,
        "study": event.study_id or None,
        "trial": event.trial or None,
        "actor": event.actor,
        "data": json.loads(event.data_json or "{}"),
    }


def values_record(values: Mapping[str, data_pb2.Value]) -> dict[str, Value | None]:
    """A configuration, in the order of the names."""
    return {name: _value(values[name]) for name in sorted(values)}


def _value(value: data_pb2.Value) -> Value | None:
    kind = value.WhichOneof("kind")
    plain: Value | None = getattr(value, kind) if kind else None
    return plain


def _observation(each: data_pb2.Observation) -> Record:
    return {
        "mean": each.mean,
        "variance": each.variance if each.HasField("variance") else None,
        "n": each.n,
        "unit": each.unit,
        "method": each.method,
    }


def _run(run: data_pb2.Run) -> Record:
    return {
        "index": run.index,
        "started_at": run.started_at,
        "duration": run.duration,
        "values": dict(run.values),
        "knobs": values_record(run.knobs),
        "flags": list(run.flags),
        "arm": run.arm or None,
        "block": run.block,
    }


def _offer(offer: Offer) -> Record:
    return {
        "name": offer.name,
        "available": offer.available,
        "domain": offer.domain,
        "reason": offer.reason,
        "current": offer.current,
        "low": offer.low,
        "high": offer.high,
        "values": None if offer.values is None else list(offer.values),
        "metrics": dict(offer.metrics),
    }


def _interval(low: float, high: float) -> list[float] | None:
    return [low, high] if 0 < low <= high and math.isfinite(high) else None
