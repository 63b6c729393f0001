"""The service ``tuner.v1.Studies``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial

import grpc
from tuner_protos.convert import (
    enum_from_proto,
    environment_from_proto,
    event_to_proto,
    result_from_proto,
    values_from_proto,
)
from tuner_protos.v1 import data_pb2, studies_pb2, studies_pb2_grpc

from tuner.core.errors import InvalidInput, Problem
from tuner.core.study import Study, StudyState
from tuner.service.operations import studies as operations
from tuner.service.operations.imports import Imported, import_trials, of_trial
from tuner.service.rpc.errors import answers, streams
from tuner.service.rpc.export import exported
from tuner.service.rpc.pages import page_size
from tuner.service.rpc.study_file import placed, read_study_file
from tuner.service.rpc.views.study import study_view
from tuner.service.rpc.views.worker import worker_views
from tuner.service.runtime import Runtime
from tuner.store.base import Transaction

EVENTS_AT_ONCE = 500
QUIET = 5.0
"""Seconds after which a watcher hears from the server even when nothing has happened: times go on."""

Move = Callable[[Transaction, Study, float, str, str], Study]


class StudiesServicer(studies_pb2_grpc.StudiesServicer):
    """Studies from submission to answer."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    @answers
    async def Create(
        self, request: studies_pb2.CreateStudyRequest, context: grpc.aio.ServicerContext
    ) -> studies_pb2.CreateStudyResponse:
        """Submit a study file."""
        spec = await read_study_file(request.source, request.file_name)

        def work(tx: Transaction) -> studies_pb2.CreateStudyResponse:
            now = self._runtime.clock.now()
            key = f"create:{request.owner}:{request.request_id}"
            answered = tx.recall(key) if request.request_id else None
            if answered is not None:
                return studies_pb2.CreateStudyResponse.FromString(answered)
            submission = operations.submit(tx, spec, request.source, request.owner, now)
            view = self._view(tx, submission.study)
            response = studies_pb2.CreateStudyResponse(study=view, created=submission.created, notes=view.notes)
            if request.request_id:
                tx.remember(key, response.SerializeToString(), now)
            return response

        async with placed(request.source, request.file_name):
            response = await self._runtime.transactions.run(work)
        self._runtime.notify()
        return response

    @answers
    async def Validate(
        self, request: studies_pb2.ValidateStudyRequest, context: grpc.aio.ServicerContext
    ) -> studies_pb2.ValidateStudyResponse:
        """Check a study file; nothing is stored."""
        try:
            spec = await read_study_file(request.source, request.file_name)
            async with placed(request.source, request.file_name):
                notes = await self._runtime.transactions.read(
                    lambda tx: operations.fit(spec, tx.workers(states=operations.PRESENT))
                )
        except InvalidInput as error:
            return studies_pb2.ValidateStudyResponse(problems=[str(problem) for problem in error.problems])
        return studies_pb2.ValidateStudyResponse(notes=notes)

    @answers
    async def Get(self, request: studies_pb2.GetStudyRequest, context: grpc.aio.ServicerContext) -> data_pb2.Study:
        """One study."""
        return await self._runtime.transactions.read(lambda tx: self._view(tx, operations.find(tx, request.study)))

    @answers
    async def List(
        self, request: studies_pb2.ListStudiesRequest, context: grpc.aio.ServicerContext
    ) -> studies_pb2.ListStudiesResponse:
        """Studies, a page at a time."""
        size = page_size(request.page_size)
        states = [enum_from_proto(StudyState, state, "states") for state in request.states]

        def work(tx: Transaction) -> studies_pb2.ListStudiesResponse:
            found = tx.studies(states=states, owner=request.owner, after=request.page_token, limit=size + 1)
            return studies_pb2.ListStudiesResponse(
                studies=[self._view(tx, study, checks=False) for study in found[:size]],
                next_page_token=found[size - 1].id if len(found) > size else "",
            )

        return await self._runtime.transactions.read(work)

    @answers
    async def Pause(self, request: studies_pb2.StudyRequest, context: grpc.aio.ServicerContext) -> data_pb2.Study:
        """Begin no more trials."""
        return await self._move(request, operations.pause)

    @answers
    async def Resume(self, request: studies_pb2.StudyRequest, context: grpc.aio.ServicerContext) -> data_pb2.Study:
        """Go on."""
        return await self._move(request, operations.resume)

    @answers
    async def Cancel(self, request: studies_pb2.StudyRequest, context: grpc.aio.ServicerContext) -> data_pb2.Study:
        """End a study now."""
        return await self._move(request, operations.cancel)

    @answers
    async def Delete(
        self, request: studies_pb2.StudyRequest, context: grpc.aio.ServicerContext
    ) -> studies_pb2.DeleteStudyResponse:
        """Remove a study that has ended."""
        await self._runtime.transactions.run(lambda tx: operations.delete(tx, operations.find(tx, request.study)))
        return studies_pb2.DeleteStudyResponse()

    @streams
    async def Watch(
        self, request: studies_pb2.WatchRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[studies_pb2.WatchResponse]:
        """Events behind a cursor, then as they happen, until the study has ended."""
        cursor = request.cursor
        while True:
            change = self._runtime.change
            response, ended = await self._runtime.transactions.read(partial(self._news, request, cursor))
            yield response
            cursor = max([cursor, *(event.sequence for event in response.events)])
            if len(response.events) == EVENTS_AT_ONCE:
                continue
            if ended or request.until_now or self._runtime.stopping:
                return
            await self._runtime.changed(change, QUIET)

    def _news(
        self, request: studies_pb2.WatchRequest, after: int, tx: Transaction
    ) -> tuple[studies_pb2.WatchResponse, bool]:
        study = operations.find(tx, request.study)
        events = tx.events(after=after, study_id=study.id, limit=EVENTS_AT_ONCE)
        response = studies_pb2.WatchResponse(
            events=map(event_to_proto, events), study=self._view(tx, study), workers=worker_views(tx)
        )
        return response, study.state.terminal

    @streams
    async def Export(
        self, request: studies_pb2.StudyRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[studies_pb2.ExportChunk]:
        """Everything of a study as JSON lines: the study, then its trials, then its events."""
        study = await self._runtime.transactions.read(lambda tx: operations.find(tx, request.study))
        view = await self._runtime.transactions.read(lambda tx: self._view(tx, study))
        async for line in exported(self._runtime.transactions, study, view):
            yield studies_pb2.ExportChunk(json_lines=line)

    @answers
    async def Import(
        self, request: studies_pb2.ImportRequest, context: grpc.aio.ServicerContext
    ) -> studies_pb2.ImportResponse:
        """Bring in measurements made elsewhere; all of them or none."""
        environment = environment_from_proto(request.environment)
        trials = _imported(request)

        def work(tx: Transaction) -> studies_pb2.ImportResponse:
            key = f"import:{request.study}:{request.request_id}"
            answered = tx.recall(key) if request.request_id else None
            if answered is not None:
                return studies_pb2.ImportResponse.FromString(answered)
            now = self._runtime.clock.now()
            study = operations.find(tx, request.study)
            import_trials(tx, study, environment, trials, now)
            response = studies_pb2.ImportResponse(imported=len(request.trials))
            if request.request_id:
                tx.remember(key, response.SerializeToString(), now)
            return response

        response = await self._runtime.transactions.run(work)
        self._runtime.notify()
        return response

    async def _move(self, request: studies_pb2.StudyRequest, move: Move) -> data_pb2.Study:
        def work(tx: Transaction) -> data_pb2.Study:
            study = operations.find(tx, request.study)
            return self._view(tx, move(tx, study, self._runtime.clock.now(), study.owner, request.reason))

        view = await self._runtime.transactions.run(work)
        self._runtime.notify()
        return view

    def _view(self, tx: Transaction, study: Study, *, checks: bool = True) -> data_pb2.Study:
        return study_view(tx, study, self._runtime.clock.now(), self._runtime.cost_of(tx, study), checks=checks)


def _imported(request: studies_pb2.ImportRequest) -> list[Imported]:
    problems: list[Problem] = []
    trials = []
    for index, message in enumerate(request.trials):
        try:
            trials.append(Imported(values_from_proto(message.configuration), result_from_proto(message.result)))
        except InvalidInput as error:
            problems += of_trial(index, error)
    if problems:
        raise InvalidInput(problems)
    return trials
