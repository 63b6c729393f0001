"""Everything of a study as JSON lines."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from tuner_protos.convert import event_to_proto
from tuner_protos.v1 import data_pb2

from tuner.core.event import Event
from tuner.core.study import Study
from tuner.service.rpc.views.trial import trial_views
from tuner.service.transactions import Transactions
from tuner.store.base import Transaction

TRIALS_AT_ONCE = 20
EVENTS_AT_ONCE = 500


async def exported(transactions: Transactions, study: Study, view: data_pb2.Study) -> AsyncIterator[str]:
    """The study, then its trials with their runs and learning curves, then its events: one line for each."""
    yield _line("study", view)
    after = 0
    while trials := await transactions.read(partial(_trials, study, after)):
        for trial in trials:
            yield _line("trial", trial)
        after = trials[-1].number
    cursor = 0
    while events := await transactions.read(partial(_events, study, cursor)):
        for event in events:
            yield _line("event", event_to_proto(event))
        cursor = events[-1].sequence


def _trials(study: Study, after: int, tx: Transaction) -> list[data_pb2.Trial]:
    return trial_views(tx, study, tx.trials(study.id, after=after, limit=TRIALS_AT_ONCE), runs=True, curves=True)


def _events(study: Study, after: int, tx: Transaction) -> list[Event]:
    return tx.events(after=after, study_id=study.id, limit=EVENTS_AT_ONCE)


def _line(kind: str, message: Message) -> str:
    return json.dumps({kind: json.loads(MessageToJson(message))}) + "\n"
