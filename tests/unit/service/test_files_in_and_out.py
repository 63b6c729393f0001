"""Study files in, measurements in and out, over gRPC within this process."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import asynccontextmanager

import grpc
import pytest
from tuner_protos.convert import environment_to_proto, result_to_proto, values_to_proto
from tuner_protos.v1 import studies_pb2, studies_pb2_grpc

from tuner.core.environment import Environment, Fingerprint
from tuner.core.observation import Intermediate, Observation, Run
from tuner.core.trial import Result, TrialState
from tuner.service.options import ServeOptions
from tuner.service.rpc import study_file
from tuner.service.server import TunerServer

STUDY = """
name: told
workload: {kind: external}
space: {threads: {type: int, low: 1, high: 4, default: 1}}
objectives: [{metric: ms, goal: minimize}]
budget: {trials: 4}
"""
ELSEWHERE = Environment(Fingerprint({"board": "another"}))
DEADLINE = 30.0


@asynccontextmanager
async def studies():
    server = TunerServer(ServeOptions("memory:", port=0))
    await server.start()
    try:
        async with grpc.aio.insecure_channel(server.address) as channel:
            yield studies_pb2_grpc.StudiesStub(channel)
    finally:
        await server.stop()


def measured(threads, ms, steps=0):
    result = Result(
        TrialState.COMPLETED,
        (Observation("ms", ms, 0.1, 3, "ms", "wall clock"),),
        tuple(Run(i, 1000.0 + i, 0.5, {"ms": ms}, {"cpu.governor": "performance"}, ("busy",)) for i in range(3)),
        tuple(Intermediate(step, 0.1 * step, "loss", 1.0 / (step + 1)) for step in range(steps)),
        cost=2.0,
    )
    return studies_pb2.ImportedTrial(
        configuration=values_to_proto({"threads": threads}), result=result_to_proto(result)
    )


def imports(*trials, request_id=""):
    return studies_pb2.ImportRequest(
        study="told", environment=environment_to_proto(ELSEWHERE), trials=trials, request_id=request_id
    )


def test_the_server_answers_others_while_it_reads_a_file(monkeypatch):
    reading, answered = threading.Event(), threading.Event()
    parse = study_file.parse_study

    def slow(source, file_name):
        reading.set()
        assert answered.wait(DEADLINE), "nobody else was answered"
        return parse(source, file_name)

    monkeypatch.setattr(study_file, "parse_study", slow)

    async def scenario():
        async with studies() as stub:
            creating = asyncio.ensure_future(stub.Create(studies_pb2.CreateStudyRequest(source=STUDY)))
            assert await asyncio.to_thread(reading.wait, DEADLINE)
            assert not (await stub.List(studies_pb2.ListStudiesRequest(), timeout=DEADLINE)).studies
            answered.set()
            assert (await creating).created

    asyncio.run(scenario())


def test_what_comes_in_goes_out_as_lines_of_json():
    async def scenario():
        async with studies() as stub:
            await stub.Create(studies_pb2.CreateStudyRequest(source=STUDY))
            trials = [measured(1 + i % 4, 10.0 + i, steps=5 * (i == 1)) for i in range(45)]
            assert (await stub.Import(imports(*trials, request_id="r"))).imported == 45
            assert (await stub.Import(imports(*trials, request_id="r"))).imported == 45
            return [chunk.json_lines async for chunk in stub.Export(studies_pb2.StudyRequest(study="told"))]

    lines = [json.loads(line) for line in asyncio.run(scenario())]
    kinds = [next(iter(line)) for line in lines]
    assert kinds == ["study", *["trial"] * 45, *["event"] * kinds.count("event")]
    assert kinds.count("event") >= 46
    first, second = lines[1]["trial"], lines[2]["trial"]
    assert (first["id"], first["purpose"], first["environment"]) == ("told/1/1", "PURPOSE_IMPORTED", ELSEWHERE.id)
    assert first["observations"] == [
        {"metric": "ms", "mean": 10.0, "variance": 0.1, "n": 3, "unit": "ms", "method": "wall clock"}
    ]
    assert first["runs"][0]["knobs"] == {"cpu.governor": {"stringValue": "performance"}}
    assert [point.get("step", "0") for point in second["intermediates"]] == ["0", "1", "2", "3", "4"]


def test_of_an_import_all_comes_in_or_nothing_and_every_fault_is_told():
    nan = measured(2, 1.0)
    nan.result.observations[0].mean = float("nan")

    async def refused(stub, *trials):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Import(imports(*trials))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        return caught.value.details()

    async def scenario():
        async with studies() as stub:
            await stub.Create(studies_pb2.CreateStudyRequest(source=STUDY))
            outside = await refused(stub, measured(1, 1.0), measured(9, 1.0), measured(0, 1.0))
            assert "trials[1].threads" in outside
            assert "trials[2].threads" in outside
            assert "trials[1]" in await refused(stub, measured(1, 1.0), nan)
            lines = [chunk.json_lines async for chunk in stub.Export(studies_pb2.StudyRequest(study="told"))]
            assert not [line for line in lines if line.startswith('{"trial"')]

    asyncio.run(scenario())
