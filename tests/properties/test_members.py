"""A group's members after many operations are those that scim2-models leaves, one operation at a time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scimserver.scim.models import GROUP_SCHEMA
from scimserver.scim.normalise import normalise_patch
from scimserver.scim.plain import plain_bodies
from tests.bodies import STORED, Body, message, op, patched

IDS = st.sampled_from(["u1", "u2", "u3", "U1", "a b", 'q"', "b\\", "ü", "0", "true", ""])
BESIDE: st.SearchStrategy[Any] = st.sampled_from(
    [
        *({"$ref": None}, {"$ref": "https://scim.example/Users/u2"}, {"type": "User"}, {"type": None}),
        *({"display": "Anna"}, {"costume": "x"}, {"type": 1}, {"$ref": ""}, {"value": None}),
    ]
)
ENTRY = st.builds(lambda one, beside: {"value": one, **beside}, IDS, st.just({}) | BESIDE)
ENTRIES: st.SearchStrategy[Any] = (
    st.lists(ENTRY, max_size=4) | ENTRY | st.sampled_from(["u1", None, [None], [{}]])
)
PATHS = st.sampled_from(["members", "Members", f"{GROUP_SCHEMA}:members", "displayName", "members.value", ""])
FILTERED = st.builds(
    lambda start, one, end: f"{start}[{one}]{end}",
    PATHS,
    st.builds(
        lambda name, verb, one: f'{name} {verb} "{one}"',
        st.sampled_from(["value", "VALUE", " value", "display", "va\u02e1ue"]),
        st.sampled_from(["eq", "EQ", "ne", "eq "]),
        IDS,
    ),
    st.sampled_from(["", "", "", " ", ".value"]),
)


def operations() -> st.SearchStrategy[Body]:
    verbs = st.sampled_from(["add", "Add", "remove", "Remove", "replace"])
    return (
        st.builds(op, st.sampled_from(["remove", "REMOVE"]), PATHS | FILTERED)
        | st.builds(op, verbs, PATHS, ENTRIES)
        | st.builds(op, verbs, FILTERED, ENTRIES)
        | st.builds(lambda verb, value: {"op": verb, "value": {"members": value}}, verbs, ENTRIES)
        | st.builds(lambda name: {"op": "replace", "value": {"displayName": name, "id": "x"}}, IDS)
    )


def values(document: Any) -> list[str]:
    """The members, each once."""
    return list(dict.fromkeys(member["value"] for member in document.get("members") or ()))


@pytest.mark.parametrize("strict", [True, False])
@given(body=st.builds(message, st.lists(operations(), min_size=1, max_size=6)))
def test_plain_patch_of_members_does_what_the_models_do(body: Body, strict: bool):
    bodies = plain_bodies("Group")
    patch = bodies.patch(body if strict else normalise_patch("Group", body), strict=strict)
    if patch is not None:
        ours = bodies.applied(STORED["Group"], patch)
        theirs = patched("Group", body, strict=strict, normal=not strict)
        assert (values(ours), ours["displayName"]) == (values(theirs), theirs["displayName"])


NOBODY: list[str] = []
SENT: list[tuple[str, bool, list[Body], list[str]]] = [
    (
        "okta swaps",
        False,
        [op("remove", 'members[value eq "u1"]'), op("add", "members", ["u3"])],
        ["u2", "u3"],
    ),
    ("okta pushes all", False, [op("replace", "members", [{"value": "u3", "display": "Bo"}])], ["u3"]),
    ("okta pushes nobody", False, [op("replace", "members", [])], NOBODY),
    ("okta renames", False, [{"op": "replace", "value": {"id": "g", "displayName": "x"}}], ["u1", "u2"]),
    ("entra adds", False, [op("Add", "members", [{"$ref": None, "value": "u3"}])], ["u1", "u2", "u3"]),
    ("entra adds texts", False, [op("Add", "members", ["u3"])], ["u1", "u2", "u3"]),
    ("entra adds again", False, [op("Add", "members", [{"value": "u1"}])], ["u1", "u2"]),
    ("entra removes", False, [op("Remove", "members", [{"$ref": None, "value": "u1"}])], ["u2"]),
    ("entra removes by filter", False, [op("Remove", 'members[value eq "u1"]')], ["u2"]),
    ("entra removes all", False, [op("Remove", "members")], NOBODY),
    ("without a path", False, [{"op": "add", "value": {"members": [{"value": "u3"}]}}], ["u1", "u2", "u3"]),
    ("with its schema", False, [op("remove", f"{GROUP_SCHEMA}:members")], NOBODY),
    ("strict adds", True, [op("add", "members", [{"value": "u3", "type": "User"}])], ["u1", "u2", "u3"]),
    ("strict removes", True, [op("remove", 'members[value eq "u1"]')], ["u2"]),
    ("back again", True, [op("remove", "members"), op("add", "members", [{"value": "u1"}])], ["u1"]),
]


@pytest.mark.parametrize("strict,sent,expected", [row[1:] for row in SENT], ids=[row[0] for row in SENT])
def test_changes_of_members_that_clients_send_are_plain(strict: bool, sent: list[Body], expected: list[str]):
    body = message(sent)
    patch = plain_bodies("Group").patch(body if strict else normalise_patch("Group", body), strict=strict)
    assert patch is not None
    assert values(plain_bodies("Group").applied(STORED["Group"], patch)) == expected


NOT_PLAIN: list[tuple[bool, Body]] = [
    (True, op("remove", "members", [{"value": "u1"}])),
    (True, {"op": "add", "value": {"members": [{"value": "u3"}]}}),
    (True, op("add", "members", [{"value": "u3", "display": "Bo"}])),
    (False, op("remove", 'members[value eq "u1"]', [{"value": "u2"}])),
    (False, op("remove", 'members[value ne "u1"]')),
    (False, op("add", 'members[value eq "u1"]', {"type": "User"})),
    (False, op("add", "members", [{"value": ""}])),
    (False, op("add", "members", [{"$ref": "https://scim.example/Users/u3"}])),
]


@pytest.mark.parametrize("strict,operation", NOT_PLAIN)
def test_change_of_members_that_needs_a_rule_is_left_to_the_models(strict: bool, operation: Body):
    body = message([operation])
    sent = body if strict else normalise_patch("Group", body)
    assert plain_bodies("Group").patch(sent, strict=strict) is None
