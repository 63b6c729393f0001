"""StudySpec <-> document: identity there and back, and refusals outside of files."""

from __future__ import annotations

import json
import string

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.core.errors import InvalidInput
from tuner.core.expression import Value, parse
from tuner.core.observation import STATISTICS, Metric
from tuner.core.param import BoolParam, CategoricalParam, FloatParam, IntParam, OrdinalParam, Param, same
from tuner.core.space import Space
from tuner.core.study import (
    Budget,
    EngineChoice,
    Goal,
    Measurement,
    Objective,
    OutcomeConstraint,
    StudySpec,
    Workload,
)
from tuner.spec.document import (
    objectives_from_document,
    outcome_constraints_from_document,
    space_from_document,
    spec_from_document,
    spec_to_document,
)
from tuner.spec.schema import json_schema

WORDS = st.text(string.ascii_letters + string.digits + "äß 名_-.", min_size=1, max_size=8).filter(
    lambda word: word == word.strip()
)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value + 0.0)
SCALARS: st.SearchStrategy[Value] = NUMBERS | WORDS | st.booleans()
LISTED = st.lists(SCALARS, min_size=1, max_size=5, unique_by=lambda value: (isinstance(value, bool), value)).map(tuple)
TEXTS = st.dictionaries(WORDS, WORDS, max_size=3)
JSON = st.recursive(
    SCALARS | st.none(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner), max_leaves=5
)


@st.composite
def params(draw: st.DrawFn, name: str, earlier: list[Param]) -> Param:
    knob = draw(st.none() | st.just(f"knob.{name}"))
    common = {"name": name, "knob": knob, "switch_cost": draw(st.floats(0, 1e6))}
    if knob:
        common["optional"] = draw(st.booleans())
    switches = [param.name for param in earlier if isinstance(param, BoolParam)]
    if switches and draw(st.booleans()):
        common["when"] = parse(f"not {draw(st.sampled_from(switches))}")
    param: Param
    kind = draw(st.sampled_from(["float", "int", "ordinal", "categorical", "bool"]))
    if kind == "float":
        low, high = sorted(draw(st.tuples(*[st.floats(-1e300, 1e300).map(lambda value: value + 0.0)] * 2)))
        param = FloatParam(**common, low=low, high=high, log=low > 0 and draw(st.booleans()))
        default = draw(st.sampled_from([low, high]))
    elif kind == "int":
        low, high = sorted(draw(st.tuples(*[st.integers(-(2**53), 2**53)] * 2)))
        param = IntParam(**common, low=low, high=high, log=low > 0 and draw(st.booleans()))
        default = draw(st.integers(low, high))
    elif kind == "bool":
        param = BoolParam(**common)
        default = draw(st.booleans())
    else:
        shape = OrdinalParam if kind == "ordinal" else CategoricalParam
        param = shape(**common, values=draw(LISTED))
        default = draw(st.sampled_from(param.values))
    special = tuple(v for v in draw(LISTED) if draw(st.booleans()) and not in_domain(param, v))
    if knob and draw(st.booleans()):
        default = None
    elif special and draw(st.booleans()):
        default = draw(st.sampled_from(special))
    return type(param)(**{**vars(param), "special": special, "default": default})


def in_domain(param: Param, value: Value) -> bool:
    try:
        param.coerce(value)
    except ValueError:
        return False
    return True


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    names = draw(st.lists(st.from_regex(r"[a-zäß名][a-z0-9_]{0,5}", fullmatch=True).map(lambda n: n + "_"),
                          min_size=1, max_size=4, unique=True))  # fmt: skip
    found: list[Param] = []
    for name in names:
        found.append(draw(params(name, found)))
    constraints = draw(st.lists(st.sampled_from(names).map(lambda name: parse(f"{name} == {name}")), max_size=2))
    return Space(tuple(found), tuple(constraints))


@st.composite
def specs(draw: st.DrawFn) -> StudySpec:
    def metric(name: str) -> Metric:
        statistic = draw(st.sampled_from(STATISTICS))
        return Metric(f"{statistic}({name})" if draw(st.booleans()) else name, name, statistic)

    objectives = [
        Objective(metric(name), draw(st.sampled_from(Goal)))
        for name in draw(st.lists(st.sampled_from(["a_ms", "b.j", "ß"]), min_size=1, max_size=3, unique=True))
    ]
    bound = st.sampled_from(["0.95", "1.1 * default", "default - 3", "-1e9"]).map(parse)
    bounded = st.sampled_from([o.metric for o in objectives] + [Metric("z", "z"), Metric("p99(z)", "z", "p99")])
    integers_or_auto = st.just("auto") | st.integers(1, 99)
    seconds = st.floats(0.001, 1e9)
    return StudySpec(
        name=draw(WORDS),
        workload=Workload(draw(WORDS), draw(st.dictionaries(WORDS.filter(lambda w: w != "kind"), JSON, max_size=3))),
        space=draw(spaces()),
        objectives=tuple(objectives),
        outcome_constraints=tuple(
            draw(st.lists(st.builds(OutcomeConstraint, bounded, st.sampled_from(["<=", ">="]), bound), max_size=3))
        ),
        budget=draw(st.builds(Budget, st.integers(1, 10**6), st.none() | seconds, st.integers(1, 100))),
        measurement=draw(
            st.builds(
                Measurement, integers_or_auto, integers_or_auto, integers_or_auto, seconds, st.sampled_from([0, 5, 40])
            )
        ),
        engine=draw(
            st.builds(EngineChoice, WORDS, st.dictionaries(WORDS.filter(lambda w: w != "name"), SCALARS, max_size=3))
        ),
        priors=draw(st.sampled_from(["auto", "none"]) | st.lists(WORDS, min_size=1, max_size=3).map(tuple)),
        contexts=draw(
            st.dictionaries(WORDS, st.lists(WORDS, min_size=1, max_size=3, unique=True).map(tuple), max_size=2)
        ),
        each_device=draw(st.booleans()),
        workers=draw(TEXTS),
        labels=draw(TEXTS),
        seed=draw(st.integers(0, 2**53)),
    )


