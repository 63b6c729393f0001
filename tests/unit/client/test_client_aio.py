"""The asynchronous client gives the same answers and errors."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from tuner_protos.v1 import data_pb2, studies_pb2, trials_pb2

from tuner.client.aio import AsyncClient
from tuner.core.errors import InvalidInput, NotFound, Problem, Unavailable


def test_calls_are_tried_again_and_errors_are_typed(scripted):
    outcomes = [scripted.Refusal(grpc.StatusCode.UNAVAILABLE, "restarting"), None, "refuse"]

    def create(request):
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        if outcome == "refuse":
            raise InvalidInput(Problem("name", "is missing", source="study.yaml", line=1))
        return studies_pb2.CreateStudyResponse(created=True)

    scripted.answers["Studies/Create"] = create

    async def main():
        async with AsyncClient(scripted.address, timeout=20) as client:
            assert (await client.create_study("name: digits")).created
            with pytest.raises(InvalidInput, match=r"study\.yaml:1: name: is missing"):
                await client.create_study("")

    asyncio.run(main())
    assert len(scripted.requests["Studies/Create"]) == 3


def test_a_watch_survives_its_server(scripted):
    streams = [
        [studies_pb2.WatchResponse(events=[data_pb2.Event(sequence=7)])],
        [
            studies_pb2.WatchResponse(
                events=[data_pb2.Event(sequence=8)], study=data_pb2.Study(state=data_pb2.STUDY_STATE_CANCELLED)
            )
        ],
    ]
    scripted.answers["Studies/Watch"] = lambda request: iter(streams.pop(0))

    async def main():
        async with AsyncClient(scripted.address, timeout=20) as client:
            return [event.sequence async for each in client.watch("digits", 6) for event in each.events]

    assert asyncio.run(main()) == [7, 8]
    assert [request.cursor for request in scripted.requests["Studies/Watch"]] == [6, 7]


def test_ask_and_tell(scripted):
    trial = data_pb2.Trial(id="digits/1/1", configuration={"threads": data_pb2.Value(int_value=2)})
    scripted.answers["Trials/Suggest"] = lambda request: trials_pb2.SuggestResponse(
        suggestions=[trials_pb2.Suggested(trial=trial, token="t")]
    )
    scripted.answers["Trials/Complete"] = lambda request: data_pb2.Trial()

    async def main():
        async with AsyncClient(scripted.address) as client:
            study = client.study("digits")
            (asked,) = await study.ask()
            await study.tell(asked.id, {"latency_ms": 2.0})
            with pytest.raises(NotFound):
                await study.tell(asked.id, {"latency_ms": 2.0})

    asyncio.run(main())
    assert scripted.requests["Trials/Complete"][0].token == "t"


def test_a_server_that_is_not_there():
    async def main():
        async with AsyncClient("127.0.0.1:9", timeout=0.3) as client:
            await client.get_study("digits")

    with pytest.raises(Unavailable):
        asyncio.run(main())
