"""The one small grammar of constraints, ``when`` conditions and relative bounds.

    expression := or
    or         := and ("or" and)*
    and        := not ("and" not)*
    not        := "not" not | comparison
    comparison := sum (("<" | "<=" | ">" | ">=" | "==" | "!=") sum)*      # chains: 1 <= a <= b
                | sum ["not"] "in" "[" sum ("," sum)* "]"
    sum        := term (("+" | "-") term)*
    term       := unary (("*" | "/" | "%") unary)*
    unary      := "-" unary | atom
    atom       := NUMBER | STRING | "true" | "false" | NAME | "(" expression ")"

Logic is three-valued (Kleene, "Introduction to Metamathematics", 1952, section 64): an inactive parameter has no
value, a comparison that reads one is *unknown*, and so is arithmetic that leaves the finite numbers or a comparison
of values that have no order. What unknown means is the reader's rule, as in SQL: a constraint that is unknown does
not bind; a ``when`` that is unknown leaves its parameter inactive.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tuner.core.errors import TunerError

Value = bool | int | float | str
"""What a parameter, a contract or a literal may hold."""

MAX_LENGTH = 1000
MAX_DEPTH = 50


class ExpressionError(TunerError):
    """The text is not an expression of the grammar, or compares what can never be compared."""

    def __init__(self, text: str, column: int, message: str) -> None:
        self.text, self.column, self.message = text, column, message
        super().__init__(f"{message} at column {column} of {text!r}")


@dataclass(frozen=True)
class Literal:
    """A number, text, true or false."""

    value: Value


@dataclass(frozen=True)
class Name:
    """A parameter or metric."""

    name: str
    column: int


@dataclass(frozen=True)
class Unary:
    """``not`` or minus."""

    operator: str
    operand: Node


@dataclass(frozen=True)
class Binary:
    """A comparison, a logical or an arithmetic operator."""

    operator: str
    left: Node
    right: Node
    column: int


@dataclass(frozen=True)
class Membership:
    """``in [...]``."""

    item: Node
    choices: tuple[Node, ...]
    negated: bool
    column: int


Node = Literal | Name | Unary | Binary | Membership

_ARITHMETIC = frozenset("+-*/%")
_EQUALITY = frozenset({"==", "!="})
_KEYWORDS = frozenset({"and", "or", "not", "in", "true", "false"})
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<string>'[^']*'|"[^"]*")
    | (?P<name>[^\W\d]\w*(?:\.\w+)*)
    | (?P<symbol><=|>=|==|!=|[-+*/%<>()\[\],])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Expression:
    """A parsed expression; two with the same text are equal."""

    text: str
    root: Node = field(compare=False, repr=False)

    @property
    def names(self) -> frozenset[str]:
        """The parameters (or metrics) that it reads."""
        return frozenset(node.name for node in _walk(self.root) if isinstance(node, Name))

    def evaluate(self, values: Mapping[str, Value]) -> Value | None:
        """Its value, or None where it is unknown (it reads a name that ``values`` lacks, divides by zero, ...)."""
        return _evaluate(self.root, values)

    def truth(self, values: Mapping[str, Value]) -> bool | None:
        """Its truth: True, False, or None for unknown. A number or a string as such has no truth (unknown)."""
        result = self.evaluate(values)
        return result if isinstance(result, bool) else None

    def check(self, kinds: Mapping[str, str]) -> None:
        """Refuse what can never be right as a condition. ``kinds`` is that of ``kind``.

        Raises:
            ExpressionError: what ``kind`` raises; a whole that has no truth value.
        """
        kind = self.kind(kinds)
        if kind not in ("bool", "any"):
            raise ExpressionError(self.text, 1, f"this is a {kind}, not a condition that can be true or false")

    def kind(self, kinds: Mapping[str, str]) -> str:
        """What its value is: "number", "string", "bool" or "any". ``kinds`` says the same of each known name.

        Raises:
            ExpressionError: an unknown name; arithmetic on text; an ordering between unlike kinds.
        """
        return _kind(self, self.root, kinds)

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[Callable[[str], Expression], tuple[str]]:
        # Pickled and copied as text: a chain of hundreds of terms is too deep a tree for pickle.
        return parse, (self.text,)


def parse(text: str) -> Expression:
    """Parse ``text``.

    Raises:
        ExpressionError: with the column of what is wrong.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(text[:40] + "...", MAX_LENGTH, f"longer than {MAX_LENGTH} characters")
    return _Parser(text).parse()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    column: int


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            column = position + len(text[position:]) - len(text[position:].lstrip()) + 1
            raise ExpressionError(text, column, f"unexpected character {text[column - 1]!r}")
        kind, word = match.lastgroup, match.group(match.lastgroup)
        if kind == "name" and word in _KEYWORDS:
            kind = "keyword"
        yield _Token(kind, word, match.start(match.lastgroup) + 1)
        position = match.end()
    yield _Token("end", "", len(stripped) + 1)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_tokens(text))
        self.position = 0
        self.depth = 0

    def parse(self) -> Expression:
        root = self._or()
        if self._peek.kind != "end":
            raise self._error(f"unexpected {self._peek.text!r}")
        return Expression(self.text, root)

    @property
    def _peek(self) -> _Token:
        return self.tokens[self.position]

    def _accept(self, *words: str) -> _Token | None:
        token = self._peek
        if token.kind in ("symbol", "keyword") and token.text in words:
            self.position += 1
            return token
        return None

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise self._error(f"expected {word!r}")

    def _error(self, message: str) -> ExpressionError:
        return ExpressionError(self.text, self._peek.column, message)

    def _or(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(f"nested deeper than {MAX_DEPTH}")
        left = self._and()
        while token := self._accept("or"):
            left = Binary("or", left, self._and(), token.column)
        self.depth -= 1
        return left

    def _and(self) -> Node:
        left = self._not()
        while token := self._accept("and"):
            left = Binary("and", left, self._not(), token.column)
        return left

    def _not(self) -> Node:
        negations = 0
        while self._accept("not"):
            negations += 1
        operand = self._comparison()
        return Unary("not", operand) if negations % 2 else operand

    def _comparison(self) -> Node:
        left = self._sum()
        start = self._peek
        negated = start.text == "not" and self.tokens[self.position + 1].text == "in"
        if negated:
            self.position += 1
        if self._accept("in"):
            return Membership(left, self._choices(), negated, start.column)
        result: Node | None = None
        while token := self._accept("<", "<=", ">", ">=", "==", "!="):
            right = self._sum()
            link = Binary(token.text, left, right, token.column)
            result = link if result is None else Binary("and", result, link, token.column)
            left = right
        return left if result is None else result

    def _choices(self) -> tuple[Node, ...]:
        self._expect("[")
        choices = [self._sum()]
        while self._accept(","):
            choices.append(self._sum())
        self._expect("]")
        return tuple(choices)

    def _sum(self) -> Node:
        left = self._term()
        while token := self._accept("+", "-"):
            left = Binary(token.text, left, self._term(), token.column)
        return left

    def _term(self) -> Node:
        left = self._unary()
        while token := self._accept("*", "/", "%"):
            left = Binary(token.text, left, self._unary(), token.column)
        return left

    def _unary(self) -> Node:
        minuses = 0
        while self._accept("-"):
            minuses += 1
        operand = self._atom()
        return Unary("-", operand) if minuses % 2 else operand

    def _atom(self) -> Node:
        token = self._peek
        if self._accept("("):
            inner = self._or()
            self._expect(")")
            return inner
        if token.kind == "end":
            raise self._error("the expression ends too early")
        self.position += 1
        if token.kind == "number":
            number = float(token.text)
            if not math.isfinite(number):
                raise ExpressionError(self.text, token.column, "the number is not finite")
            return Literal(int(token.text) if token.text.isdigit() else number)
        if token.kind == "string":
            return Literal(token.text[1:-1])
        if token.text in ("true", "false"):
            return Literal(token.text == "true")
        if token.kind == "name":
            return Name(token.text, token.column)
        raise ExpressionError(self.text, token.column, f"unexpected {token.text!r}")


def _walk(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, Unary):
        yield from _walk(node.operand)
    elif isinstance(node, Binary):
        yield from _walk(node.left)
        yield from _walk(node.right)
    elif isinstance(node, Membership):
        yield from _walk(node.item)
        for choice in node.choices:
            yield from _walk(choice)


def _evaluate(node: Node, values: Mapping[str, Value]) -> Value | None:
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Name):
        return values.get(node.name)
    if isinstance(node, Unary):
        operand = _evaluate(node.operand, values)
        if node.operator == "not":
            return not operand if isinstance(operand, bool) else None
        return -operand if isinstance(operand, (int, float)) and not isinstance(operand, bool) else None
    if isinstance(node, Membership):
        item = _evaluate(node.item, values)
        found: bool | None = False
        for choice in node.choices:
            found = _either(found, _compare("==", item, _evaluate(choice, values)))
        return found if found is None else found != node.negated
    left, right = _evaluate(node.left, values), _evaluate(node.right, values)
    if node.operator in ("and", "or"):
        left_truth = left if isinstance(left, bool) else None
        right_truth = right if isinstance(right, bool) else None
        return (_both if node.operator == "and" else _either)(left_truth, right_truth)
    if node.operator in _ARITHMETIC:
        return _compute(node.operator, left, right)
    return _compare(node.operator, left, right)


