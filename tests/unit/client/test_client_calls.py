"""The blocking client: retries, streams that survive, pages, ask and tell."""

from __future__ import annotations

import random

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuner_protos.v1 import data_pb2, studies_pb2, trials_pb2

from tuner.client.client import Client
from tuner.client.connection import Connection, Patience, Retry
from tuner.core.errors import InvalidInput, NotFound, Unavailable
from tuner.core.observation import Observation

QUICK = Retry(first=0.001, longest=0.01)


def in_turn(*outcomes):
    """Answers one outcome after the other; an exception is raised, anything else returned."""
    left = list(outcomes)

    def answer(request):
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return answer


@pytest.fixture
def client(scripted):
    with Client(scripted.address, timeout=20, retry=QUICK, token="a-secret-of-mine") as client:
        yield client


def gone(scripted):
    return scripted.Refusal(grpc.StatusCode.UNAVAILABLE, "restarting")


def response(*sequences, state=data_pb2.STUDY_STATE_ACTIVE):
    return studies_pb2.WatchResponse(
        events=[data_pb2.Event(sequence=s) for s in sequences], study=data_pb2.Study(id="digits/1", state=state)
    )


def test_an_unavailable_server_is_asked_again_with_the_same_request(scripted, client):
    answered = studies_pb2.CreateStudyResponse(created=True)
    scripted.answers["Studies/Create"] = in_turn(gone(scripted), gone(scripted), answered)
    assert client.create_study("name: digits").created
    ids = {request.request_id for request in scripted.requests["Studies/Create"]}
    assert len(scripted.requests["Studies/Create"]) == 3
    assert len(ids) == 1
    assert ids != {""}


def test_any_other_error_is_not_tried_again(scripted, client):
    scripted.answers["Studies/Get"] = in_turn(NotFound("no such study"))
    with pytest.raises(NotFound):
        client.get_study("digits")
    assert len(scripted.requests["Studies/Get"]) == 1


def test_waiting_for_a_server_ends_with_the_timeout(scripted):
    def answer(request):
        raise gone(scripted)

    scripted.answers["Studies/Get"] = answer
    with Client(scripted.address, timeout=0.3, retry=QUICK) as client, pytest.raises(Unavailable):
        client.get_study("digits")
    assert len(scripted.requests["Studies/Get"]) > 1


def test_every_call_carries_the_token_and_no_repr_shows_it(scripted, client):
    scripted.answers["Studies/Get"] = in_turn(data_pb2.Study())
    client.get_study("digits")
    assert scripted.metadata[0]["authorization"] == "Bearer a-secret-of-mine"
    assert "a-secret-of-mine" not in repr(client.connection)


def test_a_watch_goes_on_behind_the_last_event_when_its_server_comes_back(scripted, client):
    def broken(*responses):
        yield from responses
        raise gone(scripted)

    done = data_pb2.STUDY_STATE_COMPLETED
    scripted.answers["Studies/Watch"] = in_turn(
        broken(response(1, 2), response(3)),
        gone(scripted),
        iter([response(4)]),
        iter([response(5, state=done), response(6, state=done)]),
    )
    sequences = [event.sequence for each in client.watch("digits") for event in each.events]
    assert sequences == [1, 2, 3, 4, 5, 6]
    assert [request.cursor for request in scripted.requests["Studies/Watch"]] == [0, 3, 3, 4]


def test_a_watch_of_an_unknown_study_says_so_at_once(scripted, client):
    scripted.answers["Studies/Watch"] = in_turn(NotFound("no such study"))
    with pytest.raises(NotFound):
        next(client.watch("digits"))


def test_pages_are_fetched_until_the_last(scripted, client):
    pages = {"": ("a", "p2"), "p2": ("b", "p3"), "p3": ("c", "")}

    def page(request):
        name, token = pages[request.page_token]
        return studies_pb2.ListStudiesResponse(studies=[data_pb2.Study(id=name)], next_page_token=token)

    scripted.answers["Studies/List"] = page
    assert [study.id for study in client.studies()] == ["a", "b", "c"]


def suggested(number, token="t"):
    trial = data_pb2.Trial(id=f"digits/1/{number}", configuration={"threads": data_pb2.Value(int_value=2)}, note="n")
    return trials_pb2.SuggestResponse(suggestions=[trials_pb2.Suggested(trial=trial, token=token)])


