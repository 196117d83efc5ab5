"""A filter taken apart into its shape and the strings in it (RFC 7644, section 3.4.2.2).

Filters that differ only in their strings have one shape, and one SQL text. Finding the shape takes
microseconds where parsing takes a millisecond, so a server that sees few shapes parses few filters.
Proven by tests/unit/test_filter_text.py.
"""

import json
import re
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from scim2_models import InvalidFilterException
from scim2_models.path import Comparison, FilterNode, LogicalExpr, Not, ScimFilter, ValuePath

MAX_LENGTH = 8_000
"""Characters of a filter."""

MAX_TERMS = 200
"""Comparisons and presence tests in a filter."""

_SHORTEST_TERM = len("a pr")

_STRING = re.compile(r'("(?:[^"\\\x00-\x1F]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*")')
_CONNECTIVE = re.compile(r"(?<![\w$.:-])(?:and|or)(?![\w$-])|\]\s*\.", re.IGNORECASE)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


# Made for each search; frozen, it would take three times as long.
@dataclass(slots=True, unsafe_hash=True)
class FilterText:
    """A filter as a client sent it. Two of one shape are equal, whatever their strings. Nobody changes it."""

    shape: str
    """The filter with each string emptied."""
    literals: tuple[str, ...] = field(compare=False)
    """The strings, in order."""
    text: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Lifted:
    """Stands in a syntax tree for the string at this index of the literals."""

    index: int


def take_apart(text: str) -> FilterText:
    """The filter's shape and strings. Only the limits are checked, not the syntax.

    Raises InvalidFilterException if the filter is too long, has too many terms, or holds a string
    that no stored value can equal.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidFilterException(detail=f"a filter may have {MAX_LENGTH} characters at most")
    pieces = _STRING.split(text)
    shape = '""'.join(pieces[::2])
    # Counted before parsing: parsing a thousand terms would take longer than the whole request may.
    if len(shape) > MAX_TERMS * _SHORTEST_TERM and len(_CONNECTIVE.findall(shape)) >= MAX_TERMS:
        raise InvalidFilterException(detail=f"a filter may have {MAX_TERMS} terms at most")
    return FilterText(shape, tuple(map(_string, pieces[1::2])), text)


def terms(text: str) -> int:
    """How many comparisons and presence tests there are at most in a filter, or in a path with one."""
    return 1 + len(_CONNECTIVE.findall('""'.join(_STRING.split(text)[::2])))


def is_storable(text: str) -> bool:
    """Whether all strings in a filter, or in a path with one, are such as a stored value can equal."""
    return not any(_UNSTORABLE.search(json.loads(quoted)) for quoted in _STRING.findall(text))


def lift(scim_filter: ScimFilter[Any]) -> FilterNode:
    """The filter's syntax tree with `Lifted` in place of every string, numbered as in the text."""
    return _lifted(scim_filter.ast, count())


def _lifted(node: FilterNode, numbers: "count[int]") -> FilterNode:
    match node:
        case Comparison(value=str()):
            return replace(node, value=Lifted(next(numbers)))
        case Not():
            return replace(node, expr=_lifted(node.expr, numbers))
        case LogicalExpr():
            return replace(node, terms=tuple([_lifted(term, numbers) for term in node.terms]))
        case ValuePath():
            return replace(node, val_filter=_lifted(node.val_filter, numbers))
        case _:
            return node


def _string(quoted: str) -> str:
    text: str = json.loads(quoted) if "\\" in quoted else quoted[1:-1]
    if _UNSTORABLE.search(text):
        raise InvalidFilterException(detail="a string holds NUL or half a surrogate pair, as no value does")
    return text
