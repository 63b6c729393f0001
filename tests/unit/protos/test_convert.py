"""Core values over the wire and back, and what comes off the wire that no core value can be."""

from __future__ import annotations

import json
import math

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from tuner_protos import convert
from tuner_protos.v1 import data_pb2 as pb

from tuner.core.environment import Environment, Fingerprint
from tuner.core.errors import InvalidInput
from tuner.core.event import Event, EventKind
from tuner.core.observation import Intermediate, Metric, Observation, Run
from tuner.core.param import MAX_INT
from tuner.core.study import StudyState
from tuner.core.trial import Cause, CauseKind, Purpose, Result, TrialState
from tuner.core.worker import Inventory, Offer, Worker, WorkerState

NOT_FINITE = [math.nan, math.inf, -math.inf]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAME = TEXT.filter(bool)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
VALUE = st.one_of(st.booleans(), st.integers(-MAX_INT, MAX_INT), NUMBER, TEXT)
VALUES = st.dictionaries(NAME, VALUE, max_size=4)
OBSERVATION = st.builds(
    Observation, NAME, NUMBER, st.none() | st.floats(0, 1e300), st.integers(1, 2**31 - 1), TEXT, TEXT
)
HISTOGRAM = st.lists(st.tuples(NUMBER, st.integers(0, 2**62)), max_size=3).map(
    lambda rows: (tuple(bound for bound, _ in rows), tuple(count for _, count in rows))
)
RUN = st.builds(
    Run,
    index=st.integers(0, 2**31 - 1),
    started_at=NUMBER,
    duration=NUMBER,
    values=st.dictionaries(NAME, NUMBER, max_size=3),
    knobs=VALUES,
    flags=st.lists(TEXT, max_size=2).map(tuple),
    arm=TEXT,
    block=st.integers(0, 100),
    histogram=st.dictionaries(NAME, HISTOGRAM, max_size=2),
)
POINT = st.builds(Intermediate, st.integers(-(2**62), 2**62), NUMBER, NAME, NUMBER)
CAUSE = st.builds(Cause, st.sampled_from(CauseKind), TEXT)
RESULT = st.builds(
    Result,
    st.sampled_from(TrialState),
    st.lists(OBSERVATION, max_size=3).map(tuple),
    st.lists(RUN, max_size=2).map(tuple),
    st.lists(POINT, max_size=2).map(tuple),
    st.none() | CAUSE,
    NUMBER,
)
FACTS = st.dictionaries(NAME, TEXT, max_size=3)
FINGERPRINT = st.builds(Fingerprint, FACTS, FACTS)
OFFER = st.builds(
    Offer,
    name=NAME,
    available=st.booleans(),
    domain=TEXT,
    reason=TEXT,
    current=st.none() | VALUE,
    low=st.none() | NUMBER,
    high=st.none() | NUMBER,
    values=st.none() | st.lists(VALUE, max_size=3).map(tuple),
    metrics=FACTS,
)
OFFERS = st.lists(OFFER, max_size=2).map(tuple)
INVENTORY = st.builds(Inventory, FINGERPRINT, OFFERS, OFFERS, OFFERS, FACTS)
KINDS = [TrialState, StudyState, WorkerState, Purpose, CauseKind]


def through(message):
    """As it arrives at the other end."""
    return type(message).FromString(message.SerializeToString())


def fields(refused):
    return [problem.field for problem in refused.value.problems]


@pytest.mark.parametrize("kind", KINDS)
def test_every_member_of_an_enumeration_has_its_own_number(kind):
    numbers = [convert.enum_to_proto(member) for member in kind]
    assert len(set(numbers)) == len(numbers)
    assert [convert.enum_from_proto(kind, number, "f") for number in numbers] == list(kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [0, -1, 99, 2**31 - 1])
def test_a_number_that_is_not_set_or_unknown_is_refused_by_name(kind, number):
    with pytest.raises(InvalidInput) as refused:
        convert.enum_from_proto(kind, number, "state")
    assert fields(refused) == ["state"]
    assert "UNSPECIFIED" not in refused.value.problems[0].expected


