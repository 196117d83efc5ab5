"""Whatever a user has, its cell says it whole: formatting and parsing are inverse."""

from io import StringIO
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scimserver.directory.transfer.cells import (
    format_entries,
    format_names,
    guarded,
    parse_entries,
    parse_names,
    unguarded,
)
from scimserver.directory.transfer.csv_text import format_record, records

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
TELLING = "ab;:*\\',\" \xa0\ufeff" + "".join(FORMULA)
TEXT = st.text(st.sampled_from(TELLING) | st.characters(exclude_categories=["Cs"]))
NAME = TEXT.filter(bool)
ENTRY = st.fixed_dictionaries({"value": NAME}, optional={"type": NAME, "primary": st.just(True)})


@given(TEXT)
def test_guard_comes_off_and_nothing_else(text: str):
    cell = guarded(text)
    assert unguarded(cell) == text
    for part in cell.split(";"):
        assert not part.lstrip(" ").startswith(FORMULA)


@given(st.lists(NAME))
def test_names_come_back(names: list[str]):
    assert parse_names(format_names(names)) == names


@given(st.lists(ENTRY))
def test_entries_come_back(entries: list[dict[str, Any]]):
    assert parse_entries(format_entries(entries)) == entries


@given(st.lists(st.lists(TEXT, min_size=1, max_size=4), max_size=4))
def test_records_come_back(rows: list[list[str]]):
    text = "".join(map(format_record, rows))
    assert list(records(StringIO(text, newline=""))) == rows
