"""A column's value in a file: as the text of a CSV cell, or as JSON. Pure.

Inside, a value is what the document has: text, a boolean, a list of names (roles too) or of entries; None
is nothing.
Proven by tests/unit/test_transfer_values.py.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, cast

from scimserver.directory.limits import shown
from scimserver.directory.transfer import cells
from scimserver.directory.transfer.columns import Column, Kind
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.facts import Json

Entry: TypeAlias = Mapping[str, Json]
"""An entry of a multi-valued attribute."""

_FLAGS: Final = {"true": True, "false": False}
_ENTRY_NAMES: Final = frozenset({"value", "type", "primary", "display"})

_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def to_cell(column: Column, value: Json) -> str:
    """A value as the text of a CSV cell."""
    if value is None:
        return ""
    match column.kind:
        case Kind.FLAG:
            return "true" if value else "false"
        case Kind.NAMES | Kind.ROLE:
            return cells.guarded(cells.format_names(cast("Sequence[str]", value)))
        case Kind.ENTRIES:
            return cells.guarded(cells.format_entries(cast("Sequence[Entry]", value)))
        case Kind.TEXT:
            return cells.guarded(str(value))


def from_cell(column: Column, cell: str) -> Json:
    """The value of a CSV cell. Raises `InvalidValue`."""
    text = cells.unguarded(require_storable(column, cell))
    match column.kind:
        case Kind.FLAG:
            return _flag(column, text)
        case Kind.NAMES | Kind.ROLE:
            return cells.parse_names(text) or None
        case Kind.ENTRIES:
            return cells.parse_entries(text) or None
        case Kind.TEXT:
            return text or None


def to_json(column: Column, value: Json) -> Json:
    """A value as a member of a JSON object; a role as its name, unless there are several."""
    if column.kind is Kind.ROLE and isinstance(value, list) and len(value) == 1:
        return value[0]
    if column.kind is not Kind.ENTRIES or value is None:
        return value
    return [
        {name: part for name, part in entry.items() if name in _ENTRY_NAMES}
        for entry in cast("Sequence[Entry]", value)
    ]


def from_json(column: Column, value: Json) -> Json:
    """The value of a member of a JSON object. Raises `InvalidValue` for one of another kind."""
    if value is None or value == "":
        return None
    match column.kind:
        case Kind.FLAG:
            if not isinstance(value, bool):
                raise _wrong(column, "true or false")
            return value
        case Kind.NAMES:
            return _names(column, value)
        case Kind.ROLE:
            return _names(column, [value] if isinstance(value, str) else value)
        case Kind.ENTRIES:
            if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
                raise _wrong(column, "a list of objects")
            return [_entry(column, cast(Entry, entry)) for entry in value] or None
        case Kind.TEXT:
            if not isinstance(value, str):
                raise _wrong(column, "a string")
            return require_storable(column, value)


def require_storable(column: Column, text: str) -> str:
    """The text. Raises `InvalidValue` where it is none: NUL, or bytes that were no UTF-8."""
    found = _UNSTORABLE.search(text)
    if found is None:
        return text
    what = "a NUL character" if found[0] == "\0" else "something that is no UTF-8"
    raise InvalidValue(
        f"{column.name} holds {what}: remove it, or save the file as UTF-8.", attribute=column.name
    )


def require_value(column: Column, entry: Entry) -> Json:
    """The entry, which is new. Raises `InvalidValue` for one that says nothing."""
    if not entry.get("value"):
        raise InvalidValue(f"An entry of {column.name} has no value.", attribute=column.name)
    return dict(entry)


def require_one_primary(column: Column, entries: list[Json]) -> Json:
    """The entries. Raises `InvalidValue` where several are the primary one."""
    if sum(cast(Entry, entry).get("primary") is True for entry in entries) > 1:
        raise InvalidValue(f"Only one entry of {column.name} can be the primary one.", attribute=column.name)
    return entries


def _flag(column: Column, text: str) -> bool | None:
    if not text.strip():
        return None
    flag = _FLAGS.get(text.strip().lower())
    if flag is None:
        raise InvalidValue(f'{column.name} is true or false, not "{shown(text)}".', attribute=column.name)
    return flag


def _names(column: Column, value: Json) -> Json:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise _wrong(column, "a list of strings")
    return [require_storable(column, cast(str, name)) for name in value] or None


def _entry(column: Column, entry: Entry) -> dict[str, Json]:
    unknown = entry.keys() - _ENTRY_NAMES
    if unknown:
        names = ", ".join(sorted(map(shown, unknown)))
        raise InvalidValue(f"An entry of {column.name} has no {names}.", attribute=column.name)
    for name, value in entry.items():
        if name == "primary" and not isinstance(value, bool):
            raise _wrong(column, "entries whose primary is true or false")
        if name != "primary" and not isinstance(value, str):
            raise _wrong(column, f"entries whose {name} is a string")
        require_storable(column, str(value))
    return dict(entry)


def _wrong(column: Column, expected: str) -> InvalidValue:
    return InvalidValue(f"{column.name} is {expected} in JSON.", attribute=column.name)
