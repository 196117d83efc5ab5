"""Request bodies as strict JSON (RFC 8259), refused as `invalidSyntax` (RFC 7644, section 3.12).

Stricter than most parsers where two readers of one text could see different things: a name said
twice (RFC 8259, section 4; caselessly, as RFC 7643, section 2.1 compares names), a number that loses
digits, a NUL character (no PostgreSQL text holds one), nesting that is nobody's data.
A refusal says what is wrong and where, and repeats no value. Proven by tests/unit/test_json_body.py.
"""

import json
import re
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import TypeAlias
from unicodedata import combining

import orjson
from scim2_models import InvalidSyntaxException, PayloadTooLargeException

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = "dict[str, JsonValue]"

MAX_DEPTH = 32
"""How deep arrays and objects may nest; the outermost object counts as one."""

MAX_COMMAS = 200_000
"""How many a body may have: a measure of its values that takes no time. Those in strings count too."""

_MAX_DECIMAL = 40
"""How many characters a decimal may have: twice what a double can tell apart."""

_MAX_NAME = 64
"""How much of a client's name a refusal repeats."""


_MAX_MARKS = 30
_RUNS = re.compile(f"[\u0300-\U0010ffff]{{{_MAX_MARKS + 1},}}")
"""Too many characters in a row of which each may be a combining mark, or a letter of most scripts."""


class _OversizedNumber(Exception):
    """A number was met that no reader can be trusted to keep."""


class _Unsure(Exception):
    """It takes a closer look to tell."""


def parse(body: bytes) -> JsonObject:
    """The object that a request body holds.

    Raises InvalidSyntaxException for anything else, PayloadTooLargeException for too many values.
    """
    if len(body) > MAX_COMMAS and body.count(b",") > MAX_COMMAS:
        raise PayloadTooLargeException(
            detail=f"The body holds more than {MAX_COMMAS} values: send them in several requests."
        )
    text = _text(body)
    value = _valid(body)
    _check_depth(body, value)
    unique = value if _lost_nothing(body, value) else _unique(text)
    if b"\\u0000" in body and (place := _place(unique, _has_nul)):
        raise _refused(f"There is a NUL character (\\u0000) at {place}.")
    if b"\\u" in body or not _is_latin(text):
        _check_marks(unique)
    if not isinstance(unique, dict):
        raise _refused("The body must be a JSON object: { ... }.")
    return unique


def check_entries(body: bytes, value: JsonObject, most: int, *, beside: int = 0) -> None:
    """Refuse a body whose lists hold more than so many values together, and those that do not count.

    Raises PayloadTooLargeException. `value` is what `parse` made of `body`.
    """
    # A value in a list takes two characters: most bodies are too short to hold as many.
    if len(body) > 2 * most and _entries(value) > most + beside:
        raise PayloadTooLargeException(
            detail=f"The lists hold more than {most} values together: send them in several requests."
        )


def _entries(value: JsonValue) -> int:
    own = len(value) if isinstance(value, list) else 0
    return own + sum([_entries(inner) for inner in _contents(value)])


def _text(body: bytes) -> str:
    if not body.strip():
        raise _refused("The body is empty: a JSON object was expected.")
    if body.startswith(b"\xef\xbb\xbf"):
        raise _refused("The body begins with a byte order mark: send JSON without one.")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise _refused(f"The body is not UTF-8 (byte {error.start + 1}).") from None


def _valid(body: bytes) -> JsonValue:
    # It also refuses what the standard library takes: NaN, Infinity, lone surrogates, endless nesting.
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _refused(
            f"The body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from None


def _check_depth(body: bytes, value: JsonValue) -> None:
    # Fewer brackets than levels allowed: nothing to measure, which is true of most bodies.
    if body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        return
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _contents(outer) if isinstance(inner, dict | list)]
    if level:
        raise _refused(f"The body nests deeper than {MAX_DEPTH} levels.")


def _contents(value: JsonValue) -> "list[JsonValue]":
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _lost_nothing(body: bytes, value: JsonValue) -> bool:
    """Whether it is plain that no name is said twice and no number loses digits, as of most bodies.

    Where nothing is escaped each string has two quotation marks, and that of a name that is said
    again is in the body but not in the value.
    """
    try:
        return b"\\" not in body and body.count(b'"') == 2 * _strings(value)
    except _Unsure:
        return False


