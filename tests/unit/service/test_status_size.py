"""A status fits into the trailers that peers take, whatever was wrong."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from google.rpc import error_details_pb2

from tuner.core.errors import AlreadyExists, InvalidInput, Problem
from tuner.service.rpc.errors import status_of

SOFT_LIMIT = 8192
"""Bytes of metadata above which gRPC drops a call with a probability (``grpc.max_metadata_size``)."""


def on_the_wire(status):
    details = status.SerializeToString()
    return len(quote(status.message, safe=" ")) + 4 * (len(details) // 3 + 1)


def violations(status):
    request = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(request)
    return request.field_violations


@pytest.mark.parametrize("letter", ["x", "ü", "試", "\n", "\ud800"])
@pytest.mark.parametrize("number", [1, 25, 5000])
@pytest.mark.parametrize("length", [10, 5000])
def test_any_number_of_problems_fits(letter, number, length):
    problems = [
        Problem(f"space.p{i}", letter * length, letter * 50, letter * length, "study.yaml", i + 1)
        for i in range(number)
    ]
    status = status_of(InvalidInput(problems))
    assert on_the_wire(status) < SOFT_LIMIT - 500
    shown = violations(status)
    assert shown[0].field == "study.yaml:1: space.p0"
    assert shown[0].description.startswith(("?" if letter == "\ud800" else letter) * 10)
    if len(shown) < number:
        assert shown[-1].field == "study.yaml"
        assert shown[-1].description.startswith(f"and {number - len(shown) + 1} more problems")


def test_the_problems_of_an_ordinary_file_are_all_there():
    problems = [
        Problem(f"space.threads{i}.low", "is above high", 5, "at most 4", "study.yaml", i) for i in range(1, 21)
    ]
    shown = violations(status_of(InvalidInput(problems)))
    assert [violation.field for violation in shown] == [f"study.yaml:{p.line}: {p.field}" for p in problems]
    assert shown[0].description == "is above high, got 5; expected at most 4"


def test_a_long_message_is_cut_and_says_so():
    status = status_of(AlreadyExists("é" * 100_000))
    assert on_the_wire(status) < SOFT_LIMIT - 500
    assert status.message.endswith(" ...")
    assert status_of(AlreadyExists("taken")).message == "taken"
