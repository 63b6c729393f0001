"""The service ``tuner.v1.Workers``: daemons register, lease, keep alive, finish."""

from __future__ import annotations

from dataclasses import dataclass, replace

import grpc
from tuner_protos.convert import (
    enum_from_proto,
    intermediate_from_proto,
    inventory_from_proto,
    result_from_proto,
)
from tuner_protos.v1 import workers_pb2 as pb
from tuner_protos.v1 import workers_pb2_grpc

from tuner.core.errors import InvalidInput, NotFound, Problem
from tuner.core.trial import Attempt, Member, Trial, TrialState
from tuner.core.worker import Worker, WorkerState
from tuner.service.operations import leasing, results
from tuner.service.operations.record import change_worker
from tuner.service.rpc.errors import answers
from tuner.service.rpc.pages import page_size
from tuner.service.rpc.views.assignment import assignment_view
from tuner.service.rpc.views.worker import worker_views
from tuner.service.runtime import Runtime
from tuner.store.base import Transaction

PROTOCOL = 1
LONGEST_WAIT = 60.0


@dataclass(frozen=True)
class _Answer:
    """What a lease request comes to: an assignment or not, whether to wait for one, and why there is none."""

    assignment: pb.Assignment | None
    directive: pb.Directive
    reasons: tuple[str, ...] = ()


