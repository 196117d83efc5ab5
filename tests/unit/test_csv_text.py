"""CSV as RFC 4180 has it: what it means, what is wrong with it, and how much of it is in memory."""

from io import StringIO
from itertools import islice

import pytest

from scimserver.directory.transfer.csv_text import format_record, records
from scimserver.directory.transfer.records import MAX_RECORD, Fault


def read(text: str) -> list[list[str] | str]:
    """The records; of one that cannot be read, what is said of it."""
    return [each.detail if isinstance(each, Fault) else each for each in records(StringIO(text, newline=""))]


@pytest.mark.parametrize(
    "text,rows",
    [
        ("", []),
        ("a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]),
        ("a,b\nc,d", [["a", "b"], ["c", "d"]]),
        ("a\rb\r", [["a"], ["b"]]),
        (",\n", [["", ""]]),
        ("\n\n", [[""], [""]]),
        ('"a"\n', [["a"]]),
        ('"a,b","c""d"\n', [["a,b", 'c"d']]),
        ('"a\r\nb",c\n"d"\n', [["a\r\nb", "c"], ["d"]]),
        ('"",""\n', [["", ""]]),
        ('""""\n', [['"']]),
        (" a , b \n", [[" a ", " b "]]),
        ('"x"', [["x"]]),
    ],
)
def test_records_are_read(text: str, rows: list[list[str]]):
    assert read(text) == rows


PLACE = "Cell {} has a quotation mark where none may be: quote it whole."


@pytest.mark.parametrize(
    "text,rows",
    [
        ('a"b,c\nd\n', [PLACE.format(1), ["d"]]),
        ('a,"b"c\nd\n', [PLACE.format(2), ["d"]]),
        ('"a" ,b\nd\n', [PLACE.format(1), ["d"]]),
        ('a\n "b"\nc\n', [["a"], PLACE.format(1), ["c"]]),
    ],
)
def test_record_that_is_quoted_wrongly_is_a_fault_and_the_next_one_is_read(text: str, rows: list[list[str]]):
    assert read(text) == rows


@pytest.mark.parametrize("text", ['a\n"b\nc\nd\n', 'a\n"', 'a\n"b""\n'])
def test_quotation_mark_that_is_not_closed_ends_reading(text: str):
    first, last = list(records(StringIO(text, newline="")))
    assert first == ["a"]
    assert isinstance(last, Fault)
    assert last.is_last
    assert "not closed" in last.detail


def test_long_cell_is_read():
    assert read("x" * 1_000_000 + ",b\n") == [["x" * 1_000_000, "b"]]
    assert read('"' + "x\n" * 500_000 + '",b\n') == [["x\n" * 500_000, "b"]]


def test_longer_line_is_a_fault_and_the_next_one_is_read():
    long = "x" * (3 * MAX_RECORD)
    assert read(f"a\n{long}\nb\n") == [["a"], f"It is longer than {MAX_RECORD} characters.", ["b"]]


@pytest.mark.parametrize("text", ['"' + "x" * 3 * MAX_RECORD, '"' + "x\n" * MAX_RECORD + '"'])
def test_longer_line_that_is_quoted_ends_reading(text: str):
    first, last = list(records(StringIO(f"a\n{text}\nb\n", newline="")))
    assert first == ["a"]
    assert isinstance(last, Fault)
    assert last.is_last
    assert "longer than" in last.detail


class Endless(StringIO):
    """A file that never ends; `read` counts the characters that were asked for."""

    def __init__(self, line: str, first: str = "") -> None:
        super().__init__()
        self._line, self._first = line, first
        self.given = 0

    def readline(self, size: int | None = -1, /) -> str:
        """The next line, or as much of it as is wanted."""
        line, self._first = (self._first or self._line)[:size], ""
        self.given += len(line)
        return line


def test_records_are_read_as_they_are_asked_for():
    text = Endless("a,b\n")
    assert list(islice(records(text), 3)) == [["a", "b"]] * 3
    assert text.given == 12


@pytest.mark.parametrize("line", ["x" * 1000, '","\n'])
def test_record_without_end_is_given_up(line: str):
    text = Endless(line, first='"')
    [fault] = records(text)
    assert isinstance(fault, Fault)
    assert fault.is_last
    assert text.given < 2 * MAX_RECORD


@pytest.mark.parametrize(
    "cells,text",
    [
        (["a", "b c"], "a,b c\r\n"),
        (["a,b", 'c"d', "e\nf"], '"a,b","c""d","e\nf"\r\n'),
        ([" a", "b "], '" a","b "\r\n'),
        ([""], "\r\n"),
    ],
)
def test_record_is_quoted_where_it_has_to_be(cells: list[str], text: str):
    assert format_record(cells) == text
