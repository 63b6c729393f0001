from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuner_workers.workloads import wire
from tuner_workers.workloads.base import WorkloadError

USAGE = {"cpu_seconds": 0.5, "max_rss_bytes": 1024}
METRIC = {"samples": [1, 2.5], "unit": "ms", "method": "timed"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)
FIELDS = ["type", "metrics", "items", "usage", "step", "kind", "message", "protocol"]
NEAR_MISSES = st.dictionaries(st.sampled_from(FIELDS), JSON) | st.builds(
    lambda kind, rest: {**rest, "type": kind},
    st.sampled_from(["ready", "done", "output", "intermediate", "error"]),
    st.dictionaries(st.sampled_from(FIELDS), JSON),
)


def decode(**message):
    return wire.decode(wire.encode(message))


def test_an_output_arrives_as_it_was_sent():
    message = decode(type="output", metrics={"größe": METRIC}, items=2, usage=USAGE)
    assert isinstance(message, wire.Output)
    assert message.output.metrics["größe"].samples == (1.0, 2.5)
    assert message.output.items == 2.0
    assert message.usage == wire.Usage(0.5, 1024)


@given(JSON | NEAR_MISSES)
def test_whatever_the_child_says_is_a_message_or_bad_output(said):
    try:
        outcome = wire.decode(json.dumps(said).encode())
    except WorkloadError as error:
        outcome = error.kind
    assert outcome == "bad output" or isinstance(outcome, wire.Message)


@given(st.binary())
def test_bytes_that_are_no_json_are_bad_output(line):
    with pytest.raises(WorkloadError, match="bad output"):
        wire.decode(b"\xff" + line)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"[" * 100_000, "a line that is no JSON: '[[["),
        (b"[1]", "a line that is no JSON object: [1]"),
        (b'{"type": "hello"}', "a message of unknown type 'hello'; expected ready, done, output, intermediate, error"),
        (b'{"type": ["ready"]}', "a message of unknown type ['ready']"),
        (b'{"type": "ready", "protocol": true}', "protocol: True is not an integer"),
        (b'{"type": "error", "kind": "crashed"}', "message: None is not a text"),
        (b'{"type": "intermediate", "step": -1, "metrics": {}}', "step: -1 is negative"),
        (b'{"type": "intermediate", "step": 9223372036854775808, "metrics": {}}', "step: 9223372036854775808 has more"),
        (b'{"type": "intermediate", "step": 1, "metrics": {"l": Infinity}}', "metric l at step 1: inf is not finite"),
        (b'{"type": "intermediate", "step": 1, "metrics": {"l": 1' + b"0" * 400 + b"}}", "metric l at step 1: inf"),
    ],
)
def test_the_message_says_what_is_wrong(line, message):
    with pytest.raises(WorkloadError) as caught:
        wire.decode(line)
    assert caught.value.kind == "bad output"
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"items": 0}, "items: 0 is not positive"),
        ({"items": float("nan")}, "items: nan is not finite"),
        ({"metrics": []}, "metrics: [] is not an object"),
        ({"metrics": {"": METRIC}}, "the metric name '' is not 1 to 200 characters long"),
        ({"metrics": {"\udc80": METRIC}}, r"the metric name '\udc80' holds control characters or lone surrogates"),
        ({"metrics": {"\0": METRIC}}, r"the metric name '\x00' holds control characters or lone surrogates"),
        ({"metrics": {"m": 1}}, "metric m: 1 is not an object"),
        ({"metrics": {"m": {**METRIC, "samples": []}}}, "metric m: [] is not a list of at least one sample"),
        ({"metrics": {"m": {**METRIC, "samples": [True]}}}, "metric m: True is not a number"),
        ({"metrics": {"m": {**METRIC, "unit": None}}}, "unit of metric m: None is not a text"),
        ({"usage": {"cpu_seconds": 1}}, "usage.max_rss_bytes: None is not an integer"),
    ],
)
def test_an_output_is_checked_field_by_field(changed, message):
    with pytest.raises(WorkloadError) as caught:
        decode(**{"type": "output", "metrics": {"m": METRIC}, "items": 1, "usage": USAGE, **changed})
    assert caught.value.message.startswith(message)


def test_what_a_workload_says_of_a_file_that_is_no_utf8_can_be_reported():
    """One such message would end the worker: protobuf holds no lone surrogates."""
    message = decode(type="error", kind="crashed", message="cannot open b\udcfcro")
    assert message == wire.Failed("crashed", r"cannot open b\udcfcro")
    odd = {**METRIC, "unit": "\ud800", "method": "\udfff"}
    output = decode(type="output", metrics={"m": odd}, items=1, usage=USAGE).output
    assert (output.metrics["m"].unit, output.metrics["m"].method) == (r"\ud800", r"\udfff")
