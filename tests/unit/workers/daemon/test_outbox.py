"""Handing in what is in the spool, to a server whose words are made up."""

from __future__ import annotations

import pytest
import tuner_workers.outbox as outbox
from tuner_protos.v1 import data_pb2
from tuner_protos.v1 import workers_pb2 as pb
from tuner_workers.link import Refused
from tuner_workers.outbox import hand_in
from tuner_workers.spool import Spool

from tuner.core.errors import StaleLease, Unavailable


class Line:
    """Stands in for the line to a server: it raises what is due for a token, and keeps what it took."""

    def __init__(self, **due) -> None:
        self.due, self.taken = due, []

    def finish(self, request, timeout):
        if request.token in self.due and request.result.state == data_pb2.TRIAL_STATE_COMPLETED:
            raise self.due[request.token]
        self.taken.append((request.token, request.result.state, request.result.cause.message))
        return pb.FinishResponse(accepted=True)


def spool_of(tmp_path, *tokens, runs=0):
    spool = Spool(tmp_path)
    for token in tokens:
        result = data_pb2.Result(
            state=data_pb2.TRIAL_STATE_COMPLETED, runs=[data_pb2.Run(index=i) for i in range(runs)]
        )
        spool.add(pb.FinishRequest(worker_id="w", token=token, result=result))
    return spool


def test_what_is_refused_is_set_aside_and_reported_as_failed(tmp_path):
    spool, line = spool_of(tmp_path, "a", "b"), Line(a=Refused("no such metric", invalid=True))
    hand_in(spool, line)
    assert sorted((token, state) for token, state, _ in line.taken) == [
        ("a", data_pb2.TRIAL_STATE_FAILED),
        ("b", data_pb2.TRIAL_STATE_COMPLETED),
    ]
    assert any("no such metric" in message for _, _, message in line.taken)
    assert spool.pending() == []
    assert [path.suffix for path in tmp_path.iterdir()] == [".bad"]


def test_what_no_message_can_hold_does_not_block_what_comes_behind_it(tmp_path, monkeypatch):
    monkeypatch.setattr(outbox, "MAX_MESSAGE", 1 << 20)
    spool = spool_of(tmp_path, "large", runs=1 << 19)
    spool_of(tmp_path, "small")
    line = Line()
    hand_in(spool, line)
    assert [(token, state) for token, state, _ in line.taken] == [
        ("large", data_pb2.TRIAL_STATE_FAILED),
        ("small", data_pb2.TRIAL_STATE_COMPLETED),
    ]
    assert "a message holds at most 1" in line.taken[0][2]
    assert spool.pending() == []


def test_the_result_of_an_attempt_that_nobody_knows_is_kept_for_a_person(tmp_path):
    spool, line = spool_of(tmp_path, "a", "b"), Line(a=StaleLease("who?"))
    hand_in(spool, line)
    assert [token for token, _, _ in line.taken] == ["b"]
    assert [path.suffix for path in tmp_path.iterdir()] == [".bad"]


@pytest.mark.parametrize("error", [Unavailable("away"), Refused("not you")])
def test_what_may_be_taken_later_stays(tmp_path, error):
    spool, line = spool_of(tmp_path, "a"), Line(a=error)
    with pytest.raises(type(error)):
        hand_in(spool, line)
    assert [entry.request.token for entry in spool.pending()] == ["a"]
