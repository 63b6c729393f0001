"""The server over real gRPC, with its engine process, on memory and on SQLite."""

from __future__ import annotations

import itertools
import math
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import psutil
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from service_server import DEADLINE, Line, ServerThread, details, observation, study, write_engine_plugin
from tuner_protos.v1 import data_pb2, studies_pb2, trials_pb2, workers_pb2

from tuner.core.errors import InvalidInput, Unavailable
from tuner.service.options import ServeOptions

names = (f"study-{number}" for number in itertools.count())
COMPLETED, ENDED = data_pb2.TRIAL_STATE_COMPLETED, data_pb2.STUDY_STATE_COMPLETED


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def server(request, tmp_path_factory):
    """One for many tests, each with a study and workers of its own."""
    path = tmp_path_factory.mktemp("store") / "store.db"
    running = ServerThread("memory:" if request.param == "memory" else str(path))
    yield running
    running.stop()


@pytest.fixture
def line(server):
    made = Line(server.address)
    yield made
    made.close()


@pytest.fixture
def name():
    return next(names)


@pytest.fixture
def start(tmp_path):
    """Starts servers of the test's own."""
    started = []

    def starter(store="memory:", **options):
        running = ServerThread(store, **options)
        started.append(running)
        return running, Line(running.address)

    yield starter
    for running in started:
        running.stop()


def refused(call, *arguments, **named) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **named)
    return caught.value


# --- what any gRPC server answers ---


