"""The service ``tuner.v1.Trials``: ask and tell for programs that measure by themselves, and trials to read."""

from __future__ import annotations

from functools import partial

import grpc
from tuner_protos.convert import (
    cause_from_proto,
    enum_from_proto,
    intermediate_from_proto,
    observation_from_proto,
    values_from_proto,
)
from tuner_protos.v1 import data_pb2, trials_pb2, trials_pb2_grpc

from tuner.core.environment import Fingerprint
from tuner.core.errors import InvalidInput, NotFound, Problem, StaleLease, WrongState
from tuner.core.study import EXTERNAL, Study, StudyState
from tuner.core.trial import Origin, Purpose, Result, Trial, TrialState
from tuner.core.worker import Inventory, Worker, WorkerState
from tuner.engine.base import SuggestRequest
from tuner.schedule.budget import may_explore
from tuner.service.operations import leasing, results, studies
from tuner.service.operations.advance import tally
from tuner.service.operations.findings import joined
from tuner.service.operations.record import create_trial
from tuner.service.rpc.errors import answers
from tuner.service.rpc.pages import page_number, page_size
from tuner.service.rpc.views.optimal import optimal_views
from tuner.service.rpc.views.trial import trial_views
from tuner.service.runtime import Runtime
from tuner.service.suggesting.request import build_request
from tuner.store.base import Transaction

LARGEST_COUNT = 64
LONGEST_NUMBER = 9
"""Digits of a trial's number: the protocol has 32 bits for it."""


_NO_DEVICE = Inventory(Fingerprint({"kind": EXTERNAL}))


