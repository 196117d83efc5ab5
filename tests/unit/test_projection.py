"""Projection by example: RFC 7644, section 3.9, over a user and a team as they are answered."""

from copy import deepcopy
from typing import Any

import pytest
from scim2_models import InvalidPathException, InvalidValueException

from scimserver.scim.models import ENTERPRISE_SCHEMA, GROUP_SCHEMA, USER_SCHEMA, Group, ProvisionedUser
from scimserver.scim.projection import MAX_LENGTH, MAX_NAMES, projector

USER: dict[str, Any] = {
    "schemas": [USER_SCHEMA, ENTERPRISE_SCHEMA, "urn:example:unknown"],
    "id": "1",
    "externalId": "e1",
    "meta": {"resourceType": "User", "location": "https://example.com/scim/v2/Users/1", "version": 'W/"1"'},
    "userName": "ann@example.com",
    "name": {"familyName": "Smith", "givenName": "Ann"},
    "active": False,
    "emails": [{"value": "ann@example.com", "type": "work"}, {"type": "home"}],
    "groups": [{"value": "g1", "display": "Support"}],
    ENTERPRISE_SCHEMA: {"department": "Care", "manager": {"value": "2", "displayName": "Bo"}},
}
GROUP: dict[str, Any] = {
    "schemas": [GROUP_SCHEMA],
    "id": "g1",
    "meta": {"resourceType": "Group"},
    "displayName": "Support",
    "members": [{"value": "1", "type": "User", "display": "Ann"}],
}
ALWAYS = {"schemas": [USER_SCHEMA, "urn:example:unknown"], "id": "1"}
WITH_ENTERPRISE = {"schemas": USER["schemas"], "id": "1"}


@pytest.mark.parametrize(
    "attributes, more",
    [
        ("userName", {"userName": "ann@example.com"}),
        ("USERNAME, active", {"userName": "ann@example.com", "active": False}),
        (f"{USER_SCHEMA}:userName".upper(), {"userName": "ann@example.com"}),
        ("name.familyName", {"name": {"familyName": "Smith"}}),
        ("name,name.familyName", {"name": {"familyName": "Smith", "givenName": "Ann"}}),
        ("emails.value", {"emails": [{"value": "ann@example.com"}]}),
        ("meta.version", {"meta": {"version": 'W/"1"'}}),
        ("groups.display", {"groups": [{"display": "Support"}]}),
        ("id", {}),
        ("nothing", {}),
        ("name.nothing", {}),
        ("name.middleName", {}),
        ("emails.display", {}),
        ("department", {}),
        ("password", {}),
    ],
)
def test_projection_keeps_what_is_always_returned_and_the_named(
    attributes: str, more: dict[str, Any]
) -> None:
    assert projector(ProvisionedUser, attributes, None).apply(USER) == ALWAYS | more


@pytest.mark.parametrize(
    "attributes, more",
    [
        (ENTERPRISE_SCHEMA, USER[ENTERPRISE_SCHEMA]),
        (f"{ENTERPRISE_SCHEMA}:department", {"department": "Care"}),
        (f"{ENTERPRISE_SCHEMA}:manager.value", {"manager": {"value": "2"}}),
    ],
)
def test_projection_keeps_the_named_part_of_an_extension(attributes: str, more: dict[str, Any]) -> None:
    projected = projector(ProvisionedUser, attributes, None).apply(USER)
    assert projected == WITH_ENTERPRISE | {ENTERPRISE_SCHEMA: more}


@pytest.mark.parametrize("excluded", ["id", "schemas", "nothing", "name.nothing", "value", ""])
def test_projection_is_identity_where_exclusion_has_no_effect(excluded: str) -> None:
    projection = projector(ProvisionedUser, None, excluded)
    assert projection.is_identity
    assert projection.apply(USER) == USER


@pytest.mark.parametrize(
    "excluded, gone",
    [
        ("groups", {"groups"}),
        (f"META,{USER_SCHEMA}:Name".swapcase(), {"meta", "name"}),
        ("emails.value,emails.type,emails.display,emails.primary", {"emails"}),
    ],
)
def test_projection_leaves_out_the_excluded(excluded: str, gone: set[str]) -> None:
    expected = {key: value for key, value in USER.items() if key not in gone}
    assert projector(ProvisionedUser, None, excluded).apply(USER) == expected