@given(VALUE)
def test_values_keep_their_type(value):
    back = convert.value_from_proto(through(convert.value_to_proto(value)))
    assert (back, type(back)) == (value, type(value))


@given(VALUES)
def test_maps_of_values_come_back(values):
    assert (
        convert.values_from_proto(through(pb.Trial(configuration=convert.values_to_proto(values))).configuration)
        == values
    )


@pytest.mark.parametrize(
    "message",
    [
        pb.Value(),
        *(pb.Value(double_value=number) for number in NOT_FINITE),
        pb.Value(int_value=MAX_INT + 1),
        pb.Value(int_value=-(2**63)),
    ],
)
def test_a_value_that_nothing_can_hold_is_refused_with_its_name(message):
    with pytest.raises(InvalidInput) as refused:
        convert.values_from_proto({"threads": message}, "configuration")
    assert fields(refused) == ["configuration.threads"]


@given(RESULT)
def test_results_come_back(result):
    assert convert.result_from_proto(through(convert.result_to_proto(result))) == result


def finite_result():
    return pb.Result(
        state=pb.TRIAL_STATE_COMPLETED,
        observations=[pb.Observation(metric="ms", mean=1.0, variance=0.5, n=2, unit="ms")],
        runs=[
            pb.Run(
                values={"ms": 1.0},
                knobs={"k": pb.Value(double_value=1.0)},
                histograms={"ms": pb.Histogram(bounds=[1.0, 2.0], counts=[3, 4])},
            )
        ],
        intermediates=[pb.Intermediate(metric="loss", value=1.0)],
        cost=1.0,
    )


@pytest.mark.parametrize("number", NOT_FINITE)
@pytest.mark.parametrize(
    ("spoil", "place"),
    [
        (lambda r, x: setattr(r.observations[0], "mean", x), "observations[0].ms"),
        (lambda r, x: setattr(r.observations[0], "variance", x), "observations[0].ms"),
        (lambda r, x: setattr(r, "cost", x), "cost"),
        (lambda r, x: setattr(r.runs[0], "started_at", x), "runs[0].started_at"),
        (lambda r, x: setattr(r.runs[0], "duration", x), "runs[0].duration"),
        (lambda r, x: r.runs[0].values.update({"ms": x}), "runs[0].values.ms"),
        (lambda r, x: setattr(r.runs[0].knobs["k"], "double_value", x), "runs[0].knobs.k"),
        (lambda r, x: r.runs[0].histograms["ms"].bounds.__setitem__(1, x), "runs[0].histograms.ms"),
        (lambda r, x: setattr(r.intermediates[0], "value", x), "intermediates[0].value"),
        (lambda r, x: setattr(r.intermediates[0], "elapsed", x), "intermediates[0].elapsed"),
    ],
)
def test_a_number_that_is_not_finite_is_refused_wherever_it_stands(spoil, place, number):
    message = finite_result()
    convert.result_from_proto(message)
    spoil(message, number)
    with pytest.raises(InvalidInput) as refused:
        convert.result_from_proto(through(message))
    assert fields(refused) == [place]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"metric": ""}, "observations[0].metric"),
        ({"metric": "ms", "n": 0}, "observations[0].ms"),
        ({"metric": "ms", "n": -3}, "observations[0].ms"),
        ({"metric": "ms", "n": 2, "variance": -0.5}, "observations[0].ms"),
    ],
)
def test_an_observation_that_cannot_be_is_refused(changes, place):
    message = pb.Result(state=pb.TRIAL_STATE_COMPLETED, observations=[pb.Observation(mean=1.0, **{"n": 1, **changes})])
    with pytest.raises(InvalidInput) as refused:
        convert.result_from_proto(message)
    assert fields(refused) == [place]


def test_a_histogram_has_as_many_counts_as_bounds():
    message = finite_result()
    message.runs[0].histograms["ms"].counts.append(5)
    with pytest.raises(InvalidInput) as refused:
        convert.result_from_proto(message)
    assert fields(refused) == ["runs[0].histograms.ms"]


