"""Cells of a CSV file: lists on one line, and nothing that a spreadsheet calculates."""

from typing import Any

import pytest

from scimserver.directory.transfer.cells import (
    format_entries,
    format_names,
    guarded,
    parse_entries,
    parse_names,
    unguarded,
)

WORK = {"type": "work", "value": "ada@acme.example"}


@pytest.mark.parametrize(
    "text,cell",
    [
        ("=1+1", "'=1+1"),
        ("+49 30 1234", "'+49 30 1234"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\nx", "'\nx"),
        (" =1", "' =1"),
        ("' \xa0=1", "'' \xa0=1"),
        ("\uff1d1", "'\uff1d1"),
        ("\uff0b1", "'\uff0b1"),
        ("\uff0d1", "'\uff0d1"),
        ("\uff20x", "'\uff20x"),
        ("x;=1+1", "x;'=1+1"),
        ("x;'=1+1", "x;''=1+1"),
        ("+1;-2; @x;y", "'+1;'-2;' @x;y"),
        (";;=", ";;'="),
        ("a; b", "a; b"),
        ("'=1", "''=1"),
        ("''@x", "'''@x"),
        ("plain", "plain"),
        ("'quoted'", "'quoted'"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_formula_is_guarded_and_comes_back_as_it_was(text: str, cell: str):
    assert guarded(text) == cell
    assert unguarded(cell) == text


@pytest.mark.parametrize("cell", ["=1", "+49", "O'Neill", "'t Hooft"])
def test_cell_without_a_guard_stays_as_it_is(cell: str):
    assert unguarded(cell) == cell


@pytest.mark.parametrize(
    "names,cell",
    [
        (["Sales"], "Sales"),
        (["Sales", "Support"], "Sales;Support"),
        (["R;D", "a\\b"], "R\\;D;a\\\\b"),
        ([" Sales "], "\\ Sales\\ "),
        (["*Stars", "a:b"], "*Stars;a:b"),
        ([], ""),
    ],
)
def test_names_are_one_cell(names: list[str], cell: str):
    assert format_names(names) == cell
    assert parse_names(cell) == names


@pytest.mark.parametrize(
    "cell,names",
    [(" Sales ; Support ", ["Sales", "Support"]), (";;", []), (" ", []), ("a;", ["a"]), ("end\\", ["end\\"])],
)
def test_names_are_read_as_people_write_them(cell: str, names: list[str]):
    assert parse_names(cell) == names


@pytest.mark.parametrize(
    "entries,cell",
    [
        ([WORK], "work:ada@acme.example"),
        ([{**WORK, "primary": True}], "*work:ada@acme.example"),
        ([{"value": "ada@acme.example"}], "ada@acme.example"),
        ([{"value": "tel:+1;x"}], "tel\\:+1\\;x"),
        ([{"type": "work", "value": "tel:+1"}], "work:tel:+1"),
        ([{"value": "*1"}], "\\*1"),
        ([{"type": "a:b", "value": " x"}], "a\\:b:\\ x"),
        ([WORK, {"type": "home", "value": "a@b.example"}], "work:ada@acme.example;home:a@b.example"),
        ([{"type": "work", "value": ""}], "work:"),
    ],
)
def test_entries_are_one_cell(entries: list[dict[str, Any]], cell: str):
    assert format_entries(entries) == cell
    assert parse_entries(cell) == entries


@pytest.mark.parametrize(
    "cell,entries",
    [
        (" * work : a@b.example ", [{"type": "work", "value": "a@b.example", "primary": True}]),
        (":a:b", [{"value": "a:b"}]),
        (";a;", [{"value": "a"}]),
        ("*", [{"value": "", "primary": True}]),
    ],
)
def test_entries_are_read_as_people_write_them(cell: str, entries: list[dict[str, Any]]):
    assert parse_entries(cell) == entries


def test_entry_shows_nothing_but_type_value_and_which_is_primary():
    entry = {"type": "work", "value": "1", "primary": False, "display": "One", "$ref": "x"}
    assert parse_entries(format_entries([entry])) == [{"type": "work", "value": "1"}]
