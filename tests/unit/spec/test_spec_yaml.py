"""Text that is hostile, broken or ambiguous as YAML."""

from __future__ import annotations

from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tuner.core.errors import InvalidInput
from tuner.spec.node import MAX_NODES, Tree
from tuner.spec.yaml import MAX_BYTES, compose, parse_study


def refusal(text: str | bytes) -> str:
    with pytest.raises(InvalidInput) as raised:
        parse_study(text)
    return str(raised.value)


def laughs(levels: int) -> str:
    """Nine aliases to nine aliases to ...: 9 ** levels values in a few lines."""
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested deeper than 20 levels"),
        ("{a: " * 100_000, "nested deeper than 20 levels"),
        ("- " * 100_000, "nested deeper than 20 levels"),
        ("- a\n" * (MAX_NODES + 1), f"more than {MAX_NODES} values"),
        (laughs(12), f"more than {MAX_NODES} values"),
        ("a: &a {b: *a}", "the alias *a stands for nothing that ends before it"),
        ("a: *nowhere", "the alias *nowhere stands for nothing that ends before it"),
        ("x" * (MAX_BYTES + 1), f"is longer than {MAX_BYTES} bytes"),
        ('a: "\\UFFFFFFFF"', "is not YAML"),
        (f"%YAML 1.{'9' * 5000}\n---\na: 1", "is not YAML"),
        ("a: \x00", "holds the character U+0000"),
        ("a: {b: 1", "is not YAML"),
        (f"seed: {'9' * 5000}", "is an integer beyond 2^53"),
    ],
)
def test_hostile_text_is_refused(text: str, message: str) -> None:
    assert message in refusal(text)


def test_bytes_that_are_not_utf8_are_refused_with_their_line() -> None:
    assert refusal(b"name: x\nlabels: {a: \xff}\n").startswith("study.yaml:2: study: is not UTF-8 text")


def test_a_byte_order_mark_does_no_harm() -> None:
    tree = Tree()
    assert compose(tree, b"\xef\xbb\xbfname: x\n").plain() == {"name": "x"}
    assert tree.problems == []


def test_escapes_that_no_store_could_keep_are_refused() -> None:
    assert "NUL, or half of a surrogate pair" in refusal('name: "a\\0b"')
    assert "NUL, or half of a surrogate pair" in refusal('name: "a\\ud800b"')


def test_an_aliased_value_is_pointed_at_where_it_is_written() -> None:
    lines = refusal("space:\n  a: &a\n    type: int\n    low: x\n    high: 2\n    default: 1\n  b: *a\n").splitlines()
    assert [line.split(",")[0] for line in lines if "whole number" in line] == [
        "study.yaml:4: space.a.low: is not a whole number",
        "study.yaml:4: space.b.low: is not a whole number",
    ]


def test_problems_come_by_line_and_all_at_once() -> None:
    lines = refusal("seed: -1\nname: a/b\nbudget: {trials: off}\nlabels: {x: [1]}\n").splitlines()
    numbers = [int(line.split(":")[1]) for line in lines]
    assert numbers == sorted(numbers)
    assert {1, 2, 3, 4} <= set(numbers)


def read_alone(word: str) -> object:
    tree = Tree()
    node = compose(tree, f"key: {word}")
    return ValueError if tree.problems else node.plain()["key"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("1", 1),
        ("-3", -3),
        ("+4", 4),
        ("0", 0),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("-0.0", 0.0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("y", "y"),
        ("n", "n"),
        ("auto", "auto"),
        ("1h30m", "1h30m"),
        ("'off'", "off"),
        ('"012"', "012"),
        ("inf", "inf"),
        ("1.2.3", "1.2.3"),
        ("10.0.0.1:80a", "10.0.0.1:80a"),
    ],
)
def test_words(word: str, value: object) -> None:
    found = read_alone(word)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "word",
    ["on", "Off", "YES", "no", "012", "0o17", "1_000", "1_000.5", "0b11", "1:30", "12:30:45", "2024-01-01", "0x_f"],
)
def test_words_that_two_versions_of_yaml_read_differently_are_refused(word: str) -> None:
    assert read_alone(word) is ValueError


@given(st.text("0123456789_.:-+eExobyYnNofOFtrualsTRUALSZ~", min_size=1, max_size=8))
def test_no_word_is_read_otherwise_than_yaml_1_1_without_saying_so(word: str) -> None:
    """Wherever PyYAML (1.1) reads anything but text, so do we, or we refuse; only floats without a dot are new."""
    try:
        theirs = yaml.safe_load(f"key: {word}")["key"]
    except (yaml.YAMLError, ValueError, TypeError, KeyError):
        return
    if isinstance(theirs, (dict, list)):
        return
    ours = read_alone(word)
    if isinstance(theirs, str) and isinstance(ours, (int, float)) and not isinstance(ours, bool):
        assert float(theirs) == ours
    elif ours is not ValueError:
        assert not isinstance(theirs, date)
        assert ours == theirs
        assert isinstance(ours, bool) == isinstance(theirs, bool)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_study(text)
    assert raised.value.problems


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_study(text)
    assert raised.value.problems
