"""CSV as RFC 4180 has it, read and written strictly and in bounded memory. Pure.

What is wrong with a record is said, and the next line begins another one; where that cannot be known
(a quotation mark is never closed) reading ends.
Proven by tests/unit/test_csv_text.py and tests/properties/test_cells.py.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, TextIO

from scimserver.directory.transfer.records import MAX_RECORD, TOO_LONG, Fault

_UNQUOTED: Final = re.compile(r'[^",\r\n]*')
_TO_BE_QUOTED: Final = re.compile(r'[",\r\n]|^\s|\s$')
_ENDS: Final = ("", "\n", "\r\n", "\r")

_NOT_CLOSED: Final = Fault(
    detail="A quotation mark is not closed: nothing after it can be read. Write one within a cell twice.",
    is_last=True,
)


def format_record(cells: Sequence[str]) -> str:
    """A record with its line end."""
    return ",".join(map(_quoted, cells)) + "\r\n"


def records(text: TextIO) -> Iterator[list[str] | Fault]:
    """The records of a text that keeps its line ends (`newline=""`)."""
    while line := text.readline(MAX_RECORD + 1):
        record = _too_long(line, text) or _record(line, text)
        yield record
        if isinstance(record, Fault) and record.is_last:
            return


def _quoted(cell: str) -> str:
    if not _TO_BE_QUOTED.search(cell):
        return cell
    return '"' + cell.replace('"', '""') + '"'


def _too_long(line: str, text: TextIO) -> Fault | None:
    """The fault of a line without end; reads it to its end, so that the next one can be read."""
    if len(line) <= MAX_RECORD:
        return None
    is_quoted = '"' in line
    while line and not line.endswith(("\n", "\r")):
        line = text.readline(MAX_RECORD + 1)
        is_quoted = is_quoted or '"' in line
    return Fault(detail=TOO_LONG, is_last=is_quoted)


class _Lines:
    """The lines of one record, read as they are asked for; `size` is how many characters they have so far."""

    def __init__(self, first: str, text: TextIO) -> None:
        self.size = len(first)
        self._text = text

    def next(self) -> str | Fault:
        """The next line of a quoted cell. A fault where there is none, or it makes the record too long."""
        line = self._text.readline(MAX_RECORD + 1)
        self.size += len(line)
        if self.size > MAX_RECORD:
            return Fault(detail=f"{TOO_LONG} Is a quotation mark not closed?", is_last=True)
        return line or _NOT_CLOSED


def _record(line: str, text: TextIO) -> list[str] | Fault:
    """The cells of the record that begins with a line; a quoted one may go over several."""
    lines = _Lines(line, text)
    cells: list[str] = []
    at = 0
    while True:
        if line.startswith('"', at):
            quoted = _read_quoted(line, at + 1, lines)
            if isinstance(quoted, Fault):
                return quoted
            cell, line, at = quoted
        else:
            found = _UNQUOTED.match(line, at)
            assert found is not None, "nothing fits too"
            cell, at = found[0], found.end()
        cells.append(cell)
        if line.startswith(",", at):
            at += 1
        elif line[at:] in _ENDS:
            return cells
        else:
            return Fault(detail=f"Cell {len(cells)} has a quotation mark where none may be: quote it whole.")


def _read_quoted(line: str, at: int, lines: _Lines) -> tuple[str, str, int] | Fault:
    """A quoted cell, the line on which it ends, and the place behind it."""
    parts: list[str] = []
    while True:
        end = line.find('"', at)
        parts.append(line[at:] if end < 0 else line[at:end])
        if end < 0:
            read = lines.next()
            if isinstance(read, Fault):
                return read
            line, at = read, 0
        elif line.startswith('"', end + 1):
            parts.append('"')
            at = end + 2
        else:
            return "".join(parts), line, end + 1