def _both(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _either(left: bool | None, right: bool | None) -> bool | None:
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _compute(operator: str, left: Value | None, right: Value | None) -> Value | None:
    if not (_is_number(left) and _is_number(right)):
        return None
    assert isinstance(left, (int, float))
    assert isinstance(right, (int, float))
    try:
        if operator == "+":
            result = left + right
        elif operator == "-":
            result = left - right
        elif operator == "*":
            result = left * right
        elif operator == "/":
            result = left / right
        else:
            result = left % right
        return result if math.isfinite(result) else None
    except (ZeroDivisionError, OverflowError):
        return None


def _compare(operator: str, left: Value | None, right: Value | None) -> bool | None:
    if left is None or right is None:
        return None
    numbers = _is_number(left) and _is_number(right)
    if operator in _EQUALITY:
        equal = left == right if numbers or type(left) is type(right) else False
        return equal if operator == "==" else not equal
    if not numbers:
        return None
    assert not isinstance(left, str)
    assert not isinstance(right, str)
    if operator == "<":
        return left < right
    if operator == "<=":
        return left <= right
    if operator == ">":
        return left > right
    return left >= right


def _kind(whole: Expression, node: Node, kinds: Mapping[str, str]) -> str:
    if isinstance(node, Literal):
        if isinstance(node.value, bool):
            return "bool"
        return "string" if isinstance(node.value, str) else "number"
    if isinstance(node, Name):
        if node.name not in kinds:
            known = ", ".join(sorted(kinds)) or "none"
            raise ExpressionError(whole.text, node.column, f"unknown name {node.name!r} (known: {known})")
        return kinds[node.name]
    if isinstance(node, Unary):
        wanted = "bool" if node.operator == "not" else "number"
        _want(whole, _kind(whole, node.operand, kinds), wanted, 1, node.operator)
        return wanted
    if isinstance(node, Membership):
        item = _kind(whole, node.item, kinds)
        for choice in node.choices:
            _alike(whole, item, _kind(whole, choice, kinds), node.column)
        return "bool"
    left, right = _kind(whole, node.left, kinds), _kind(whole, node.right, kinds)
    if node.operator in _EQUALITY:
        _alike(whole, left, right, node.column)
        return "bool"
    wanted = "bool" if node.operator in ("and", "or") else "number"
    for kind in (left, right):
        _want(whole, kind, wanted, node.column, node.operator)
    return "number" if node.operator in _ARITHMETIC else "bool"


def _want(whole: Expression, kind: str, wanted: str, column: int, operator: str) -> None:
    if kind not in (wanted, "any"):
        raise ExpressionError(whole.text, column, f"{operator!r} needs a {wanted}, not a {kind}")


def _alike(whole: Expression, left: str, right: str, column: int) -> None:
    if left != right and "any" not in (left, right):
        raise ExpressionError(whole.text, column, f"a {left} is never equal to a {right}")
