"""The server over real gRPC, with its engine process, on memory and on SQLite."""

from __future__ import annotations

import itertools
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.rpc import error_details_pb2
from service_server import DEADLINE, Line, ServerThread, details, observation, refused, study
from tuner_protos.v1 import data_pb2, studies_pb2, trials_pb2, workers_pb2

from tuner.core.errors import Unavailable

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


# --- what is refused ---


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
