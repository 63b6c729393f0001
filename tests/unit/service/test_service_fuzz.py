"""Messages of any contents: an answer, or a refusal that blames the caller; never an error of the server's own."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor import FieldDescriptor as Field
from google.rpc import code_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from service_rig import EXTERNAL, STUDY, Refused, Rig
from tuner_protos.v1 import studies_pb2, trials_pb2, workers_pb2

from tuner.store.memory import MemoryStore
from tuner.store.open import open_store

UNARY = [
    (module.DESCRIPTOR.services_by_name[service], name)
    for module, service in ((studies_pb2, "Studies"), (trials_pb2, "Trials"), (workers_pb2, "Workers"))
    for name, method in module.DESCRIPTOR.services_by_name[service].methods_by_name.items()
    if not method.server_streaming
]
OURS = {code_pb2.INTERNAL, code_pb2.UNKNOWN, code_pb2.UNAVAILABLE}
KNOWN = [
    "größe",
    "größe/1",
    "größe/1/1",
    "größe/1",
    "told",
    "told/1/1",
    "w1",
    "client-me",
    "ms",
    "sim",
    "threads",
    "batch",
]
ODD = [
    "",
    "\x00",
    "/",
    "//",
    "a/b/c",
    "1/1/1",
    "²",
    "99999999999999999999",
    "größe/0",
    "größe/-1",
    "größe/²",
    "größe/" + "9" * 30,
    "\U0001f600" * 40,
]
TEXT = st.sampled_from(KNOWN) | st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
FLOAT = st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e308, 5e-324, float("nan"), float("inf"), -float("inf")]) | st.floats()


def whole(bits, signed=True):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return st.sampled_from([0, 1, 2, 3, 100, -1, low, high]).filter(lambda n: low <= n <= high) | st.integers(low, high)


SCALARS = {
    Field.TYPE_DOUBLE: FLOAT,
    Field.TYPE_FLOAT: FLOAT,
    Field.TYPE_INT32: whole(32),
    Field.TYPE_INT64: whole(64),
    Field.TYPE_SINT64: whole(64),
    Field.TYPE_BOOL: st.booleans(),
    Field.TYPE_STRING: TEXT,
    Field.TYPE_BYTES: st.binary(max_size=8),
    Field.TYPE_ENUM: st.integers(-1, 12),
}


def fill(draw, message, tokens, depth=0):
    for field in message.DESCRIPTOR.fields:
        if not draw(st.integers(0, 3)):
            continue
        if field.name == "token" and tokens and draw(st.booleans()):
            message.token = draw(st.sampled_from(tokens))
        elif field.name == "source":
            message.source = draw(st.sampled_from([STUDY, EXTERNAL, "", "name: [", STUDY.replace("4", "9")]) | TEXT)
        elif field.name == "wait":
            message.wait = draw(st.sampled_from([0.0, -1.0, float("nan")]))  # nobody should have to wait here
        elif field.message_type and field.message_type.GetOptions().map_entry:
            fill_map(draw, message, field, tokens, depth)
        elif field.message_type:
            if depth < 4:
                fill_message(draw, message, field, tokens, depth)
        elif field.is_repeated:
            getattr(message, field.name).extend(draw(st.lists(SCALARS[field.type], max_size=3)))
        else:
            setattr(message, field.name, draw(SCALARS[field.type]))


def fill_map(draw, message, field, tokens, depth):
    value = field.message_type.fields_by_name["value"]
    for key in draw(st.lists(TEXT, max_size=3, unique=True)):
        if value.message_type:
            fill(draw, getattr(message, field.name)[key], tokens, depth + 1)
        else:
            getattr(message, field.name)[key] = draw(SCALARS[value.type])


def fill_message(draw, message, field, tokens, depth):
    if field.is_repeated:
        for _ in range(draw(st.integers(0, 2))):
            fill(draw, getattr(message, field.name).add(), tokens, depth + 1)
    else:
        getattr(message, field.name).SetInParent()
        fill(draw, getattr(message, field.name), tokens, depth + 1)


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def served(request, tmp_path_factory):
    """One server for all examples: what one leaves behind is there for the next to meet."""
    path = tmp_path_factory.mktemp("store") / "store.db"
    rig = Rig(MemoryStore(), patience=0.01)
    if request.param == "sqlite":
        rig.close()
        rig = Rig(open_store(str(path), rig.clock), patience=0.01)
    rig.create()
    rig.create(EXTERNAL)
    rig.register()
    tokens = [rig.lease().assignment.token, *(suggested.token for suggested in rig.suggest())]
    yield rig, tokens
    rig.close()


@pytest.mark.parametrize(("service", "name"), UNARY, ids=lambda part: getattr(part, "name", part))
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_comes_is_answered_or_refused(served, service, name, data):
    rig, tokens = served
    request = service.methods_by_name[name].input_type._concrete_class()
    fill(data.draw, request, tokens)
    servicer = getattr(rig, service.name.lower())
    try:
        rig.call(getattr(servicer, name), type(request).FromString(request.SerializeToString()))
    except Refused as refusal:
        assert refusal.code not in OURS, refusal  # noqa: PT017
        assert str(refusal)  # noqa: PT017
    rig.clock.advance(0.25)
    rig.tick()