class WorkersServicer(workers_pb2_grpc.WorkersServicer):
    """What worker daemons call. They dial out; the server never calls them."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        # By worker, the last lease it asked for. An earlier request may still wait here, for a connection that is dead:
        # it must not take from the worker what it holds by now.
        self._newest: dict[str, int] = {}

    @answers
    async def Register(self, request: pb.RegisterRequest, context: grpc.aio.ServicerContext) -> pb.RegisterResponse:
        """A worker says what its device is and offers; registering again replaces that."""
        if request.protocol != PROTOCOL:
            raise InvalidInput(Problem("protocol", "is not spoken here", request.protocol, str(PROTOCOL)))
        if not request.worker_id or len(request.worker_id) > 100:
            raise InvalidInput(Problem("worker_id", "is missing or too long", request.worker_id, "1 to 100 characters"))
        inventory = inventory_from_proto(request.inventory)

        def work(tx: Transaction) -> list[str]:
            now = self._runtime.clock.now()
            self._newest.pop(request.worker_id, None)
            state = WorkerState.QUARANTINED if request.broken else WorkerState.ONLINE
            name = request.name or request.worker_id
            worker = Worker(request.worker_id, name, state, inventory, now, now, request.broken)
            try:
                before = tx.worker(worker.id)
            except NotFound:
                before = replace(worker, state=WorkerState.OFFLINE)
            if before.state is WorkerState.DRAINING and state is WorkerState.ONLINE:
                # Asked to leave, and come back before it had left: it was not asked to stay.
                worker = replace(worker, state=WorkerState.DRAINING, reason=before.reason)
            change_worker(tx, before, replace(worker, registered_at=before.registered_at), now)
            return [
                member.token
                for attempt in tx.live_attempts(worker_id=worker.id)
                for member in attempt.members
                if member.worker_id == worker.id
            ]

        held = await self._runtime.transactions.run(work)
        self._runtime.notify()
        options = self._runtime.options
        return pb.RegisterResponse(
            heartbeat_interval=options.heartbeat_interval, lease_term=options.lease_term, held=held
        )

    @answers
    async def Lease(self, request: pb.LeaseRequest, context: grpc.aio.ServicerContext) -> pb.LeaseResponse:
        """Something to measure, waited for up to ``wait`` seconds."""
        if not request.wait >= 0:
            raise InvalidInput(Problem("wait", "is no duration", request.wait, "seconds"))
        deadline = self._runtime.clock.now() + min(request.wait, LONGEST_WAIT)
        while True:
            change = self._runtime.change
            answer = await self._runtime.transactions.run(
                lambda tx: self._lease(tx, request.worker_id, request.sequence)
            )
            left = deadline - self._runtime.clock.now()
            settled = answer.assignment is not None or answer.directive != pb.DIRECTIVE_CONTINUE or left <= 0
            if settled or self._runtime.stopping:
                if answer.assignment is not None:
                    self._runtime.notify()
                return pb.LeaseResponse(
                    assignment=answer.assignment, directive=answer.directive, reasons=answer.reasons
                )
            # Who waits is alive, and what was withheld for something fresher is due in a while: look again.
            await self._runtime.changed(change, min(left, self._runtime.options.heartbeat_interval))

    def _lease(self, tx: Transaction, worker_id: str, sequence: int) -> _Answer:
        now = self._runtime.clock.now()
        worker = tx.worker(worker_id)
        if worker.state is WorkerState.OFFLINE:
            worker = change_worker(tx, worker, replace(worker, state=WorkerState.ONLINE, seen_at=now, reason=""), now)
        elif now - worker.seen_at > self._runtime.options.heartbeat_interval / 2:
            tx.put_worker(replace(worker, seen_at=now))
        if worker.state is WorkerState.DRAINING:
            return _Answer(None, pb.DIRECTIVE_DRAIN, (worker.reason,))
        if sequence < self._newest.setdefault(worker_id, sequence):
            return _Answer(None, pb.DIRECTIVE_CONTINUE, ("this worker has asked for a later lease since",))
        self._newest[worker_id] = sequence
        token, held = self._token(tx, worker_id, sequence)
        if held is not None:
            attempt, member = held
            trial = tx.trial(attempt.study_id, attempt.trial)
            tx.update_attempt(attempt, attempt.state, expires_at=now + self._runtime.options.lease_term)
            return _Answer(self._assignment(tx, trial, attempt, member), pb.DIRECTIVE_CONTINUE)
        for attempt in tx.live_attempts(worker_id=worker_id):
            # It asks for another lease, so it no longer measures this one: it was restarted and has forgotten.
            tries = tx.study(attempt.study_id).spec.budget.max_attempts
            leasing.expire(tx, attempt, now, tries, "its worker forgot it and asked for another lease")
        term = self._runtime.options.lease_term
        claim = leasing.claim(
            tx, worker, token, now, term, lambda study: self._runtime.cost_of(tx, study), self._runtime
        )
        if claim.attempt is None or claim.trial is None:
            return _Answer(None, pb.DIRECTIVE_CONTINUE, claim.reasons)
        assignment = self._assignment(tx, claim.trial, claim.attempt, claim.attempt.members[0])
        return _Answer(assignment, pb.DIRECTIVE_CONTINUE)

    def _token(self, tx: Transaction, worker_id: str, sequence: int) -> tuple[str, tuple[Attempt, Member] | None]:
        """The token for a lease under this sequence, and the live lease that a repeated request gets again."""
        turn = 0
        while True:
            token = self._runtime.token(worker_id, sequence, turn)
            try:
                attempt, member = tx.attempt_by_token(token)
            except NotFound:
                return token, None
            if attempt.state.live:
                return token, (attempt, member)
            turn += 1

    def _assignment(self, tx: Transaction, trial: Trial, attempt: Attempt, member: Member) -> pb.Assignment:
        return assignment_view(tx, trial, attempt, member, self._runtime.options.lease_term)

    @answers
    async def Heartbeat(self, request: pb.HeartbeatRequest, context: grpc.aio.ServicerContext) -> pb.HeartbeatResponse:
        """A worker is alive; its lease is renewed, and it learns what to do."""
        intermediates = tuple(intermediate_from_proto(message) for message in request.intermediates)

        def work(tx: Transaction) -> pb.Directive:
            now = self._runtime.clock.now()
            before = tx.worker(request.worker_id)
            worker = replace(before, seen_at=now)
            if request.broken:
                worker = replace(worker, state=WorkerState.QUARANTINED, reason=request.broken)
            elif before.state is WorkerState.OFFLINE:
                worker = replace(worker, state=WorkerState.ONLINE, reason="")
            change_worker(tx, before, worker, now)
            rest = pb.DIRECTIVE_DRAIN if worker.state is WorkerState.DRAINING else pb.DIRECTIVE_CONTINUE
            if not request.token:
                return rest
            attempt, member = self._held(tx, request.worker_id, request.token)
            state = leasing.heartbeat(
                tx,
                attempt,
                member,
                now,
                self._runtime.options.lease_term,
                running=request.running,
                intermediates=intermediates,
            )
            if not attempt.state.live:
                return pb.DIRECTIVE_CANCEL if state.terminal else pb.DIRECTIVE_CONTINUE
            return pb.DIRECTIVE_STOP if state is TrialState.STOPPING else rest

        return pb.HeartbeatResponse(directive=await self._runtime.transactions.run(work))

    @answers
    async def Finish(self, request: pb.FinishRequest, context: grpc.aio.ServicerContext) -> pb.FinishResponse:
        """A result, stored once however often it is sent."""
        result = result_from_proto(request.result)

        def work(tx: Transaction) -> tuple[str, pb.FinishResponse]:
            attempt, member = self._held(tx, request.worker_id, request.token)
            receipt = results.finish(tx, attempt, member, result, self._runtime.clock.now())
            return attempt.study_id, pb.FinishResponse(accepted=receipt.accepted, note=receipt.note)

        response = await self._runtime.end_trial(work)
        if request.HasField("next_sequence"):
            answer = await self._runtime.transactions.run(
                lambda tx: self._lease(tx, request.worker_id, request.next_sequence)
            )
            response.directive = answer.directive
            if answer.assignment is not None:
                response.next.CopyFrom(answer.assignment)
        return response

    @answers
    async def Release(self, request: pb.ReleaseRequest, context: grpc.aio.ServicerContext) -> pb.ReleaseResponse:
        """A lease comes back unmeasured."""

        def work(tx: Transaction) -> None:
            attempt, _ = self._held(tx, request.worker_id, request.token)
            now, reason = self._runtime.clock.now(), request.reason or "given back"
            if request.lost and attempt.state.live:
                leasing.expire(tx, attempt, now, tx.study(attempt.study_id).spec.budget.max_attempts, reason)
            else:
                leasing.release(tx, attempt, request.worker_id, now, reason)

        await self._runtime.transactions.run(work)
        self._runtime.notify()
        return pb.ReleaseResponse()

    @answers
    async def List(self, request: pb.ListWorkersRequest, context: grpc.aio.ServicerContext) -> pb.ListWorkersResponse:
        """Workers, a page at a time."""
        size = page_size(request.page_size)
        states = [enum_from_proto(WorkerState, state, "states") for state in request.states]
        found = await self._runtime.transactions.read(lambda tx: worker_views(tx, states))
        page = [worker for worker in found if worker.id > request.page_token][: size + 1]
        token = page[size - 1].id if len(page) > size else ""
        return pb.ListWorkersResponse(workers=page[:size], next_page_token=token)

    @staticmethod
    def _held(tx: Transaction, worker_id: str, token: str) -> tuple[Attempt, Member]:
        attempt, member = tx.attempt_by_token(token)
        if member.worker_id != worker_id:
            raise NotFound("this worker holds no lease with that token")
        return attempt, member
