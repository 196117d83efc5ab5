"""Values in a file: each kind as CSV and as JSON, and what neither takes."""

from typing import Any

import pytest

from scimserver.directory.transfer.columns import BY_NAME
from scimserver.directory.transfer.values import (
    from_cell,
    from_json,
    require_one_primary,
    require_value,
    to_cell,
    to_json,
)
from scimserver.kernel.errors import InvalidValue

MAIL = {"value": "a@b.example", "type": "work", "primary": True}


@pytest.mark.parametrize(
    "name,value,cell",
    [
        ("title", "Dr", "Dr"),
        ("title", None, ""),
        ("title", "=1", "'=1"),
        ("active", True, "true"),
        ("active", False, "false"),
        ("teams", ["Sales", "R;D"], "Sales;R\\;D"),
        ("teams", ["=Sales"], "'=Sales"),
        ("emails", [MAIL], "*work:a@b.example"),
        ("phonenumbers", [{"value": "+49 30"}], "'+49 30"),
        ("role", ["Admin Role"], "Admin Role"),
        ("role", ["R;D \\ x"], "R\\;D \\\\ x"),
        ("role", ["a", "b"], "a;b"),
        ("emails", None, ""),
    ],
)
def test_value_is_a_cell_and_comes_back(name: str, value: Any, cell: str):
    column = BY_NAME[name]
    assert to_cell(column, value) == cell
    assert from_cell(column, cell) == value


@pytest.mark.parametrize(
    "name,cell,value",
    [("active", " TRUE ", True), ("active", " ", None), ("teams", " ; ", None), ("emails", ";", None)],
)
def test_cell_is_read_as_people_write_it(name: str, cell: str, value: Any):
    assert from_cell(BY_NAME[name], cell) == value


@pytest.mark.parametrize("cell", ["yes", "1", "wahr", "truefalse"])
def test_flag_is_true_or_false(cell: str):
    with pytest.raises(InvalidValue, match="active is true or false"):
        from_cell(BY_NAME["active"], cell)


@pytest.mark.parametrize("text,said", [("a\0b", "NUL"), ("Zo\udceb", "no UTF-8")])
def test_text_that_cannot_be_stored_is_refused(text: str, said: str):
    with pytest.raises(InvalidValue, match=said):
        from_cell(BY_NAME["title"], text)
    with pytest.raises(InvalidValue, match=said):
        from_json(BY_NAME["title"], text)
    with pytest.raises(InvalidValue, match=said):
        from_json(BY_NAME["teams"], [text])
    with pytest.raises(InvalidValue, match=said):
        from_json(BY_NAME["emails"], [{"value": text}])


@pytest.mark.parametrize(
    "name,value",
    [
        ("title", "Dr"),
        ("active", False),
        ("teams", ["Sales"]),
        ("emails", [{**MAIL, "display": "A"}]),
        ("role", ["R;D \\ x"]),
        ("role", ["a", "b"]),
    ],
)
def test_value_is_json_and_comes_back(name: str, value: Any):
    column = BY_NAME[name]
    assert from_json(column, to_json(column, value)) == value


@pytest.mark.parametrize("value", [None, "", []])
@pytest.mark.parametrize("name", ["teams", "emails"])
def test_nothing_is_nothing_in_json(name: str, value: Any):
    assert from_json(BY_NAME[name], value) is None


@pytest.mark.parametrize(
    "name,value",
    [
        ("title", 1),
        ("title", ["Dr"]),
        ("active", "true"),
        ("active", 1),
        ("teams", "Sales"),
        ("teams", [1]),
        ("emails", "a@b.example"),
        ("emails", ["a@b.example"]),
        ("emails", [{"value": 1}]),
        ("emails", [{"value": "a", "primary": "true"}]),
        ("emails", [{"value": "a", "colour": "red"}]),
        ("role", [1]),
        ("id", 7),
    ],
)
def test_value_of_another_kind_is_refused_in_json(name: str, value: Any):
    with pytest.raises(InvalidValue, match=BY_NAME[name].name):
        from_json(BY_NAME[name], value)


def test_role_is_a_string_in_json():
    assert to_json(BY_NAME["role"], ["R;D"]) == "R;D"
    assert from_json(BY_NAME["role"], "R;D") == ["R;D"]


def test_json_shows_of_an_entry_what_it_takes():
    assert to_json(BY_NAME["emails"], [{**MAIL, "$ref": "x"}]) == [MAIL]


@pytest.mark.parametrize("entry", [{"type": "work"}, {"value": ""}])
def test_entry_that_says_nothing_is_refused(entry: Any):
    with pytest.raises(InvalidValue, match="has no value"):
        require_value(BY_NAME["emails"], entry)


def test_only_one_entry_is_the_primary_one():
    with pytest.raises(InvalidValue, match="can be the primary one"):
        require_one_primary(BY_NAME["emails"], [MAIL, {**MAIL, "value": "b"}])
