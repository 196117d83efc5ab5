"""What stands in a cell of a CSV file: lists on one line, and text that is no formula. Pure.

A list is separated by semicolons. An entry of a multi-valued attribute is `type:value`, with `*` before it
where it is the primary one; the type may be left out. A backslash takes the meaning of the character
after it. Formatting and parsing are inverse: proven by tests/properties/test_cells.py.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from scimserver.kernel.facts import Json

SEPARATOR: Final = ";"
PRIMARY: Final = "*"
_OF_TYPE: Final = ":"
_ESCAPE: Final = "\\"

_PLACE: Final = r"(?<![^;])"
"""Where a cell begins: for a spreadsheet that takes semicolons for separators, behind each of them too."""

_FORMULA: Final = r"(?=['\s]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])"
"""What spreadsheets calculate (full-width signs too), or did not only because of our apostrophe."""

_UNGUARDED: Final = re.compile(_PLACE + _FORMULA)
_GUARD: Final = re.compile(_PLACE + "'" + _FORMULA)


def guarded(text: str) -> str:
    """The text of a cell, with an apostrophe before all that a spreadsheet could take for a formula."""
    return _UNGUARDED.sub("'", text)


def unguarded(cell: str) -> str:
    """The text of a cell as it was before `guarded`."""
    return _GUARD.sub("", cell)


def format_names(names: Sequence[str]) -> str:
    """The cell of a list of names."""
    return SEPARATOR.join(_escaped(name, SEPARATOR) for name in names)


def parse_names(cell: str) -> list[str]:
    """The names of a cell; empty ones do not count."""
    return [name for part in _parts(cell) if (name := _plain(_stripped(part)))]


def format_entries(entries: Sequence[Mapping[str, Json]]) -> str:
    """The cell of a multi-valued attribute: type, value and which is primary."""
    return SEPARATOR.join(map(_format_entry, entries))


def parse_entries(cell: str) -> list[dict[str, Json]]:
    """The entries of a cell; empty ones do not count."""
    return [_parse_entry(stripped) for part in _parts(cell) if (stripped := _stripped(part))]


def _format_entry(entry: Mapping[str, Json]) -> str:
    kind, value = str(entry.get("type") or ""), str(entry.get("value") or "")
    # A value's own colon needs no escape behind a type.
    text = _escaped(value, SEPARATOR if kind else SEPARATOR + _OF_TYPE)
    if kind:
        text = _escaped(kind, SEPARATOR + _OF_TYPE) + _OF_TYPE + text
    if entry.get("primary") is True:
        return PRIMARY + text
    return _ESCAPE + text if text.startswith(PRIMARY) else text


_Sign = tuple[str, bool]
"""A character, and whether it is meant as it is."""


def _parse_entry(signs: list[_Sign]) -> dict[str, Json]:
    primary = signs[0] == (PRIMARY, False)
    rest = signs[1:] if primary else signs
    entry: dict[str, Json] = {}
    if (_OF_TYPE, False) in rest:
        at = rest.index((_OF_TYPE, False))
        if kind := _plain(_stripped(rest[:at])):
            entry["type"] = kind
        rest = rest[at + 1 :]
    entry["value"] = _plain(_stripped(rest))
    if primary:
        entry["primary"] = True
    return entry


def _escaped(text: str, special: str) -> str:
    """The text with a backslash before what would mean something, and before spaces at its ends."""
    first, last = len(text) - len(text.lstrip()), len(text.rstrip())
    return "".join(
        _ESCAPE + sign if sign in special + _ESCAPE or not first <= at < last else sign
        for at, sign in enumerate(text)
    )


def _signs(cell: str) -> Iterator[_Sign]:
    signs = iter(cell)
    for sign in signs:
        if sign == _ESCAPE:
            yield next(signs, _ESCAPE), True
        else:
            yield sign, False


def _parts(cell: str) -> list[list[_Sign]]:
    parts: list[list[_Sign]] = [[]]
    for sign in _signs(cell):
        if sign == (SEPARATOR, False):
            parts.append([])
        else:
            parts[-1].append(sign)
    return parts


def _stripped(signs: list[_Sign]) -> list[_Sign]:
    start, end = 0, len(signs)
    while start < end and _is_space(signs[start]):
        start += 1
    while end > start and _is_space(signs[end - 1]):
        end -= 1
    return signs[start:end]


def _is_space(sign: _Sign) -> bool:
    return sign[0].isspace() and not sign[1]


def _plain(signs: list[_Sign]) -> str:
    return "".join(sign for sign, _ in signs)
