"""The service ``tuner.v1.Studies``."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
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

from tuner.core.environment import Environment, StudyEnvironment
from tuner.core.errors import InvalidInput, NotFound, Problem, WrongState
from tuner.core.event import Event
from tuner.core.study import Study, StudySpec, StudyState
from tuner.core.trial import Attempt, AttemptState, Member, Origin, Purpose, Trial
from tuner.schedule.completion import check_result
from tuner.service.operations import studies as operations
from tuner.service.operations.engines import check_engine
from tuner.service.operations.findings import joined
from tuner.service.operations.record import create_trial
from tuner.service.rpc.errors import answers, streams
from tuner.service.rpc.views.study import study_view
from tuner.service.rpc.views.trial import trial_views
from tuner.service.rpc.views.worker import worker_views
from tuner.service.runtime import Runtime
from tuner.spec.place import place
from tuner.spec.yaml import parse_study
from tuner.store.base import StoredResult, Transaction

PAGE = 100
LARGEST_PAGE = 1000
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
        spec = await _read(request.source, request.file_name)

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

        with _placed(request.source, request.file_name):
            response = await self._runtime.transactions.run(work)
        self._runtime.notify()
        return response

    @answers
    async def Validate(
        self, request: studies_pb2.ValidateStudyRequest, context: grpc.aio.ServicerContext
    ) -> studies_pb2.ValidateStudyResponse:
        """Check a study file; nothing is stored."""
        try:
            spec = await _read(request.source, request.file_name)
            with _placed(request.source, request.file_name):
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
        from google.protobuf.json_format import MessageToJson

        def line(kind: str, message: object) -> str:
            return json.dumps({kind: json.loads(MessageToJson(message))}) + "\n"  # type: ignore[arg-type]

        study = await self._runtime.transactions.read(lambda tx: operations.find(tx, request.study))
        view = await self._runtime.transactions.read(lambda tx: self._view(tx, study))
        yield studies_pb2.ExportChunk(json_lines=line("study", view))
        after = 0
        while True:

            def page(tx: Transaction, after: int = after) -> list[data_pb2.Trial]:
                return trial_views(tx, study, tx.trials(study.id, after=after, limit=PAGE), runs=True, curves=True)

            trials = await self._runtime.transactions.read(page)
            if not trials:
                break
            yield studies_pb2.ExportChunk(json_lines="".join(line("trial", trial) for trial in trials))
            after = trials[-1].number
        cursor = 0
        while True:

            def more(tx: Transaction, after: int = cursor) -> list[Event]:
                return tx.events(after=after, study_id=study.id, limit=EVENTS_AT_ONCE)

            events = await self._runtime.transactions.read(more)
            if not events:
                return
            yield studies_pb2.ExportChunk(json_lines="".join(line("event", event_to_proto(e)) for e in events))
            cursor = events[-1].sequence

    @answers
    async def Import(
        self, request: studies_pb2.ImportRequest, context: grpc.aio.ServicerContext
    ) -> studies_pb2.ImportResponse:
        """Bring in measurements made elsewhere; all of them or none."""
        environment = environment_from_proto(request.environment)

        def work(tx: Transaction) -> studies_pb2.ImportResponse:
            key = f"import:{request.study}:{request.request_id}"
            answered = tx.recall(key) if request.request_id else None
            if answered is not None:
                return studies_pb2.ImportResponse.FromString(answered)
            now = self._runtime.clock.now()
            study = operations.find(tx, request.study)
            _check_import(tx, study, environment)
            tx.add_environment(study.id, StudyEnvironment(environment))
            problems: list[Problem] = []
            for index, message in enumerate(request.trials):
                try:
                    _import_one(tx, study, environment.id, message, now)
                except InvalidInput as error:
                    problems += [replace(p, field=f"trials[{index}].{p.field}") for p in error.problems]
            if problems:
                raise InvalidInput(problems)
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


async def _read(source: str, file_name: str) -> StudySpec:
    """The study of a file, also as its engine sees it."""
    spec = parse_study(source, _called(file_name))
    with _placed(source, file_name):
        # An engine's module may be slow to import.
        await asyncio.to_thread(check_engine, spec)
    return spec


@contextmanager
def _placed(source: str, file_name: str) -> Iterator[None]:
    """Give what is wrong with a file that could be read its place there."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(place(error.problems, source, _called(file_name))) from error


def _called(file_name: str) -> str:
    """What messages call the file: as the caller does, without what could harm the caller's terminal."""
    return "".join(c for c in file_name if c.isprintable())[:200] or "study.yaml"


def _check_import(tx: Transaction, study: Study, environment: Environment) -> None:
    """Raises WrongState where measurements of that environment cannot be taken in now."""
    if study.state.terminal:
        raise WrongState(f"study {study.id!r} is {study.state.value}: it takes no more measurements")
    measured = any(settled.environment.id == environment.id for settled in joined(tx, study))
    if not measured and any(param.optional for param in study.spec.space.params):
        # Which of the optional knobs a device lacks is settled by the first worker; it would find the place taken.
        raise WrongState(f"study {study.id!r} has optional knobs: import once a worker of that device has joined it")


def _import_one(
    tx: Transaction, study: Study, environment: str, message: studies_pb2.ImportedTrial, now: float
) -> None:
    result = result_from_proto(message.result)
    check_result(result, study.spec.wanted, None)
    trial = create_trial(
        tx,
        Trial(
            study_id=study.id,
            number=0,
            configuration=study.spec.space.configuration(values_from_proto(message.configuration)),
            purpose=Purpose.IMPORTED,
            state=result.state,
            origin=Origin("user", tx.last_event(study.id)),
            created_at=now,
            environment=environment,
            wanted=tuple(metric.key for metric in study.spec.wanted),
            attempts=1,
            ended_at=now,
            cause=result.cause,
        ),
        now,
    )
    member = Member(f"import-{secrets.token_hex(8)}", "main", 0, secrets.token_hex(20))
    tx.add_attempt(Attempt(study.id, trial.number, 1, AttemptState.FINISHED, (member,), now, now, now, result.cause))
    tx.add_result(StoredResult(study.id, trial.number, 1, member.worker_id, environment, now, False, result))


def page_size(asked: int) -> int:
    """The size of a page.

    Raises:
        InvalidInput: it is negative or too large.
    """
    if not 0 <= asked <= LARGEST_PAGE:
        raise InvalidInput(Problem("page_size", "is out of range", asked, f"0 to {LARGEST_PAGE}"))
    return asked or PAGE


def page_number(token: str) -> int:
    """The number behind a page token of a numbered list.

    Raises:
        NotFound: it is no token that this server gave.
    """
    if token and not (token.isascii() and token.isdigit() and len(token) < 10):
        raise NotFound(f"there is no page {token!r}; use the next_page_token of the page before")
    return int(token or 0)
