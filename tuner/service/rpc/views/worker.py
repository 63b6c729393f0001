"""Workers as a reader sees them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tuner_protos.convert import worker_to_proto
from tuner_protos.v1 import data_pb2 as pb

from tuner.core.worker import WorkerState
from tuner.store.base import Transaction


def worker_views(tx: Transaction, states: Sequence[WorkerState] = ()) -> list[pb.Worker]:
    """Workers with what they measure now."""
    busy: dict[str, str] = defaultdict(str)
    for attempt in tx.live_attempts():
        for member in attempt.members:
            busy[member.worker_id] = attempt.trial_id
    return [worker_to_proto(worker, busy[worker.id]) for worker in tx.workers(states=states)]
