"""What goes wrong on the other side arrives as this project's typed errors."""

from __future__ import annotations

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.client.client import Client
from tuner.client.errors import problem_of
from tuner.core import errors
from tuner.core.errors import InvalidInput, Problem
from tuner.service.rpc.errors import status_of


def fail_with(scripted, error):
    def answer(request):
        raise error

    scripted.answers["Studies/Get"] = answer
    with Client(scripted.address, timeout=5) as client:
        client.get_study("digits")


@pytest.mark.parametrize(
    "kind",
    [
        errors.NotFound,
        errors.AlreadyExists,
        errors.WrongState,
        errors.StaleLease,
        errors.SpaceExhausted,
        errors.PermissionDenied,
        errors.StoreError,
    ],
)
def test_each_error_arrives_as_its_own_class_with_its_text(scripted, kind):
    with pytest.raises(kind, match="the reason why") as caught:
        fail_with(scripted, kind("the reason why"))
    assert type(caught.value) is kind


def test_every_problem_of_an_invalid_input_arrives_with_its_place(scripted):
    sent = InvalidInput(
        [
            Problem("space.größe", "is outside", 12, "1 to 4", "my study.yaml", 7),
            Problem("objectives", "is missing", source="my study.yaml"),
            Problem("count", "is not positive", 0, "at least 1"),
        ]
    )
    with pytest.raises(InvalidInput) as caught:
        fail_with(scripted, sent)
    assert str(caught.value) == str(sent)
    first, second, third = caught.value.problems
    assert (first.source, first.line, first.field) == ("my study.yaml", 7, "space.größe")
    assert (second.source, second.line, second.field) == ("my study.yaml", 0, "objectives")
    assert (third.source, third.field) == ("", "count")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, errors.PermissionDenied),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.Unavailable),
        (grpc.StatusCode.UNIMPLEMENTED, errors.Unavailable),
        (grpc.StatusCode.INVALID_ARGUMENT, errors.InvalidInput),
        (grpc.StatusCode.INTERNAL, errors.StoreError),
        (grpc.StatusCode.DATA_LOSS, errors.TunerError),
    ],
)
@pytest.mark.parametrize("details", [None, b"\xff\xff\xff not a status"])
def test_a_status_without_our_details_is_mapped_by_its_code(scripted, code, kind, details):
    with pytest.raises(kind, match="from a proxy") as caught:
        fail_with(scripted, scripted.Refusal(code, "from a proxy", details))
    assert type(caught.value) is kind


def test_details_of_another_domain_do_not_choose_the_class(scripted):
    status = status_of(errors.NotFound("x"))
    status.details[0].Clear()
    refusal = scripted.Refusal(grpc.StatusCode.FAILED_PRECONDITION, "x", status.SerializeToString())
    with pytest.raises(errors.WrongState):
        fail_with(scripted, refusal)


def test_a_server_that_is_not_there_is_named():
    with Client("127.0.0.1:9", timeout=0.3) as client, pytest.raises(errors.Unavailable, match=r"127\.0\.0\.1:9"):
        client.get_study("digits")


@given(
    source=st.text(st.characters(exclude_characters=":\n", exclude_categories=("Cs",)), min_size=1),
    line=st.integers(1, 10**6),
    field=st.text(st.characters(exclude_characters=":", exclude_categories=("Cs",)), min_size=1),
)
def test_a_violation_is_taken_apart_as_it_was_put_together(source, line, field):
    assert problem_of(f"{source}:{line}: {field}", "is wrong") == Problem(field, "is wrong", source=source, line=line)