def test_what_was_asked_is_told_with_its_token(scripted, client):
    scripted.answers["Trials/Suggest"] = in_turn(suggested(3, "token-3"))
    scripted.answers["Trials/Report"] = in_turn(trials_pb2.ReportResponse(keep=False))
    scripted.answers["Trials/Complete"] = in_turn(data_pb2.Trial())
    study = client.study("digits")
    (asked,) = study.ask()
    assert (asked.id, dict(asked.config), asked.note) == ("digits/1/3", {"threads": 2}, "n")
    assert study.report(asked.id, 1, {"score": 0.5}) is False
    energy = Observation("energy_j", 2.0, 0.5, 4, "J", "rapl")
    study.tell(asked.id, {"latency_ms": 3, "energy_j": energy}, cost=1.5)
    (complete,) = scripted.requests["Trials/Complete"]
    assert (complete.token, complete.cost) == ("token-3", 1.5)
    told = {observation.metric: observation for observation in complete.observations}
    assert (told["latency_ms"].mean, told["latency_ms"].n, told["latency_ms"].method) == (3.0, 1, "told by the program")
    assert (told["energy_j"].variance, told["energy_j"].n, told["energy_j"].method) == (0.5, 4, "rapl")
    with pytest.raises(NotFound, match="not held"):
        study.tell(asked.id, {"latency_ms": 3})


def test_a_failure_is_told_with_its_reason(scripted, client):
    scripted.answers["Trials/Suggest"] = in_turn(suggested(1))
    scripted.answers["Trials/Fail"] = in_turn(data_pb2.Trial())
    study = client.study("digits")
    study.tell(study.ask()[0].id, failed="it crashed")
    assert scripted.requests["Trials/Fail"][0].cause.message == "it crashed"
    assert scripted.requests["Trials/Fail"][0].cause.kind == data_pb2.CAUSE_KIND_CRASHED


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ({"latency_ms": float("nan")}, {}),
        ({"latency_ms": float("inf")}, {}),
        ({"latency_ms": "fast"}, {}),
        ({"latency_ms": True}, {}),
        ({"latency_ms": Observation("energy_j", 1.0)}, {}),
        ({"latency_ms": 1.0}, {"cost": -1.0}),
        ({"latency_ms": 1.0}, {"cost": float("nan")}),
        ({"latency_ms": 1.0}, {"failed": "both"}),
        (None, {}),
    ],
)
def test_what_cannot_be_right_is_refused_before_it_is_sent(scripted, client, values, options):
    scripted.answers["Trials/Suggest"] = in_turn(suggested(1))
    study = client.study("digits")
    asked = study.ask()[0]
    with pytest.raises(InvalidInput):
        study.tell(asked.id, values, **options)
    assert not scripted.requests["Trials/Complete"]
    assert not scripted.requests["Trials/Fail"]


def test_best_and_front_are_those_of_the_environment(scripted, client):
    def optimal(name, number):
        trial = data_pb2.Trial(
            id=f"digits/1/{number}", environment=name, observations=[data_pb2.Observation(metric="x", mean=2.5, n=1)]
        )
        return trials_pb2.Optimal(environment=name, front=[trial], recommended=trial)

    one = trials_pb2.ListOptimalResponse(optimal=[optimal("a", 1)])
    two = trials_pb2.ListOptimalResponse(optimal=[optimal("a", 1), optimal("b", 2)])
    none = trials_pb2.ListOptimalResponse()
    scripted.answers["Trials/ListOptimal"] = in_turn(one, two, two, none, none)
    study = client.study("digits")
    assert study.best().values == {"x": 2.5}
    with pytest.raises(InvalidInput, match="a, b"):
        study.best()
    assert [point.id for point in study.front("b")] == ["digits/1/2"]
    assert study.best() is None
    assert study.front() == []


@pytest.mark.parametrize("address", ["", "localhost", ":7077", "host:", "host:port", "host:0", "host:65536", "host:-1"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(InvalidInput, match="HOST:PORT"):
        Connection(address)


@pytest.mark.parametrize(
    ("address", "proxied"), [("127.0.0.1:1", 0), ("localhost:1", 0), ("[::1]:1", 0), ("10.0.0.7:1", 1)]
)
def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(address, proxied):
    assert dict(Connection(address).options)["grpc.enable_http_proxy"] == proxied


@given(attempt=st.integers(0, 10**6), seed=st.integers())
def test_a_delay_never_exceeds_the_longest(attempt, seed):
    retry = Retry(first=0.1, factor=2.0, longest=2.0)
    delay = retry.delay(attempt, random.Random(seed))
    assert 0 <= delay <= min(2.0, 0.1 * 2.0 ** min(attempt, 20))


def test_patience_ends_when_the_time_is_up_and_begins_anew_with_a_sign_of_life():
    class Clock:
        time = 100.0

        def now(self):
            return self.time

    clock = Clock()
    patience = Patience(Connection(timeout=10, retry=Retry(first=1.0, longest=1.0)), clock, random.Random(1))
    assert patience.delay() is not None
    clock.time = 111.0
    assert patience.left == 0.0
    assert patience.delay() is None
    patience.renew()
    assert patience.left == 10.0
    assert patience.delay() is not None