class TrialsServicer(trials_pb2_grpc.TrialsServicer):
    """Trials to ask for, to tell, and to read."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    @answers
    async def Suggest(
        self, request: trials_pb2.SuggestRequest, context: grpc.aio.ServicerContext
    ) -> trials_pb2.SuggestResponse:
        """Trials for a program that measures by itself; it holds them as a worker holds a lease.

        A repeated request gets what the first one got. Fewer than asked for come back when the budget or the space
        ends first; none, when there is nothing left to measure.
        """
        if not 1 <= request.count <= LARGEST_COUNT:
            raise InvalidInput(Problem("count", "is out of range", request.count, f"1 to {LARGEST_COUNT}"))
        if not request.client_id or not request.request_id:
            raise InvalidInput(Problem("client_id", "and request_id are needed", None, "any text that names them"))
        deadline = self._runtime.clock.now() + self._runtime.options.patience * 2
        response = await self._runtime.transactions.run(partial(self._answered, request))
        if response.suggestions:
            return response
        for index in range(request.count):
            while True:
                change = self._runtime.change
                suggested, waiting = await self._runtime.transactions.run(partial(self._ask, request, index))
                if suggested is not None:
                    response.suggestions.append(suggested)
                    break
                left = deadline - self._runtime.clock.now()
                if not waiting or left <= 0 or response.suggestions or not await self._runtime.changed(change, left):
                    return response
        return response

    def _answered(self, request: trials_pb2.SuggestRequest, tx: Transaction) -> trials_pb2.SuggestResponse:
        """What an earlier copy of the request got."""
        study = self._told(tx, request.study)
        response = trials_pb2.SuggestResponse()
        for index in range(request.count):
            held = self._held(tx, study, self._token(study, request, index))
            if held is None:
                break
            response.suggestions.append(held)
        return response

    def _ask(
        self, request: trials_pb2.SuggestRequest, index: int, tx: Transaction
    ) -> tuple[trials_pb2.Suggested | None, bool]:
        now = self._runtime.clock.now()
        study = self._told(tx, request.study)
        token = self._token(study, request, index)
        held = self._held(tx, study, token)  # by a copy of the request that came at the same time
        if held is not None or study.state is not StudyState.ACTIVE:
            return held, False
        client = Worker(
            f"client-{request.client_id}",
            request.client_id,
            WorkerState.ONLINE,
            _NO_DEVICE,
            registered_at=now,
            seen_at=now,
        )
        term, cost = study.spec.measurement.timeout, self._runtime.cost_of(tx, study)
        claim = leasing.claim_from(tx, study, client, token, now, term, cost, self._runtime)
        if claim.trial is None:
            return None, not self._runtime.suggester.exhausted(study.id)
        return self._suggested(tx, study, claim.trial, token), False

    def _token(self, study: Study, request: trials_pb2.SuggestRequest, index: int) -> str:
        return self._runtime.token(study.id, request.client_id, request.request_id, index)

    @staticmethod
    def _told(tx: Transaction, name: str) -> Study:
        study = studies.find(tx, name)
        if study.spec.workload.kind != EXTERNAL:
            raise WrongState(
                f"study {study.id!r} is measured by workers; `workload: {{kind: external}}` is for programs"
            )
        return study

    def _held(self, tx: Transaction, study: Study, token: str) -> trials_pb2.Suggested | None:
        try:
            attempt, _ = tx.attempt_by_token(token)
        except NotFound:
            return None
        return self._suggested(tx, study, tx.trial(study.id, attempt.trial), token)

    @staticmethod
    def _suggested(tx: Transaction, study: Study, trial: Trial, token: str) -> trials_pb2.Suggested:
        return trials_pb2.Suggested(trial=trial_views(tx, study, [trial])[0], token=token)

    @answers
    async def Add(self, request: trials_pb2.AddRequest, context: grpc.aio.ServicerContext) -> data_pb2.Trial:
        """Queue a configuration of the user's own."""

        def work(tx: Transaction) -> data_pb2.Trial:
            key = f"add:{request.study}:{request.request_id}"
            answered = tx.recall(key) if request.request_id else None
            if answered is not None:
                return data_pb2.Trial.FromString(answered)
            now = self._runtime.clock.now()
            study = studies.find(tx, request.study)
            if study.state is not StudyState.ACTIVE:
                raise WrongState(f"study {study.id!r} is {study.state.value}: it takes no more configurations")
            environments = joined(tx, study)
            if not environments:
                raise WrongState(f"study {study.id!r} has no environment yet: it waits for its first worker")
            if not may_explore(study, tally(tx, study.id), now, self._runtime.cost_of(tx, study)):
                raise WrongState(f"the budget of study {study.id!r} is used up, or will be by trials that are open")
            settled = environments[0]
            space = study.spec.space.without(settled.absent)
            trial = Trial(
                study_id=study.id,
                number=0,
                configuration=space.configuration(values_from_proto(request.configuration)),
                purpose=Purpose.EXPLORE,
                state=TrialState.QUEUED,
                origin=Origin("user", tx.last_event(study.id)),
                created_at=now,
                environment=settled.environment.id,
                wanted=tuple(metric.key for metric in study.spec.wanted),
            )
            view = trial_views(tx, study, [create_trial(tx, trial, now, actor=study.owner)])[0]
            if request.request_id:
                tx.remember(key, view.SerializeToString(), now)
            return view

        view = await self._runtime.transactions.run(work)
        self._runtime.notify()
        return view

    @answers
    async def Report(
        self, request: trials_pb2.ReportRequest, context: grpc.aio.ServicerContext
    ) -> trials_pb2.ReportResponse:
        """A point of the learning curve; renews the lease."""
        values = tuple(intermediate_from_proto(message, f"values[{i}]") for i, message in enumerate(request.values))

        def work(tx: Transaction) -> bool:
            attempt, member = tx.attempt_by_token(request.token)
            if not attempt.state.live:
                raise StaleLease(f"the lease of trial {attempt.trial_id} has ended")
            term = tx.study(attempt.study_id).spec.measurement.timeout
            now = self._runtime.clock.now()
            state = leasing.heartbeat(tx, attempt, member, now, term, running=True, intermediates=values)
            return state is not TrialState.STOPPING

        return trials_pb2.ReportResponse(keep=await self._runtime.transactions.run(work))

    @answers
    async def Complete(self, request: trials_pb2.CompleteRequest, context: grpc.aio.ServicerContext) -> data_pb2.Trial:
        """Tell what was measured. Told twice, or after the lease has gone to another, nothing stored changes."""
        observations = tuple(
            observation_from_proto(message, f"observations[{i}]") for i, message in enumerate(request.observations)
        )
        if not 0 <= request.cost < float("inf"):
            raise InvalidInput(Problem("cost", "is not usable", request.cost, "seconds"))
        return await self._tell(request.token, Result(TrialState.COMPLETED, observations, cost=request.cost))

    @answers
    async def Fail(self, request: trials_pb2.FailRequest, context: grpc.aio.ServicerContext) -> data_pb2.Trial:
        """Tell that the configuration could not be measured, and why."""
        cause = cause_from_proto(request.cause)
        return await self._tell(request.token, results.failure(cause))

    async def _tell(self, token: str, result: Result) -> data_pb2.Trial:
        def work(tx: Transaction) -> tuple[str, data_pb2.Trial]:
            attempt, member = tx.attempt_by_token(token)
            receipt = results.finish(tx, attempt, member, result, self._runtime.clock.now())
            return attempt.study_id, trial_views(tx, tx.study(attempt.study_id), [receipt.trial])[0]

        return await self._runtime.end_trial(work)

    @answers
    async def Get(self, request: trials_pb2.GetTrialRequest, context: grpc.aio.ServicerContext) -> data_pb2.Trial:
        """One trial with its runs and learning curve."""
        name, _, number = request.trial.rpartition("/")
        if not name or not (number.isascii() and number.isdigit()) or len(number) > LONGEST_NUMBER:
            raise InvalidInput(Problem("trial", "names no trial", request.trial, "NAME/NUMBER or NAME/RUN/NUMBER"))

        def work(tx: Transaction) -> data_pb2.Trial:
            study = studies.find(tx, name)
            return trial_views(tx, study, [tx.trial(study.id, int(number))], runs=True, curves=True)[0]

        return await self._runtime.transactions.read(work)

    @answers
    async def List(
        self, request: trials_pb2.ListTrialsRequest, context: grpc.aio.ServicerContext
    ) -> trials_pb2.ListTrialsResponse:
        """Trials, a page at a time."""
        size, after = page_size(request.page_size), page_number(request.page_token)
        states = [enum_from_proto(TrialState, state, "states") for state in request.states]
        purposes = [enum_from_proto(Purpose, purpose, "purposes") for purpose in request.purposes]

        def work(tx: Transaction) -> trials_pb2.ListTrialsResponse:
            study = studies.find(tx, request.study)
            found = tx.trials(study.id, states=states, purposes=purposes, after=after, limit=size + 1)
            return trials_pb2.ListTrialsResponse(
                trials=trial_views(tx, study, found[:size]),
                next_page_token=str(found[size - 1].number) if len(found) > size else "",
            )

        return await self._runtime.transactions.read(work)

    @answers
    async def ListOptimal(
        self, request: trials_pb2.ListOptimalRequest, context: grpc.aio.ServicerContext
    ) -> trials_pb2.ListOptimalResponse:
        """The front and the recommendation, per environment."""

        def work(tx: Transaction) -> trials_pb2.ListOptimalResponse:
            study = studies.find(tx, request.study)
            return trials_pb2.ListOptimalResponse(optimal=optimal_views(tx, study))

        return await self._runtime.transactions.read(work)

    @answers
    async def Predict(
        self, request: trials_pb2.PredictRequest, context: grpc.aio.ServicerContext
    ) -> trials_pb2.PredictResponse:
        """What the study's engine expects of configurations."""

        def ask(tx: Transaction) -> tuple[Study, SuggestRequest]:
            study = studies.find(tx, request.study)
            environments = {settled.environment.id: settled for settled in tx.environments(study.id)}
            where = request.environment or next(iter(environments), "")
            if where not in environments:
                raise NotFound(f"study {study.id!r} has no environment {where!r}")
            return study, build_request(tx, study, environments[where], 1, self._runtime.options.patience).request

        study, question = await self._runtime.transactions.read(ask)
        configurations = tuple(
            question.space.configuration(values_from_proto(message.values), source=f"configurations[{i}]")
            for i, message in enumerate(request.configurations)
        )
        predictions = await self._runtime.host.predict(study.spec.engine.name, question, configurations)
        return trials_pb2.PredictResponse(
            predictions=[
                trials_pb2.PredictedConfiguration(
                    metrics={
                        key: trials_pb2.Predicted(mean=prediction.mean, deviation=prediction.deviation)
                        for key, prediction in expected.items()
                    }
                )
                for expected in predictions
            ]
        )