def test_projection_drops_entries_of_which_nothing_stays() -> None:
    projected = projector(ProvisionedUser, None, "emails.type").apply(USER)
    assert projected["emails"] == [{"value": "ann@example.com"}]


def test_projection_takes_the_schema_of_an_excluded_extension_away() -> None:
    projected = projector(ProvisionedUser, None, ENTERPRISE_SCHEMA).apply(USER)
    assert projected["schemas"] == ALWAYS["schemas"]


def test_projection_never_returns_a_password() -> None:
    assert projector(ProvisionedUser, None, None).apply(USER | {"password": "secret"}) == USER


def test_projection_keeps_the_order_of_the_document() -> None:
    projected = projector(ProvisionedUser, "active,userName,externalId", None).apply(USER)
    assert list(projected) == ["schemas", "id", "externalId", "userName", "active"]


def test_projection_leaves_the_document_as_it_was() -> None:
    document = deepcopy(USER)
    projector(ProvisionedUser, "emails.value", None).apply(document)
    assert document == USER


@pytest.mark.parametrize(
    "attributes, excluded, needed",
    [
        (None, None, True),
        (None, "members", False),
        (None, "MEMBERS", False),
        (None, f"{GROUP_SCHEMA}:members", False),
        (None, "members.value", True),
        (None, "displayName", True),
        ("displayName", None, False),
        ("members", None, True),
        ("members.value", None, True),
        (GROUP_SCHEMA, None, True),
    ],
)
def test_projection_says_whether_members_are_needed(
    attributes: str | None, excluded: str | None, needed: bool
) -> None:
    assert projector(Group, attributes, excluded).needs("members") is needed


@pytest.mark.parametrize(
    "attributes, name, needed",
    [
        ("members.value", "members.value", True),
        ("members.value", "members.display", False),
        ("members", "members.display", True),
    ],
)
def test_projection_says_which_parts_of_members_are_needed(attributes: str, name: str, needed: bool) -> None:
    assert projector(Group, attributes, None).needs(name) is needed


def test_projection_says_that_the_name_of_a_manager_is_needed() -> None:
    projection = projector(ProvisionedUser, f"{ENTERPRISE_SCHEMA}:manager", None)
    assert projection.needs(f"{ENTERPRISE_SCHEMA}:manager.displayName")


def test_projection_refuses_to_say_whether_it_needs_what_the_schema_lacks() -> None:
    with pytest.raises(KeyError, match="member"):
        projector(Group, None, None).needs("member")


def test_projection_without_members_leaves_the_rest_of_a_team() -> None:
    expected = {key: value for key, value in GROUP.items() if key != "members"}
    assert projector(Group, None, "members").apply(GROUP) == expected


def test_projection_refuses_both_lists_at_once() -> None:
    with pytest.raises(InvalidValueException, match="'attributes' and 'excludedAttributes'"):
        projector(ProvisionedUser, "userName", "name")


@pytest.mark.parametrize("attributes, excluded", [("userName", " , "), ("userName", ""), (",", "name")])
def test_projection_reads_an_empty_list_as_no_list(attributes: str, excluded: str) -> None:
    assert projector(ProvisionedUser, attributes, excluded).needs("userName")


@pytest.mark.parametrize("attributes", ["a b", "emails.value.x", 'emails[type eq "work"]', 'userName eq "a"'])
def test_projection_refuses_what_is_no_attribute_notation(attributes: str) -> None:
    with pytest.raises(InvalidPathException):
        projector(ProvisionedUser, attributes, None)


@pytest.mark.parametrize(
    "attributes",
    [",".join(["userName"] * (MAX_NAMES + 1)), "n" * (MAX_LENGTH + 1)],
    ids=["names", "characters"],
)
def test_projection_refuses_a_list_that_is_too_long(attributes: str) -> None:
    with pytest.raises(InvalidValueException, match=f"at most {MAX_NAMES} names"):
        projector(ProvisionedUser, attributes, None)


@pytest.mark.parametrize(
    "attributes", [",".join(["userName"] * MAX_NAMES), "n" * MAX_LENGTH], ids=["names", "characters"]
)
def test_projection_takes_a_list_of_the_greatest_length(attributes: str) -> None:
    assert projector(ProvisionedUser, attributes, None).needs("id")
