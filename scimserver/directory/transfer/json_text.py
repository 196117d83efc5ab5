"""Objects out of JSON, one by one and in bounded memory: of one list, or on a line each. Pure.

A file may be larger than the memory, so what belongs to an element is found by its brackets, and only
the element is parsed. Strict: no name twice in an object, no NaN.
Proven by tests/unit/test_json_text.py.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final, NoReturn, TextIO, cast

from scimserver.directory.transfer.records import MAX_RECORD, TOO_LONG, Fault
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.facts import Json

_CHUNK: Final = 65_536
_IN_STRING: Final = re.compile(r'["\\]')
_OUTSIDE: Final = re.compile(r'["{}\[\],]')
_NOT_CLOSED: Final = Fault(detail="The list is not closed: nothing more can be read.", is_last=True)
_AFTER: Final = Fault(detail="Something stands behind the list.", is_last=True)


def lines(text: TextIO) -> Iterator[str | Fault]:
    """The lines of JSON Lines, blank ones too."""
    while line := text.readline(MAX_RECORD + 1):
        if len(line) <= MAX_RECORD:
            yield line
            continue
        while line and not line.endswith(("\n", "\r")):
            line = text.readline(MAX_RECORD + 1)
        yield Fault(detail=TOO_LONG)


def elements(text: TextIO) -> Iterator[str | Fault]:
    """The texts of the elements of a list. Raises `InvalidValue` where there is no list."""
    scan = _Scan()
    while chunk := text.read(_CHUNK):
        yield from scan.elements(chunk)
        if scan.size > MAX_RECORD:
            yield Fault(detail=f"{TOO_LONG} Is a bracket or a quotation mark not closed?", is_last=True)
            return
    if not scan.depth and not scan.is_closed:
        raise _no_list()
    if not scan.is_closed:
        yield _NOT_CLOSED
    elif "".join(scan.parts).strip():
        yield _AFTER


class _Scan:
    """How far a list has been read."""

    def __init__(self) -> None:
        self.depth = 0
        self.is_closed = False
        self.parts: list[str] = []
        """Of the element that is not complete."""
        self.size = 0
        self._in_string = False
        self._is_escaped = False
        self._count = 0

    def elements(self, chunk: str) -> Iterator[str]:
        """The elements that a piece of the text completes."""
        start, at = 0, int(self._is_escaped)
        self._is_escaped = False
        while not self.is_closed:
            found = (_IN_STRING if self._in_string else _OUTSIDE).search(chunk, at)
            if found is None:
                break
            at = found.end()
            if found[0] == "\\":
                self._is_escaped = at == len(chunk)
                at += 1
            elif self._ends_element(found[0]):
                yield from self._completed(chunk[start : found.start()])
                start = at
        self.parts.append(chunk[start:])
        self.size += len(self.parts[-1])

    def _ends_element(self, sign: str) -> bool:
        """Take a sign in; whether an element, or what stands before the list, ends with it."""
        if self.depth == 0:
            if sign != "[":
                raise _no_list()
            self.depth = 1
            return True
        if sign == '"':
            self._in_string = not self._in_string
        elif sign in "{[":
            self.depth += 1
        elif sign in "}]":
            self.depth -= 1
            self.is_closed = self.depth == 0
            return self.is_closed
        return sign == "," and self.depth == 1

    def _completed(self, last: str) -> Iterator[str]:
        text = "".join((*self.parts, last))
        self.parts, self.size = [], 0
        is_first, is_empty = self._count == 1, not text.strip()
        if self._count == 0 and not is_empty:
            raise _no_list()
        if self._count > 0 and not (self.is_closed and is_first and is_empty):
            yield text
        self._count += 1


def decoded(text: str) -> dict[str, Json]:
    """The object that a text holds. Raises `InvalidValue`."""
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as wrong:
        raise InvalidValue(f"It is no JSON: {_said(wrong)}.") from wrong
    if not isinstance(value, dict):
        raise InvalidValue("It is no object.")
    return cast("dict[str, Json]", value)


def _unique(pairs: Sequence[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name stands in it twice")
    return made


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no value")


def _said(wrong: Exception) -> str:
    if isinstance(wrong, RecursionError):
        return "it is nested too deeply"
    return wrong.msg if isinstance(wrong, json.JSONDecodeError) else str(wrong)


def _no_list() -> InvalidValue:
    return InvalidValue("A JSON file of users holds one list, of an object for each user.")
