"""What goes into a store comes out equal, whatever numbers and texts it holds."""

import json
import math
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.core.errors import InvalidInput
from tuner.core.observation import Run
from tuner.core.trial import Result, TrialState
from tuner.store import checks, codec

finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.one_of(st.booleans(), st.integers(-(2**53), 2**53), finite, st.text())
runs = st.builds(
    Run,
    index=st.integers(0, 2**40),
    started_at=finite,
    duration=finite,
    values=st.dictionaries(st.text(), finite),
    knobs=st.dictionaries(st.text(), values),
    flags=st.lists(st.text()).map(tuple),
    histogram=st.dictionaries(
        st.text(), st.tuples(st.lists(finite).map(tuple), st.lists(st.integers(0, 9)).map(tuple)), max_size=2
    ),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(runs, max_size=3))
def test_runs_come_back_equal(given_runs):
    rows = codec.run_rows(given_runs)
    row = codec.result_row(Result(TrialState.FAILED))
    back = codec.result_value(row, (), json.loads(json.dumps(rows)), ()).runs
    assert back == tuple(given_runs)
    assert [list(run.knobs) for run in back] == [list(run.knobs) for run in given_runs]


@given(st.text(alphabet=st.characters(codec=None)))
def test_prose_is_always_storable_and_storable_prose_is_left_alone(text):
    kept = checks.prose(text)
    assert "\0" not in kept
    kept.encode("utf-8")
    assert checks.name(kept, "text") == kept
    assert checks.prose(kept) == kept
    assert len(kept) == len(text)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1", pytest.param(10**400, id="huge")])
def test_a_number_is_finite(value):
    with pytest.raises(InvalidInput, match="cost"):
        checks.number(value, "cost")


@pytest.mark.parametrize("value", [2**63, -(2**63), 1.0, True, "1"])
def test_a_whole_number_fits_64_bits(value):
    with pytest.raises(InvalidInput, match="step"):
        checks.whole(value, "step")


@pytest.mark.parametrize("value", [{"a": math.nan}, [math.inf], {"a": object()}, {1, 2}, b"bytes"])
def test_json_holds_finite_plain_values(value):
    with pytest.raises(InvalidInput, match="data"):
        checks.to_json(value, "data")


def test_any_mapping_has_a_form_in_json_and_keeps_its_order():
    assert checks.to_json(MappingProxyType({"b": 1, "a": {"ü": (1, 2)}}), "data") == '{"b":1,"a":{"\\u00fc":[1,2]}}'
