"""Columns: what a user has in each, and what putting something else there leaves as it was."""

from typing import Any

import pytest

from scimserver.directory.transfer.columns import BY_NAME, COLUMNS, Kind
from scimserver.directory.users.model import ENTERPRISE

DOCUMENT: dict[str, Any] = {
    "userName": "ada@acme.example",
    "name": {"givenName": "Ada", "honorificPrefix": "Dr"},
    "title": "",
    "active": False,
    "roles": [{"value": "Agent", "primary": True}],
    "emails": [{"value": "ada@acme.example", "type": "work"}],
    "addresses": [{"locality": "London"}],
    ENTERPRISE: {"department": "Analysis", "manager": {"value": "7"}},
}


@pytest.mark.parametrize(
    "name,value",
    [
        ("userName", "ada@acme.example"),
        ("givenName", "Ada"),
        ("familyName", None),
        ("title", None),
        ("active", False),
        ("role", ["Agent"]),
        ("emails", [{"value": "ada@acme.example", "type": "work"}]),
        ("phoneNumbers", None),
        ("department", "Analysis"),
        ("manager", "7"),
        ("costCenter", None),
        ("teams", None),
        ("id", None),
    ],
)
def test_column_says_what_a_user_has(name: str, value: Any):
    assert BY_NAME[name.lower()].of(DOCUMENT) == value


@pytest.mark.parametrize(
    "name,value,changed",
    [
        ("familyName", "L", {"name": {"givenName": "Ada", "honorificPrefix": "Dr", "familyName": "L"}}),
        ("givenName", None, {"name": {"honorificPrefix": "Dr"}}),
        ("title", "Dr", {"title": "Dr"}),
        ("active", True, {"active": True}),
        ("role", ["Lead"], {"roles": [{"value": "Lead", "primary": True}]}),
        ("role", ["a", "b"], {"roles": [{"value": "a", "primary": True}, {"value": "b"}]}),
        ("department", None, {ENTERPRISE: {"manager": {"value": "7"}}}),
        ("manager", None, {ENTERPRISE: {"department": "Analysis"}}),
        ("manager", "8", {ENTERPRISE: {"department": "Analysis", "manager": {"value": "8"}}}),
    ],
)
def test_column_puts_a_value_and_leaves_the_rest(name: str, value: Any, changed: dict[str, Any]):
    assert BY_NAME[name.lower()].put(DOCUMENT, value) == {**DOCUMENT, **changed}


@pytest.mark.parametrize("name", ["active", "role", "timezone", "teams", "id"])
def test_column_of_what_every_user_has_is_not_cleared(name: str):
    assert BY_NAME[name.lower()].put(DOCUMENT, None) == DOCUMENT


def test_object_that_becomes_empty_goes():
    document = BY_NAME["manager"].put({"userName": "a", ENTERPRISE: {"manager": {"value": "7"}}}, None)
    assert document == {"userName": "a"}


def test_document_that_was_given_is_left_alone():
    before = {**DOCUMENT, "name": dict(DOCUMENT["name"])}
    BY_NAME["givenname"].put(DOCUMENT, "Else")
    assert before == DOCUMENT


@pytest.mark.parametrize("column", [each for each in COLUMNS if each.kind is Kind.TEXT and each.path])
def test_column_comes_back_as_it_was_put(column: Any):
    assert column.of(column.put({}, "x")) == "x"
    if not column.stays:
        assert column.put(column.put({}, "x"), None) == {}
