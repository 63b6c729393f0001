"""A leased trial as its worker sees it: what to measure, complete in itself."""

from __future__ import annotations

import json

from tuner_protos.convert import enum_to_proto, metric_to_proto, values_to_proto
from tuner_protos.v1 import workers_pb2 as pb

from tuner.core.seed import derived_seed
from tuner.core.study import Measurement
from tuner.core.trial import Attempt, Member, Trial
from tuner.store.base import Transaction


def assignment_view(tx: Transaction, trial: Trial, attempt: Attempt, member: Member, term: float) -> pb.Assignment:
    """What one member of an attempt has to do; ``term`` is how long its lease runs, in seconds."""
    study = tx.study(trial.study_id)
    spec = study.spec
    settled = next(s for s in tx.environments(study.id) if s.environment.id == trial.environment)
    return pb.Assignment(
        trial_id=trial.id,
        attempt=attempt.number,
        token=member.token,
        lease_term=term,
        workload=spec.workload.kind,
        settings_json=json.dumps(dict(spec.workload.settings)),
        configuration=values_to_proto(trial.configuration),
        knobs={param.name: knob for knob, param in spec.space.knobs.items()},
        wanted=[metric_to_proto(metric) for metric in spec.wanted if metric.key in trial.wanted],
        measurement=_plan(spec.measurement),
        contexts=dict(settled.environment.contexts),
        seed=derived_seed(spec.seed, settled.environment.id, trial.number),
        purpose=enum_to_proto(trial.purpose),  # type: ignore[arg-type]
        fidelity=trial.fidelity,
        plan=trial.plan,
        baseline=values_to_proto(trial.baseline) if trial.baseline is not None else None,
        rank=member.rank,
        role=member.role,
        peers=[pb.Peer(rank=m.rank, role=m.role, address=m.address) for m in attempt.members if m != member],
    )


def _plan(measurement: Measurement) -> pb.MeasurementPlan:
    return pb.MeasurementPlan(
        warmup=None if measurement.warmup == "auto" else measurement.warmup,
        runs=None if measurement.runs == "auto" else measurement.runs,
        timeout=measurement.timeout,
    )
