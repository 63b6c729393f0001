"""The grammar, its three-valued logic, and errors that name their column."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.core.expression import MAX_DEPTH, MAX_LENGTH, ExpressionError, Value, parse

T = TypeVar("T")

TOKENS = [*"ab1+-*/%()[],<>'&=!١²ä", "and", "or", "not", "in", "true", "a.b", "2.5", "1e3", "1e999", "'x'", "<=", "=="]
VALUES: dict[str, Value] = {"a": 2, "b": True, "a.b": "x", "ä": 0.5}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("12 / 2 / 3", 2.0),
        ("7 % 4 % 2", 1),
        ("-7 % 4", 1),
        ("--2", 2),
        ("-a", -2),
        ("- - -a", -2),
        ("2 * -a", -4),
        ("1 <= a <= 3", True),
        ("1 < a < 2", False),
        ("3 > a == 2", True),
        ("a in [1, 2]", True),
        ("a not in [1, 2]", False),
        ("not a in [1, 2]", False),
        ("a.b in ['x', \"y\"]", True),
        ("a + 1 in [a * 2 - 1]", True),
        ("not not b", True),
        ("not b or b", True),
        ("not (b or b)", False),
        ("false and b or true", True),
        ("false and (b or true)", False),
        ("a.b == 'x'", True),
        ('a.b == "x\'"', False),
        ("a == 2.0", True),
        ("b == true", True),
        ("a == true", False),
        ("a != true", True),
        ("a.b == 1", False),
        ("ä * 2 == 1", True),
        (".5 == 5e-1", True),
        ("orange == 1 or true", True),
    ],
)
def test_values(text: str, value: Value) -> None:
    found = parse(text).evaluate(VALUES)
    assert found == value
    assert isinstance(found, bool) == isinstance(value, bool)


@pytest.mark.parametrize(
    "text",
    [
        "1 / 0",
        "1 % 0",
        "1e308 * 10",
        "1e308 + 1e308",
        "missing",
        "missing == 1",
        "missing + 1",
        "-missing",
        "not missing",
        "not a",
        "-b",
        "b + 1",
        "'x' + 'y'",
        "'x' < 'y'",
        "b < 1",
        "a < 'x'",
        "missing in [1]",
        "a in [1, missing]",
        "a not in [1, missing]",
        "a and b",
    ],
)
def test_what_is_unknown(text: str) -> None:
    assert parse(text).evaluate(VALUES) is None


@pytest.mark.parametrize(("left", "right"), itertools.product([True, False, None], repeat=2))
def test_kleene_logic(left: bool | None, right: bool | None) -> None:
    values: dict[str, Value] = {name: value for name, value in (("p", left), ("q", right)) if value is not None}
    # Kleene's connectives are minimum, maximum and complement on 0 (false), 1/2 (unknown), 1 (true).
    rank = {False: 0.0, None: 0.5, True: 1.0}
    p, q = rank[left], rank[right]
    assert rank[parse("p and q").truth(values)] == min(p, q)
    assert rank[parse("p or q").truth(values)] == max(p, q)
    assert rank[parse("not p").truth(values)] == 1 - p


def test_membership_is_a_disjunction_of_equalities() -> None:
    assert parse("a in [missing, 2]").truth(VALUES) is True
    assert parse("a not in [missing, 2]").truth(VALUES) is False


def test_only_conditions_have_a_truth() -> None:
    assert parse("1").truth({}) is None
    assert parse("'true'").truth({}) is None
    assert parse("true").truth({}) is True


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "the expression ends too early"),
        ("   ", 1, "the expression ends too early"),
        ("a +", 4, "the expression ends too early"),
        ("a + * b", 5, "unexpected '*'"),
        ("a b", 3, "unexpected 'b'"),
        ("  a & b", 5, "unexpected character '&'"),
        ("a = 1", 3, "unexpected character '='"),
        ("a < 'x", 5, 'unexpected character "\'"'),
        ("(a", 3, "expected ')'"),
        ("a in 1", 6, "expected '['"),
        ("a in []", 7, "unexpected ']'"),
        ("a in [1", 8, "expected ']'"),
        ("a in [1] == b", 10, "unexpected '=='"),
        ("and", 1, "unexpected 'and'"),
        ("a < not b", 5, "unexpected 'not'"),
        ("2x", 2, "unexpected 'x'"),
        ("1e999", 1, "the number is not finite"),
        ("a\n+\n)", 5, "unexpected ')'"),
        ("(" * (MAX_DEPTH + 1), MAX_DEPTH + 1, f"nested deeper than {MAX_DEPTH}"),
        ("a" * (MAX_LENGTH + 1), MAX_LENGTH, f"longer than {MAX_LENGTH} characters"),
    ],
)
def test_errors_name_their_column(text: str, column: int, message: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse(text)
    assert (raised.value.column, raised.value.message) == (column, message)


KINDS = {"n": "number", "s": "string", "p": "bool", "x": "any"}


@pytest.mark.parametrize(
    "text",
    ["n > 1", "p", "not p and n + 1 < 2", "s == 'a'", "x", "x > 1 and x == 'a'", "s in ['a', x]", "p == true", "not x"],
)
def test_conditions_pass_the_check(text: str) -> None:
    parse(text).check(KINDS)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("n", 1, "this is a number, not a condition"),
        ("'a'", 1, "this is a string, not a condition"),
        ("n > 1 and other", 11, "unknown name 'other' (known: n, p, s, x)"),
        ("n > 'a'", 3, "'>' needs a number, not a string"),
        ("s < 'b'", 3, "'<' needs a number, not a string"),
        ("s + 1 > 2", 3, "'+' needs a number, not a string"),
        ("p > 1", 3, "'>' needs a number, not a bool"),
        ("n and p", 3, "'and' needs a bool, not a number"),
        ("not n", 1, "'not' needs a bool, not a number"),
        ("-s == 1", 1, "'-' needs a number, not a string"),
        ("n == 's'", 3, "a number is never equal to a string"),
        ("n == true", 3, "a number is never equal to a bool"),
        ("s in ['a', 1]", 3, "a string is never equal to a number"),
    ],
)
def test_what_can_never_be_right_is_refused(text: str, column: int, message: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse(text).check(KINDS)
    assert raised.value.column == column
    assert message in raised.value.message


@pytest.mark.parametrize(("text", "kind"), [("n * 2", "number"), ("n < 2", "bool"), ("'a'", "string"), ("x", "any")])
def test_kind(text: str, kind: str) -> None:
    assert parse(text).kind(KINDS) == kind


def test_names_are_those_it_reads() -> None:
    assert parse("a.b in [c, 'd'] or not -e < 1 + true").names == {"a.b", "c", "e"}


DEEPEST = [
    "+".join("a" * 499) + ">1",
    "a" + "<a" * 499,
    "(" * (MAX_DEPTH - 1) + "a" + ")" * (MAX_DEPTH - 1),
    "not " * 249 + "b",
    "-" * 999 + "a",
    "-(" * (MAX_DEPTH - 1) + "a" + ")" * (MAX_DEPTH - 1) + "+a" * 400 + " > 1",
]


@pytest.mark.parametrize("text", DEEPEST, ids=lambda text: text[:6])
def test_the_longest_and_deepest_expressions_work_everywhere(text: str) -> None:
    expression = parse(text)
    expression.evaluate(VALUES)
    expression.kind({"a": "any", "b": "any"})
    assert expression.names <= {"a", "b"}
    copied = copy.deepcopy(pickle.loads(pickle.dumps(expression)))
    assert copied == expression
    assert copied.evaluate(VALUES) == expression.evaluate(VALUES)


@given(
    st.lists(st.sampled_from(TOKENS), max_size=30).map(" ".join)
    | st.text(max_size=50)
    | st.text("(-not [a", max_size=200)
)
def test_any_text_is_an_expression_or_an_expression_error(text: str) -> None:
    expression = refused_or(text, lambda: parse(text))
    if expression is None:
        return
    for values in ({}, VALUES):
        result = expression.evaluate(values)
        assert result is None or isinstance(result, (bool, int, float, str))
        assert not isinstance(result, float) or math.isfinite(result)
        assert expression.truth(values) in (True, False, None)
    refused_or(text, lambda: expression.check({"a": "number", "b": "bool", "a.b": "string", "ä": "any"}))


def refused_or(text: str, attempt: Callable[[], T]) -> T | None:
    """What ``attempt`` gives, or None where it refuses ``text`` with a column that is in it."""
    try:
        return attempt()
    except ExpressionError as error:
        inside = 1 <= error.column <= len(text) + 1
    assert inside
    return None


@given(st.recursive(
    st.integers(0, 9).map(str) | st.sampled_from(["a", "b"]),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/%"), inner).map(lambda parts: f"({' '.join(parts)})"),
    max_leaves=12,
), st.integers(-9, 9), st.integers(-9, 9))  # fmt: skip
def test_arithmetic_is_that_of_python(text: str, a: int, b: int) -> None:
    try:
        expected = eval(text, {"a": a, "b": b})  # arithmetic made above, of digits, names and operators
    except ZeroDivisionError:
        expected = None
    assert parse(text).evaluate({"a": a, "b": b}) == expected
