"""A file of users as rows, in each of its formats. Pure.

A row that cannot be read is a row with a fault, so that each gets a verdict. What is wrong with the
file itself (no header, an unknown column) refuses all of it.
Proven by tests/unit/test_transfer_rows.py.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TextIO

import orjson

from scimserver.directory.limits import shown
from scimserver.directory.transfer import json_text
from scimserver.directory.transfer.columns import BY_NAME, COLUMNS, Column
from scimserver.directory.transfer.csv_text import format_record, records
from scimserver.directory.transfer.records import Fault
from scimserver.directory.transfer.values import from_cell, from_json, to_cell, to_json
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.facts import Json


class Format(StrEnum):
    """How a file of users is written."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a file: for CSV the header is row 1, as in a spreadsheet; else the first one is row 1."""

    number: int
    values: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """What stands in the columns that the row has, by their names, as it was written."""
    format: Format = Format.CSV
    has_password: bool = False
    """Whether it says a password. What it says is not kept."""
    fault: str = ""
    """Why it cannot be read."""
    is_blank: bool = False

    def has(self, column: Column) -> bool:
        """Whether the row says something of a column, and be it nothing."""
        return column.name in self.values

    def value(self, column: Column) -> Json:
        """What the row says; None for nothing. Raises `InvalidValue`."""
        written = self.values.get(column.name)
        if self.format is Format.CSV:
            return from_cell(column, str(written or ""))
        return from_json(column, written)

    def as_written(self, column: Column, value: Json) -> Json:
        """What reading would make of a value that is written in the row's format."""
        if self.format is Format.CSV:
            return from_cell(column, to_cell(column, value))
        return from_json(column, to_json(column, value))


def read(text: TextIO, written: Format) -> Iterator[Row]:
    """The rows of a file, as they are asked for. Raises `InvalidValue` for what is no file of users."""
    match written:
        case Format.CSV:
            return _csv_rows(text)
        case Format.JSON:
            return _json_rows(json_text.elements(text), written)
        case Format.JSONL:
            return _json_rows(json_text.lines(text), written)


_PASSWORD: Final = Column(name="password")
"""A column that a file may have, because other directories' have it. No export has it."""
_READ: Final = {**BY_NAME, _PASSWORD.name: _PASSWORD}


def chosen(names: Collection[str], known: Mapping[str, Column] = BY_NAME) -> tuple[Column, ...]:
    """The columns of these names (letter case does not count). Raises `InvalidValue`."""
    found = tuple(name.strip().lower() for name in names)
    unknown = [name.strip() for name in names if name.strip().lower() not in known]
    if unknown:
        listed = ", ".join(f'"{shown(name)}"' for name in unknown[:_MOST_NAMED])
        raise InvalidValue(f"There is no column {listed}. There are {_ALL}.{_hint(unknown)}")
    twice = sorted({known[name].name for name in found if found.count(name) > 1})
    if twice:
        raise InvalidValue(f"A column stands there twice: {', '.join(twice)}.")
    return tuple(known[name] for name in found)


_ALL: Final = ", ".join(column.name for column in COLUMNS)
_MOST_NAMED: Final = 10


def _hint(unknown: Sequence[str]) -> str:
    is_one = len(unknown) == 1 and ("id" in unknown[0].lower() or "username" in unknown[0].lower())
    for sign, name in ((";", "semicolons"), ("\t", "tabs")):
        if is_one and sign in unknown[0]:
            return f" Is the file separated by {name}? CSV has commas (RFC 4180)."
    return ""


def _csv_rows(text: TextIO) -> Iterator[Row]:
    read_records = records(text)
    columns = _header(next(read_records, None))
    for number, record in enumerate(read_records, start=2):
        if isinstance(record, Fault):
            yield Row(number=number, fault=record.detail)
        elif not any(record):
            yield Row(number=number, is_blank=True)
        elif len(record) != len(columns):
            yield Row(number=number, fault=f"It has {len(record)} cells; the header has {len(columns)}.")
        else:
            yield _row(number, columns, record, Format.CSV)


def _header(record: list[str] | Fault | None) -> tuple[Column, ...]:
    if record is None:
        raise InvalidValue("The file is empty: its first line names the columns.")
    if isinstance(record, Fault):
        raise InvalidValue(f"The header cannot be read. {record.detail}")
    if record[0].startswith(_OTHER_ENCODINGS):
        raise InvalidValue("The file is in UTF-16: save it as UTF-8.")
    known = {name for cell in record if (name := cell.strip().lower()) in BY_NAME}
    # Only a header's cells are named: those of a row without one may be anybody's, a password too.
    if not known:
        raise InvalidValue(f"The first line names no column: is the header missing?{_hint(record)}")
    if not known & {"id", "username"}:
        raise InvalidValue("The header needs the column id or userName: by these rows are matched.")
    return chosen(record, _READ)


_OTHER_ENCODINGS: Final = ("\udcff\udcfe", "\udcfe\udcff")
"""How the beginning of UTF-16 reads as UTF-8 in which bytes that are none were kept."""


def _json_rows(texts: Iterator[str | Fault], written: Format) -> Iterator[Row]:
    for number, text in enumerate(texts, start=1):
        if isinstance(text, Fault):
            yield Row(number=number, fault=text.detail)
        elif written is Format.JSONL and not text.strip():
            yield Row(number=number, is_blank=True)
        else:
            yield _json_row(number, text, written)


def _json_row(number: int, text: str, written: Format) -> Row:
    try:
        named = json_text.decoded(text)
        columns = chosen(named, _READ)
    except InvalidValue as wrong:
        return Row(number=number, fault=wrong.detail)
    return _row(number, columns, named.values(), written)


def _row(number: int, columns: Sequence[Column], cells: Iterable[Json], written: Format) -> Row:
    values = {column.name: cell for column, cell in zip(columns, cells, strict=True)}
    has_password = bool(values.pop(_PASSWORD.name, None))
    return Row(number=number, values=values, format=written, has_password=has_password)


# -- writing ---------------------------------------------------------------------------------------

Users = Iterable[Mapping[str, Json]]
"""What users have in the columns, by the columns' names; None for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """How a file is written: what stands before the rows, a row by its number, and what stands behind all."""

    head: str
    row: Callable[[int, Mapping[str, Json]], str]
    foot: str


def writing(written: Format, columns: Sequence[Column]) -> Writing:
    """How users are written with these columns."""

    def cells(_: int, values: Mapping[str, Json]) -> str:
        return format_record([to_cell(column, values[column.name]) for column in columns])

    def line(_: int, values: Mapping[str, Json]) -> str:
        return orjson.dumps({each.name: to_json(each, values[each.name]) for each in columns}).decode()

    match written:
        case Format.CSV:
            return Writing(head=format_record([column.name for column in columns]), row=cells, foot="")
        case Format.JSON:
            return Writing(
                head="[", row=lambda n, values: (",\n" if n else "\n") + line(n, values), foot="\n]\n"
            )
        case Format.JSONL:
            return Writing(head="", row=lambda n, values: line(n, values) + "\n", foot="")