def _strings(value: JsonValue) -> int:
    """How many strings there are, names included. Raises `_Unsure` for a number, or names alike."""
    if isinstance(value, str):
        return 1
    if isinstance(value, dict):
        if len(set(map(str.lower, value))) != len(value):
            raise _Unsure
        return len(value) + sum(map(_strings, value.values()))
    if isinstance(value, list):
        return sum(map(_strings, value))
    if value is None or isinstance(value, bool):
        return 0
    raise _Unsure


def _unique(text: str) -> JsonValue:
    """The value of a text in which no name is said twice. It takes four times as long as to parse it."""
    try:
        value: JsonValue = _DECODER.decode(text)
    except _OversizedNumber:
        place = _place(_LENIENT_DECODER.decode(text), lambda leaf: leaf is _OVERSIZED)
        raise _refused(f"The number at {place} has too many digits: send it as a string.") from None
    return value


def _object(pairs: "list[tuple[str, JsonValue]]") -> JsonObject:
    value = dict(pairs)
    if len(set(map(str.lower, value))) != len(pairs):
        _refuse_repeated([name for name, _ in pairs])
    return value


def _refuse_repeated(names: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        key, shown = name.lower(), name[:_MAX_NAME]
        if seen.get(key) == shown:
            raise _refused(f'The name "{shown}" appears twice in one object.')
        if key in seen:
            raise _refused(
                f'"{seen[key]}" and "{shown}" in one object are one name: names compare without case.'
            )
        seen[key] = shown


def _integer(digits: str) -> int:
    if len(digits) > len("-9223372036854775808") or not -(2**63) <= (value := int(digits)) < 2**64:
        raise _OversizedNumber
    return value


def _decimal(digits: str) -> float:
    if len(digits) > _MAX_DECIMAL:
        raise _OversizedNumber
    return float(digits)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_decimal)


_OVERSIZED = "an oversized number"
"""Stands for the number that `_DECODER` refused; recognised by identity, so no client can send it."""


def _or_oversized(read: Callable[[str], float]) -> Callable[[str], "float | str"]:
    def number(digits: str) -> "float | str":
        try:
            return read(digits)
        except _OversizedNumber:
            return _OVERSIZED

    return number


_LENIENT_DECODER = json.JSONDecoder(parse_int=_or_oversized(_integer), parse_float=_or_oversized(_decimal))


def _check_marks(value: JsonValue) -> None:
    # Bringing marks into order takes a time that grows with the square of their number: a run that is
    # nobody's language would hold up everybody (UAX #15, section 13: stream-safe text has at most 30).
    if place := _place(value, _has_marks_in_a_row):
        raise _refused(f"There are more than {_MAX_MARKS} combining marks in a row at {place}.")


def _is_latin(text: str) -> bool:
    """Whether no character is beyond U+00FF, where marks begin: as of most bodies, and quick to tell."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def _has_marks_in_a_row(leaf: JsonValue) -> bool:
    if not isinstance(leaf, str) or leaf.isascii():
        return False
    return any(map(_has_too_many_marks, _RUNS.findall(leaf)))


def _has_too_many_marks(run: str) -> bool:
    # A row of that many marks covers one of these places: the others need no look.
    places = range(0, len(run), _MAX_MARKS + 1)
    return any(combining(run[place]) and _marks_around(run, place) > _MAX_MARKS for place in places)


def _marks_around(run: str, place: int) -> int:
    before = takewhile(combining, reversed(run[max(0, place - _MAX_MARKS - 1) : place]))
    after = takewhile(combining, run[place : place + _MAX_MARKS + 1])
    return len([*before, *after])


def _has_nul(leaf: JsonValue) -> bool:
    return isinstance(leaf, str) and "\0" in leaf


def _place(value: JsonValue, is_fault: Callable[[JsonValue], bool]) -> str:
    """Where the first fault is, as in `emails[0].value`; empty if there is none."""
    return next((path for path, leaf in _leaves("", value) if is_fault(leaf)), "")


def _leaves(path: str, value: JsonValue) -> "Iterator[tuple[str, JsonValue]]":
    if isinstance(value, dict):
        for name, inner in value.items():
            inner_path = f"{path}.{name[:_MAX_NAME]}".removeprefix(".").replace("\0", "\\u0000")
            yield inner_path, name
            yield from _leaves(inner_path, inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(f"{path}[{index}]", inner)
    else:
        yield path or "the top level", value


def _refused(detail: str) -> InvalidSyntaxException:
    return InvalidSyntaxException(detail=detail)
