"""An entry of the log as a row for people."""

from typing import Any

import pytest

from scimserver.audit.store import Logged
from scimserver.cli.entry_text import COLUMNS, as_cells, as_object
from scimserver.kernel.facts import Json
from scimserver.kernel.ids import EntryId, new_uuid

LEAST: dict[str, Any] = {"occurred": "2026-01-02T03:04:05.678000+01:00", "event": "e", "outcome": "success"}


def logged(personal: dict[str, Json] | None = None, **entry: Any) -> Logged:
    return Logged(id=EntryId(new_uuid()), entry=LEAST | entry, personal=personal or {})


def cell(column: str, personal: dict[str, Json] | None = None, **entry: Any) -> str:
    return as_cells(logged(personal, **entry))[COLUMNS.index(column)]


def test_entry_with_nothing_but_the_least_is_a_row():
    assert as_cells(logged()) == ("2026-01-02 02:04:05Z", "e", "success", "", "", "", "", "0.0")


def test_entry_as_object_has_its_values_beside_it():
    assert as_object(logged({"detail": "x"}, detail="c")) == {
        **LEAST,
        "detail": "c",
        "personal": {"detail": "x"},
    }


@pytest.mark.parametrize(
    "actor,shown",
    [
        ({"kind": "connection", "name": "Okta", "credential": "…"}, "connection Okta"),
        ({"kind": "nobody"}, "nobody"),
    ],
)
def test_entry_says_who(actor: dict[str, str], shown: str):
    assert cell("who", actor=actor) == shown


def test_entry_says_how_many_it_stands_for():
    assert cell("event", count=17) == "e (17 times)"


def test_entry_says_how_long_it_took():
    assert cell("ms", microseconds=12345) == "12.3"


def test_entry_says_why_it_was_refused():
    assert cell("reason", reason="domain_not_allowed") == "domain_not_allowed"


@pytest.mark.parametrize(
    "target,personal,shown",
    [
        (
            {"kind": "User", "id": "7", "display": "c"},
            {"target.display": "ada@x.example"},
            "User ada@x.example",
        ),
        ({"kind": "User", "id": "7", "display": "c"}, {}, "User (erased)"),
        ({"kind": "User", "id": "7"}, {}, "User 7"),
        ({"kind": "User"}, {}, "User"),
    ],
)
def test_entry_says_what_it_was_aimed_at(target: dict[str, str], personal: dict[str, Json], shown: str):
    assert cell("target", personal, target=target) == shown


@pytest.mark.parametrize(
    "change,personal,shown",
    [
        ({"path": "title", "old": "c", "new": "d"}, {"old": "Dr", "new": "Prof"}, "title: Dr → Prof"),
        ({"path": "title", "old": None, "new": "d"}, {"new": "Dr"}, "title: — → Dr"),
        ({"path": "title", "old": "c", "new": None}, {"old": "Dr"}, "title: Dr → —"),
        ({"path": "title", "old": "c", "new": "d"}, {"new": "Dr"}, "title: (erased) → Dr"),
        ({"path": "active", "old": "c", "new": "d"}, {"old": True, "new": False}, "active: true → false"),
        ({"path": "roles", "old": None, "new": "d"}, {"new": [{"value": "é"}]}, 'roles: — → [{"value":"é"}]'),
        ({"path": "password", "old": None, "new": None}, {}, "password"),
        ({"path": "password", "old": "c", "new": "d"}, {"old": "t0p", "new": "s3cret"}, "password"),
        (
            {"path": "urn:x:2.0:User:password", "old": None, "new": "d"},
            {"new": "s3cret"},
            "urn:x:2.0:User:password",
        ),
    ],
)
def test_entry_says_what_changed(change: dict[str, Any], personal: dict[str, Json], shown: str):
    values = {f"changes.0.{name}": value for name, value in personal.items()}
    assert cell("what changed", values, changes=[change]) == shown


def test_entry_says_all_that_changed():
    changes = [{"path": "a", "old": None, "new": "c"}, {"path": "b", "old": "c", "new": None}]
    personal: dict[str, Json] = {"changes.0.new": 1, "changes.1.old": 2}
    assert cell("what changed", personal, changes=changes) == "a: — → 1; b: 2 → —"


def test_entry_cuts_a_long_value():
    changes = [{"path": "a", "old": None, "new": "c"}]
    assert cell("what changed", {"changes.0.new": "x" * 81}, changes=changes) == f"a: — → {'x' * 80}…"