def test_everything_wrong_with_a_result_is_said_at_once():
    message = finite_result()
    message.state = 0
    message.observations[0].mean = math.nan
    message.runs[0].duration = math.inf
    message.intermediates[0].metric = ""
    message.cause.kind = 77
    message.cost = -math.inf
    with pytest.raises(InvalidInput) as refused:
        convert.result_from_proto(message)
    assert sorted(fields(refused)) == [
        "cause.kind", "cost", "intermediates[0].metric", "observations[0].ms", "runs[0].duration", "state"
    ]  # fmt: skip


@given(INVENTORY)
def test_inventories_come_back(inventory):
    assert convert.inventory_from_proto(through(convert.inventory_to_proto(inventory))) == inventory


@pytest.mark.parametrize("number", NOT_FINITE)
@pytest.mark.parametrize(
    ("changes", "place"),
    [
        (lambda x: {"low": x}, "turbo.low"),
        (lambda x: {"high": x}, "turbo.high"),
        (lambda x: {"current": pb.Value(double_value=x)}, "turbo.current"),
        (lambda x: {"listed": True, "values": [pb.Value(double_value=x)]}, "turbo.values[0]"),
    ],
)
def test_an_offer_with_a_number_that_is_not_finite_is_refused(changes, place, number):
    message = pb.Inventory(knobs=[pb.Offer(name="turbo", **changes(number))])
    with pytest.raises(InvalidInput) as refused:
        convert.inventory_from_proto(through(message))
    assert fields(refused) == [place]


@given(FINGERPRINT, FACTS)
def test_environments_come_back_with_their_identity(fingerprint, contexts):
    environment = Environment(fingerprint, contexts)
    message = through(convert.environment_to_proto(environment))
    assert message.id == environment.id
    assert convert.environment_from_proto(message) == environment


@given(NAME, TEXT, st.sampled_from(WorkerState), INVENTORY, NUMBER, NUMBER, TEXT, TEXT)
def test_workers_are_shown_as_they_are(worker_id, name, state, inventory, registered_at, seen_at, reason, trial):
    worker = Worker(worker_id, name, state, inventory, registered_at, seen_at, reason)
    message = through(convert.worker_to_proto(worker, trial))
    assert (message.id, message.name, message.reason, message.trial) == (worker_id, name, reason, trial)
    assert convert.enum_from_proto(WorkerState, message.state, "state") is state
    assert (message.registered_at, message.seen_at) == (registered_at, seen_at)
    assert convert.inventory_from_proto(message.inventory) == inventory


@given(
    st.builds(
        Event,
        st.sampled_from(EventKind),
        NUMBER,
        TEXT,
        st.integers(0, 2**31 - 1),
        TEXT,
        st.dictionaries(TEXT, st.none() | VALUE | st.lists(VALUE, max_size=2), max_size=3),
        st.integers(0, 2**62),
    )
)
def test_events_arrive_as_they_are(event):
    message = through(convert.event_to_proto(event))
    told = (message.kind, message.at, message.study_id, message.trial, message.actor, message.sequence)
    assert told == (event.kind.value, event.at, event.study_id, event.trial, event.actor, event.sequence)
    assert json.loads(message.data_json) == event.data


@given(st.builds(Metric, NAME, NAME, st.sampled_from(["mean", "p95", "last"])))
def test_metrics_come_back(metric):
    assert convert.metric_from_proto(through(convert.metric_to_proto(metric))) == metric


def test_a_metric_without_a_statistic_is_taken_by_its_mean():
    assert convert.metric_from_proto(pb.Metric(key="ms", name="ms")) == Metric("ms", "ms", "mean")


@given(CAUSE)
def test_causes_come_back(cause):
    assert convert.cause_from_proto(through(convert.cause_to_proto(cause))) == cause


def test_no_cause_stays_none():
    assert convert.cause_to_proto(None) is None


@given(st.binary(max_size=200))
def test_random_bytes_are_a_result_or_a_typed_error(data):
    try:
        result = convert.result_from_proto(pb.Result.FromString(data))
    except (DecodeError, InvalidInput):
        return
    assert convert.result_from_proto(through(convert.result_to_proto(result))) == result