@settings(deadline=None, max_examples=60)
@given(specs())
def test_a_study_survives_the_way_through_json(spec: StudySpec) -> None:
    text = json.dumps(spec_to_document(spec), allow_nan=False)
    back = spec_from_document(json.loads(text))
    assert back == spec
    assert json.dumps(spec_to_document(back)) == text


@settings(deadline=None, max_examples=30)
@given(specs())
def test_the_schema_accepts_every_document(spec: StudySpec) -> None:
    assert [e.message for e in jsonschema.Draft202012Validator(json_schema()).iter_errors(spec_to_document(spec))] == []


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(st.sampled_from(["name", "workload", "space", "objectives", "budget", "engine", "x"]), JSON))
def test_any_document_is_read_or_refused(document: dict[str, object]) -> None:
    with pytest.raises(InvalidInput) as raised:
        spec_from_document(document)
    assert raised.value.problems


def messages(document: object) -> list[str]:
    with pytest.raises(InvalidInput) as raised:
        spec_from_document(document)  # type: ignore[arg-type]
    return [str(problem) for problem in raised.value.problems]


def test_what_no_document_can_hold_is_refused() -> None:
    circle: dict[str, object] = {}
    circle["again"] = circle
    assert "nested deeper" in messages({"workload": circle})[-1]
    assert "is an integer beyond 2^53" in messages({"seed": 10**6000})[0]
    found = messages({"seed": float("nan"), "name": b"x", "labels": {1: "a"}, "workload": object()})
    assert found[0] == "seed: is not a finite number, got nan; expected a finite number"
    assert found[1].startswith("name: is not plain data, got b'x'")
    assert found[2] == "labels: has a key that is not text, got 1; expected text keys"
    assert found[3].startswith("workload: is not plain data, got <object")


def test_the_source_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"^row 7: study: is not a section"):
        spec_from_document([], source="row 7")  # type: ignore[arg-type]


def test_numbers_are_spelled_as_the_domain_spells_them() -> None:
    space = space_from_document(
        {
            "a": {"type": "int", "low": 1.0, "high": 4.0, "default": 2.0},
            "b": {"type": "float", "low": 0, "high": 1, "default": -0.0},
        }
    )
    assert repr(space.default()) == "Configuration({'a': 2, 'b': 0.0})"


def test_a_space_by_itself_is_checked_as_in_a_study() -> None:
    with pytest.raises(InvalidInput) as raised:
        space_from_document({"a": {"type": "bool", "default": 1}}, ["a and b"])
    assert [problem.field for problem in raised.value.problems] == ["space.a.default", "constraints[0]"]


def test_too_much_of_a_space_is_refused() -> None:
    one = {"type": "bool", "default": True}
    with pytest.raises(InvalidInput, match="space: has 501 parameters; expected 1 to 500"):
        space_from_document({f"p{i}": one for i in range(501)})
    many = {"type": "ordinal", "values": list(range(6000)), "default": 0}
    with pytest.raises(InvalidInput, match="lists too many values"):
        space_from_document({"a": many, "b": many})
    with pytest.raises(InvalidInput, match="has 201 items; expected 1 to 200"):
        space_from_document({"a": one}, ["a"] * 201)


def test_true_and_one_are_two_values() -> None:
    space = space_from_document({"a": {"type": "categorical", "values": [True, 1, "1"], "default": 1}})
    assert same(space.default()["a"], 1)
    assert space.params[0].kind == "any"


def test_a_bare_metric_is_that_of_the_objective_with_its_key() -> None:
    objectives = objectives_from_document([{"metric": "latency_ms", "goal": "minimize", "statistic": "p95"}])
    by_key, by_quantity, other, new = outcome_constraints_from_document(
        ["latency_ms <= 5", "p95( latency_ms ) <= 2 * default", "p50(latency_ms) <= 3", "accuracy >= 0.9"], objectives
    )
    assert by_key.metric == by_quantity.metric == objectives[0].metric
    assert str(by_quantity) == "latency_ms <= 2 * default"
    assert other.metric == Metric("p50(latency_ms)", "latency_ms", "p50")
    assert new.metric == Metric("accuracy", "accuracy", "mean")
    assert outcome_constraints_from_document([], objectives) == ()


def test_a_setting_cannot_take_the_place_of_the_kind() -> None:
    spec = StudySpec("x", Workload("replay", {"kind": "other"}), Space(()), ())
    with pytest.raises(InvalidInput, match=r"workload\.kind"):
        spec_to_document(spec)