def test_health_and_reflection_answer(line):
    health = health_pb2_grpc.HealthStub(line.channel)
    for service in ("", "tuner.v1.Studies", "tuner.v1.Trials", "tuner.v1.Workers"):
        answer = line.call(health.Check, health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    stub = reflection_pb2_grpc.ServerReflectionStub(line.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    [answer] = stub.ServerReflectionInfo(iter([request]), timeout=DEADLINE)
    found = {service.name for service in answer.list_services_response.service}
    assert {"tuner.v1.Studies", "tuner.v1.Trials", "tuner.v1.Workers", "grpc.health.v1.Health"} <= found


def test_every_problem_of_a_file_is_a_violation_with_its_line(line, name):
    source = study(name).replace("low: 1, high: 16", "low: 16, high: 1").replace("goal: minimize", "goal: lower")
    source = source.replace("seed: 3", "sede: 3")
    error = refused(line.create, source)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    [info] = details(error, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain) == ("InvalidInput", "tuner")
    [request] = details(error, error_details_pb2.BadRequest)
    fields = [violation.field for violation in request.field_violations]
    assert len(fields) == 3
    assert [field.rsplit(": ", 1)[0] for field in fields] == ["study.yaml:5", "study.yaml:7", "study.yaml:11"]
    assert all(violation.description for violation in request.field_violations)
    assert refused(line.study, name).code() is grpc.StatusCode.NOT_FOUND


def test_a_study_that_no_worker_fits_is_refused_with_file_and_line(start, name):
    _, line = start()
    line.register("w1", "another")
    error = refused(line.create, study(name, "sim"))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    [request] = details(error, error_details_pb2.BadRequest)
    [violation] = request.field_violations
    assert violation.field.startswith("study.yaml:")
    assert "'w1'" in violation.description
    assert "known: another" in violation.description
    assert refused(line.study, name).code() is grpc.StatusCode.NOT_FOUND


def test_an_unknown_engine_is_refused_with_its_line(line, name):
    error = refused(line.create, study(name, engine="wishful"))
    [request] = details(error, error_details_pb2.BadRequest)
    assert request.field_violations[0].field == "study.yaml:10: engine"


def test_other_contents_under_a_name_are_refused_with_the_differences(line, name):
    line.create(study(name))
    error = refused(line.create, study(name, trials=9))
    assert error.code() is grpc.StatusCode.ALREADY_EXISTS
    assert "budget.trials: 3 -> 9" in error.details()
    assert details(error, error_details_pb2.ErrorInfo)[0].reason == "AlreadyExists"


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda line: line.study("nothing"), "NOT_FOUND"),
        (lambda line: line.trial("nothing/1"), "NOT_FOUND"),
        (lambda line: line.trial("nothing/²"), "INVALID_ARGUMENT"),
        (lambda line: line.trial("nothing/" + "9" * 40), "INVALID_ARGUMENT"),
        (lambda line: line.trial(""), "INVALID_ARGUMENT"),
        (lambda line: line.complete("no such token", 1.0), "NOT_FOUND"),
        (lambda line: line.complete("", 1.0), "NOT_FOUND"),
        (lambda line: line.suggest("nothing", "1", count=0), "INVALID_ARGUMENT"),
        (lambda line: line.suggest("nothing", "1", count=65), "INVALID_ARGUMENT"),
        (lambda line: line.suggest("nothing", ""), "INVALID_ARGUMENT"),
        (lambda line: line.suggest("nothing", "1", client=""), "INVALID_ARGUMENT"),
        (lambda line: line.lease("nobody", 1), "NOT_FOUND"),
        (lambda line: line.beat("nobody"), "NOT_FOUND"),
        (lambda line: next(line.watch("nothing")), "NOT_FOUND"),
        (lambda line: line.create("{"), "INVALID_ARGUMENT"),
        (lambda line: line.create("\x00"), "INVALID_ARGUMENT"),
        (
            lambda line: line.call(line.trials.List, trials_pb2.ListTrialsRequest(study="x", page_token="1x")),
            "NOT_FOUND",
        ),
        (
            lambda line: line.call(line.trials.List, trials_pb2.ListTrialsRequest(study="x", page_token="9" * 30)),
            "NOT_FOUND",
        ),
        (
            lambda line: line.call(line.studies.List, studies_pb2.ListStudiesRequest(page_size=-1)),
            "INVALID_ARGUMENT",
        ),
        (
            lambda line: line.call(line.studies.List, studies_pb2.ListStudiesRequest(states=[77])),
            "INVALID_ARGUMENT",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_as_the_callers_mistake(line, call, code):
    error = refused(call, line)
    assert error.code().name == code
    assert error.details()


# --- results ---


@pytest.mark.parametrize(
    "observations",
    [
        [],
        [observation(math.nan)],
        [observation(math.inf)],
        [observation(-math.inf)],
        [data_pb2.Observation(metric="typo", mean=1.0, n=1, unit="ms")],
        [observation(1.0), observation(2.0)],
        [data_pb2.Observation(metric="ms", mean=1.0, n=2, variance=math.nan)],
        [data_pb2.Observation(metric="ms", mean=1.0, n=0)],
        [observation(1.0), data_pb2.Observation(metric="own", mean=1.0, n=1)],
    ],
    ids=["missing", "nan", "inf", "-inf", "typo", "twice", "variance", "n", "no unit"],
)
def test_what_is_no_measurement_is_refused_and_nothing_stored(line, name, observations):
    line.create(study(name))
    [asked] = line.suggest(name, "1")
    error = refused(
        line.call, line.trials.Complete, trials_pb2.CompleteRequest(token=asked.token, observations=observations)
    )
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details(error, error_details_pb2.BadRequest)[0].field_violations
    shown = line.trial(asked.trial.id)
    assert (shown.state, list(shown.observations)) == (data_pb2.TRIAL_STATE_LEASED, [])
    assert line.complete(asked.token, 1.0).state == COMPLETED


@pytest.mark.parametrize("cost", [math.nan, math.inf, -1.0])
def test_a_cost_is_a_duration(line, name, cost):
    line.create(study(name))
    [asked] = line.suggest(name, "1")
    request = trials_pb2.CompleteRequest(token=asked.token, observations=[observation(1.0)], cost=cost)
    assert refused(line.call, line.trials.Complete, request).code() is grpc.StatusCode.INVALID_ARGUMENT


def at_once(*calls):
    """The answers of calls that begin together."""
    barrier = threading.Barrier(len(calls))

    def begin(call):
        barrier.wait(DEADLINE)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(DEADLINE) for future in [pool.submit(begin, call) for call in calls]]


def test_of_two_who_complete_one_attempt_at_once_exactly_one_is_stored(server, line, name):
    other, rounds = Line(server.address), 40
    line.create(study(name, trials=rounds))
    winners = set()
    for number in range(rounds):
        [asked] = line.suggest(name, str(number))
        calls = [lambda: line.complete(asked.token, 1.0), lambda: other.complete(asked.token, 2.0)]  # noqa: B023
        answers = at_once(*(calls if number % 2 else reversed(calls)))
        values = {answer.observations[0].mean for answer in answers}
        assert len(values) == 1
        assert line.trial(asked.trial.id).observations[0].mean in values
        winners |= values
        assert line.complete(asked.token, 3.0).observations[0].mean in values
        assert line.fail(asked.token).state == COMPLETED
    assert len(winners) <= 2
    other.close()


def test_of_two_attempts_that_finish_at_once_one_is_the_trials_and_one_a_replicate(server, line, name):
    other, rounds = Line(server.address), 15
    one, two = f"{name}-w1", f"{name}-w2"
    line.register(one, name)
    line.create(study(name, name, trials=rounds))
    for sequence in range(1, rounds + 1):
        line.register(one, name)
        first = line.lease(one, sequence).assignment
        line.release(one, first.token, lost=True)
        line.register(two, name)
        second = line.lease(two, sequence).assignment
        assert (second.trial_id, second.attempt) == (first.trial_id, first.attempt + 1)
        answers = at_once(
            lambda: line.finish(one, first, 1.0),  # noqa: B023
            lambda: other.finish(two, second, 2.0),  # noqa: B023
        )
        assert sorted(answer.accepted for answer in answers) == [False, True]
        kept = line.trial(first.trial_id)
        assert kept.observations[0].mean == (1.0 if answers[0].accepted else 2.0)
        assert line.finish(one, first, 9.0).accepted is answers[0].accepted
    other.close()


# --- leases on real time ---


def test_a_lost_workers_trial_is_measured_by_another_and_its_late_result_counts_once(start, name):
    _, line = start(lease_term=0.4)
    line.create(study(name, "sim"))
    line.register("w1", "sim")
    first = line.lease("w1", 1).assignment
    line.register("w2", "sim")
    second = line.lease("w2", 1).assignment
    deadline = time.monotonic() + DEADLINE
    while second.trial_id != first.trial_id:
        # Until w1's silence has lasted a term, w2 has something else to do, or nothing.
        assert time.monotonic() < deadline
        if second.token:
            line.release("w2", second.token, lost=False)
        second = line.lease("w2", 1).assignment
    assert second.attempt == first.attempt + 1
    assert line.finish("w1", first, 1.0).accepted
    assert line.beat("w2", second.token) == workers_pb2.DIRECTIVE_CANCEL
    assert not line.finish("w2", second, 9.0).accepted
    kept = line.trial(first.trial_id)
    assert (kept.state, kept.observations[0].mean) == (COMPLETED, 1.0)


def test_a_waiting_worker_is_woken_by_a_study(line, name):
    worker = f"{name}-w"
    line.register(worker, name)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(line.lease, worker, 1)
        line.create(study(name, name))
        assert waiting.result(DEADLINE).assignment.trial_id == f"{name}/1/1"


def test_repeated_requests_get_the_same_answers(line, name):
    source = study(name, trials=5)
    first = line.create(source, "c1")
    assert line.create(source, "c1") == first
    asked = line.suggest(name, "s1", count=3)
    assert [s.token for s in line.suggest(name, "s1", count=3)] == [s.token for s in asked]
    added = line.add(name, "a1", threads=7, share=0.5)
    assert line.add(name, "a1", threads=7, share=0.5) == added
    assert [t.number for t in line.all_trials(name) if t.engine == "user"] == [added.number]


# --- studies from end to end ---


def test_workers_measure_a_study_to_its_checked_end_and_a_watcher_sees_all_of_it(line, name):
    worker = f"{name}-w"
    line.register(worker, name)
    line.create(study(name, name))
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(lambda: list(line.watch(name)))
        assert line.measure(worker, name, value=lambda done: 9.0 if done == 1 else 2.0 + done / 100) == 5
        seen = watching.result(DEADLINE)
    sequences = [event.sequence for response in seen for event in response.events]
    assert sequences == sorted(set(sequences))
    kinds = [event.kind for response in seen for event in response.events]
    assert kinds.count("trial.created") == kinds.count("result.stored") == 5
    assert seen[-1].study.state == ENDED
    [check] = line.study(name).checks
    assert (check.metrics[0].metric, check.metrics[0].n) == ("ms", 5)
    middle = sequences[len(sequences) // 2]
    later = [event.sequence for response in line.watch(name, middle) for event in response.events]
    assert later == [sequence for sequence in sequences if sequence > middle]


def test_many_workers_share_one_study_without_doubling_anything(server, name):
    crew, budget = [f"{name}-w{number}" for number in range(6)], 40
    lines = {worker: Line(server.address) for worker in crew}
    for worker, own in lines.items():
        own.register(worker, name)
    lines[crew[0]].create(study(name, name, trials=budget))
    done = at_once(*(lambda worker=worker: lines[worker].measure(worker, name) for worker in crew))
    trials = lines[crew[0]].all_trials(name)
    explored = [trial for trial in trials if trial.purpose == data_pb2.PURPOSE_EXPLORE]
    assert len(explored) == budget
    assert len({str(sorted((k, str(v)) for k, v in trial.configuration.items())) for trial in explored}) == budget
    assert {(trial.state, trial.attempts) for trial in trials} == {(COMPLETED, 1)}
    assert sum(done) == len(trials)
    assert lines[crew[0]].study(name).progress.counted == budget
    for own in lines.values():
        own.close()


def test_a_program_asks_and_tells_to_the_end_of_the_budget(line, name):
    line.create(study(name, trials=4))
    states = []
    for request in itertools.count():
        asked = line.suggest(name, str(request), count=2)
        if not asked:
            break
        for suggested in asked:
            assert line.report(suggested.token, 1, 0.5)
            told = line.fail if len(states) == 2 else lambda token: line.complete(token, 1.0)
            states.append(told(suggested.token).state)
    assert states == [COMPLETED, COMPLETED, data_pb2.TRIAL_STATE_FAILED, COMPLETED, COMPLETED]
    shown = line.study(name)
    assert (shown.state, shown.progress.counted, shown.progress.failed) == (ENDED, 4, 1)
    assert [point.value for point in line.trial(f"{name}/1").intermediates] == [0.5]


def test_the_engines_process_may_be_killed_at_any_moment(line, name):
    line.create(study(name, trials=6))
    for request in range(7):
        for child in psutil.Process().children():
            if "multiprocessing" in " ".join(child.cmdline()) and "spawn_main" in " ".join(child.cmdline()):
                os.kill(child.pid, signal.SIGKILL)
        [asked] = line.suggest(name, str(request))
        line.complete(asked.token, 1.0)
    assert line.study(name).progress.counted == 6


# --- engines that fail, in the engine's process ---

BROKEN = """
import math, os, time
from tuner.core.space import Configuration
from tuner.engine.base import Engine, Suggestion

class Base(Engine):
    def suggest(self, request):
        return self.answer(request)

class Raises(Base):
    name = "raises"
    def answer(self, request):
        raise ValueError("boom")

class Empty(Base):
    name = "empty"
    def answer(self, request):
        return []

class Nothing(Base):
    name = "nothing"
    def answer(self, request):
        return None

class Outside(Base):
    name = "outside"
    def answer(self, request):
        return [Suggestion(Configuration({"threads": 99, "share": 0.5}))]

class Foretells(Base):
    name = "foretells"
    def answer(self, request):
        return [Suggestion(Configuration({"threads": 2, "share": 0.5}), "", {"ms": (math.nan, 1.0)})]

class Dies(Base):
    name = "dies"
    def answer(self, request):
        os._exit(3)

class Exits(Base):
    name = "exits"
    def answer(self, request):
        raise SystemExit(3)

class Hangs(Base):
    name = "hangs"
    def answer(self, request):
        while not os.path.exists(os.environ["BROKEN_RELEASE"]):
            time.sleep(0.02)
        raise ValueError("released")
"""
REASONS = {
    "raises": "boom",
    "empty": "suggested nothing",
    "nothing": "suggested nothing",
    "outside": "threads",
    "foretells": "nan",
    "dies": "process ended",
    "exits": "process ended",
    "hangs": "took more than",
}


def test_an_engine_that_fails_is_stood_in_for_by_sobol_and_the_trial_says_so(start, tmp_path, monkeypatch):
    plugin = tmp_path / "plugin"
    plugin.mkdir()
    write_engine_plugin(plugin, BROKEN, list(REASONS))
    monkeypatch.syspath_prepend(str(plugin))  # the engine's process is started with this process's path
    monkeypatch.setenv("BROKEN_RELEASE", str(tmp_path / "release"))
    _, line = start(patience=2.0)
    for engine, reason in REASONS.items():
        line.create(study(engine, trials=2, engine=engine))
        for request in range(3):
            [asked] = line.suggest(engine, str(request))
            line.complete(asked.token, 1.0)
        explored = line.all_trials(engine)[1:]
        assert [trial.engine for trial in explored] == ["sobol", "sobol"]
        for trial in explored:
            assert trial.note.startswith("fallback: ")
            assert reason in trial.note, trial.note
        assert line.study(engine).state == ENDED
    (tmp_path / "release").touch()


# --- the server goes and comes back ---


def test_leases_cursors_and_answers_survive_a_restart(start, tmp_path, name):
    path = str(tmp_path / "store.db")
    first, line = start(path)
    created = line.create(study(name, "sim"), "c1")
    line.register("w1", "sim")
    assignment = line.lease("w1", 1).assignment
    seen = next(line.watch(name))
    cursor = seen.events[-1].sequence
    line.create(study("told"))
    asked = line.suggest("told", "s1")
    line.close()
    first.stop()

    _, line = start(path)
    assert line.beat("w1", assignment.token) == workers_pb2.DIRECTIVE_CONTINUE
    assert line.lease("w1", 1).assignment == assignment
    assert line.create(study(name, "sim"), "c1") == created
    assert [s.token for s in line.suggest("told", "s1")] == [s.token for s in asked]
    assert line.complete(asked[0].token, 2.0).state == COMPLETED
    assert line.finish("w1", assignment, 5.0).accepted
    later = next(line.watch(name, cursor))
    assert [event.sequence > cursor for event in later.events] == [True] * len(later.events)
    assert "result.stored" in [event.kind for event in later.events]
    line.measure("w1", name, sequence=2)
    assert line.study(name).state == ENDED


def test_whoever_waits_is_answered_when_the_server_stops(start, name):
    running, line = start()
    line.register("w1", "sim")
    line.create(study(name, "sim"))
    line.call(line.studies.Pause, studies_pb2.StudyRequest(study=name))
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(line.lease, "w1", 1, 60.0)
        watching = pool.submit(lambda: list(line.watch(name)))
        deadline = time.monotonic() + DEADLINE
        while not line.call(line.workers.List, workers_pb2.ListWorkersRequest()).workers:
            assert time.monotonic() < deadline
        running.stop()
        assert not waiting.result(DEADLINE).HasField("assignment")
        assert watching.result(DEADLINE)


def test_a_port_that_is_taken_is_said_to_be(server):
    port = int(server.address.rpartition(":")[2])
    with pytest.raises(Unavailable, match="cannot be bound"):
        ServerThread(port=port)


# --- who may call ---


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org", "", "127.0.0.1.example.org"])
def test_no_other_address_without_tls_and_token(host, tmp_path):
    for guard in (
        {},
        {"token_file": tmp_path / "token"},
        {"tls_certificate": tmp_path / "cert", "tls_key": tmp_path / "key"},
    ):
        with pytest.raises(InvalidInput, match="insecure"):
            ServeOptions("memory:", host=host, **guard)
    assert ServeOptions("memory:", host=host, insecure=True).host == host
    both = {"token_file": tmp_path / "t", "tls_certificate": tmp_path / "c", "tls_key": tmp_path / "k"}
    assert ServeOptions("memory:", host=host, **both).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"])
def test_loopback_needs_nothing(host):
    assert ServeOptions("memory:", host=host)


@pytest.mark.parametrize(
    "options",
    [
        {"port": -1},
        {"port": 65536},
        {"lease_term": 0.0},
        {"lease_term": math.nan},
        {"lease_term": math.inf},
        {"patience": math.nan},
        {"patience": 0.0},
        {"tls_certificate": "c"},
        {"tls_key": "k"},
    ],
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(InvalidInput, match=next(iter(options)).partition("_")[0]):
        ServeOptions("memory:", **options)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: TLS is not tested here")
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command.split(), *names], cwd=folder, check=True, capture_output=True, timeout=DEADLINE)
    return folder / "cert.pem", folder / "key.pem"


def test_with_tls_and_token_only_who_shows_it_is_answered(start, certificate, tmp_path):
    chain, key = certificate
    token = tmp_path / "token"
    token.write_text("a-long-enough-secret\n")
    running, plain = start(tls_certificate=chain, tls_key=key, token_file=token)
    trust = grpc.ssl_channel_credentials(chain.read_bytes())
    known = Line(running.address, trust, "a-long-enough-secret")
    assert known.create(study("secret")).created
    assert next(known.watch("secret")).study.id == "secret/1"
    for shown in ("", "a-long-enough-secres", "a-long-enough-secret2"):
        stranger = Line(running.address, trust, shown)
        for call in (
            lambda: stranger.study("secret"),  # noqa: B023
            lambda: next(stranger.watch("secret")),  # noqa: B023
            lambda: list(
                reflection_pb2_grpc.ServerReflectionStub(stranger.channel).ServerReflectionInfo(  # noqa: B023
                    iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=DEADLINE
                )
            ),
        ):
            assert refused(call).code() is grpc.StatusCode.UNAUTHENTICATED
        health = health_pb2_grpc.HealthStub(stranger.channel)
        assert stranger.call(health.Check, health_pb2.HealthCheckRequest()).status
        stranger.close()
    with pytest.raises(grpc.RpcError) as caught:
        plain.studies.Get(studies_pb2.GetStudyRequest(study="secret"), timeout=5)
    assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    known.close()


@pytest.mark.parametrize("content", ["short", "with a \x07 bell in it, long enough", "", "zwölf oder mehr Zeichen"])
def test_a_token_file_without_a_usable_token_is_refused(tmp_path, content):
    path = tmp_path / "token"
    path.write_text(content)
    with pytest.raises(InvalidInput, match="token_file"):
        ServerThread(token_file=path)
    with pytest.raises(InvalidInput, match="cannot be read"):
        ServerThread(token_file=tmp_path / "missing")


def test_certificates_that_cannot_be_used_are_said_to_be(tmp_path):
    (tmp_path / "c").write_text("no certificate")
    (tmp_path / "k").write_text("no key")
    with pytest.raises(InvalidInput, match="certificate"):
        ServerThread(tls_certificate=tmp_path / "c", tls_key=tmp_path / "k")
    with pytest.raises(InvalidInput, match="certificate"):
        ServerThread(tls_certificate=tmp_path / "missing", tls_key=tmp_path / "k")


# --- what comes from outside ---


def test_the_server_outlives_what_no_client_would_send(line, server, name):
    host, _, port = server.address.rpartition(":")
    greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    rubbish = os.urandom(4096)
    opened = []
    for data in (b"", rubbish, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", greeting, greeting + rubbish, greeting[:7]):
        for shut in (True, False):
            connection = socket.create_connection((host, int(port)), timeout=DEADLINE)
            connection.sendall(data)
            # Half-open ones stay until the end: nobody answers on them, nobody closes them.
            opened.append(connection)
            if shut:
                connection.close()
    line.create(study(name))
    [asked] = line.suggest(name, "1")
    assert line.complete(asked.token, 1.0).state == COMPLETED
    for connection in opened:
        connection.close()


def test_bytes_that_are_no_message_and_methods_that_are_none_are_refused(line):
    identity = {"request_serializer": bytes, "response_deserializer": bytes}
    for path, code in (
        ("/tuner.v1.Studies/Create", "UNKNOWN"),
        ("/tuner.v1.Studies/Nothing", "UNIMPLEMENTED"),
        ("/nothing/Nothing", "UNIMPLEMENTED"),
    ):
        method = line.channel.unary_unary(path, **identity)
        assert refused(method, b"\xff\xff\xff\xff", timeout=DEADLINE).code().name == code


def test_a_message_that_is_too_large_is_refused_and_the_next_one_answered(line, name):
    error = refused(line.create, study(name) + "#" * (65 << 20))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    error = refused(line.create, study(name) + "#" * (2 << 20))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert line.create(study(name)).created
