"""Handing in what is in the spool."""

from __future__ import annotations

import logging

from tuner_protos.convert import result_to_proto
from tuner_protos.v1 import workers_pb2 as pb

from tuner.core.errors import StaleLease
from tuner.core.trial import Cause, CauseKind, Result, TrialState
from tuner_workers.link import CALL_TIME, MAX_MESSAGE, Link, Refused
from tuner_workers.spool import Entry, Spool

_log = logging.getLogger(__name__)


def hand_in(spool: Spool, link: Link, timeout: float = CALL_TIME) -> None:
    """Send everything that is spooled, oldest first; what the server acknowledges leaves the spool.

    A result that no message can hold, or whose contents the server refuses, can never be handed in: it is set aside,
    and the attempt is reported as failed with the reason, so that its trial does not wait for a lease to run out again
    and again, nor the results behind it for ever.

    Args:
        timeout: seconds for each.

    Raises:
        Unavailable, Refused, Interrupted: as ``Link``; what was not acknowledged stays spooled.
        OSError: the spool cannot be read.
    """
    for entry in spool.pending():
        try:
            _send(entry, spool, link, timeout)
        except StaleLease as error:
            spool.set_aside(entry, f"the server does not know its attempt: {error}")
        except Refused as error:
            if not error.invalid:
                raise
            spool.set_aside(entry, f"it is refused: {error}")
            replacement = _failed(entry.request, str(error))
            if entry.request.result.state != replacement.result.state:
                _send(spool.add(replacement), spool, link, timeout)


def _send(entry: Entry, spool: Spool, link: Link, timeout: float) -> None:
    if (size := entry.request.ByteSize()) > MAX_MESSAGE:
        raise Refused(f"{size >> 20} MiB, and a message holds at most {MAX_MESSAGE >> 20}", invalid=True)
    answer = link.finish(entry.request, timeout)
    spool.acknowledged(entry)
    if answer.note:
        _log.info("result handed in: %s", answer.note)


def _failed(request: pb.FinishRequest, why: str) -> pb.FinishRequest:
    cause = Cause(CauseKind.BAD_OUTPUT, f"the result was refused: {why}"[:2000])
    result = Result(TrialState.FAILED, cause=cause, cost=request.result.cost)
    return pb.FinishRequest(worker_id=request.worker_id, token=request.token, result=result_to_proto(result))
