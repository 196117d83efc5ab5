"""PATCH of users (RFC 7644, section 3.5.2): every form of path, order, what changes nothing."""

from typing import Any

import pytest

from tests.serving import (
    BASE_URL,
    ENTERPRISE,
    USER,
    Answer,
    ScimClient,
    add,
    remove,
    replace,
)

WORK = {"value": "anna@example.com", "type": "work", "primary": True}
HOME = {"value": "anna@home.test", "type": "home"}
OTHER = {"value": "anna@other.test", "type": "other"}
PHONES = [{"value": "1", "type": "work"}, {"value": "2", "type": "home"}]


@pytest.fixture
def anna() -> dict[str, Any]:
    """The attributes of the user that is patched."""
    return {
        "userName": "anna@example.com",
        "name": {"givenName": "Anna", "familyName": "Berg"},
        "title": "Agent",
        "emails": [WORK, HOME],
        "phoneNumbers": PHONES,
        ENTERPRISE: {"department": "Care", "costCenter": "c1"},
    }


async def patched(scim: ScimClient, attributes: dict[str, Any], *operations: dict[str, Any]) -> Answer:
    """The answer to a PATCH of a user with these attributes."""
    made = await scim.post("/Users", attributes)
    assert made.status == 201, made.text
    return await scim.patch(f"/Users/{made.id}", *operations)


SETS: list[tuple[str, dict[str, Any], str, Any]] = [
    ("attribute", replace("title", "Lead"), "title", "Lead"),
    ("unassigned attribute", replace("nickName", "Anni"), "nickName", "Anni"),
    ("added attribute", add("title", "Lead"), "title", "Lead"),
    ("letter case of a path", replace("TITLE", "Lead"), "title", "Lead"),
    ("core URN", replace(f"{USER}:title", "Lead"), "title", "Lead"),
    (
        "sub-attribute",
        replace("name.givenName", "Ann"),
        "name",
        {"givenName": "Ann", "familyName": "Berg"},
    ),
    (
        "core URN and sub-attribute",
        replace(f"{USER}:name.givenName", "Ann"),
        "name",
        {"givenName": "Ann", "familyName": "Berg"},
    ),
    (
        "complex attribute, merged",
        replace("name", {"givenName": "Ann", "middleName": "M"}),
        "name",
        {"givenName": "Ann", "familyName": "Berg", "middleName": "M"},
    ),
    (
        "sub-attribute of an unassigned complex attribute",
        add(f"{ENTERPRISE}:division", "North"),
        ENTERPRISE,
        {"department": "Care", "costCenter": "c1", "division": "North"},
    ),
    (
        "extension attribute",
        replace(f"{ENTERPRISE}:department", "Sales"),
        ENTERPRISE,
        {"department": "Sales", "costCenter": "c1"},
    ),
    (
        "whole extension, merged",
        replace(ENTERPRISE, {"department": "Sales"}),
        ENTERPRISE,
        {"department": "Sales", "costCenter": "c1"},
    ),
    ("whole list", replace("emails", [OTHER]), "emails", [OTHER]),
    ("appended entry", add("emails", [OTHER]), "emails", [WORK, HOME, OTHER]),
    (
        "entry by filter",
        replace('emails[type eq "home"]', {"value": "new@home.test", "type": "home"}),
        "emails",
        [WORK, {"value": "new@home.test", "type": "home"}],
    ),
    (
        "sub-attribute of an entry by filter",
        replace('emails[type eq "home"].value', "new@home.test"),
        "emails",
        [WORK, {**HOME, "value": "new@home.test"}],
    ),
    (
        "entry by filter and URN",
        replace(f'{USER}:emails[type eq "home"].value', "new@home.test"),
        "emails",
        [WORK, {**HOME, "value": "new@home.test"}],
    ),
    (
        "entry by two conditions",
        replace('phoneNumbers[type eq "home" and value eq "2"].value', "3"),
        "phoneNumbers",
        [PHONES[0], {"value": "3", "type": "home"}],
    ),
    (
        "every entry that matches",
        replace('phoneNumbers[type eq "home" or type eq "work"].display', "call"),
        "phoneNumbers",
        [{**phone, "display": "call"} for phone in PHONES],
    ),
    ("boolean", replace("active", False), "active", False),
]


@pytest.mark.parametrize(
    "operation,attribute,expected", [row[1:] for row in SETS], ids=[row[0] for row in SETS]
)
async def test_patch_sets_what_its_path_names(
    scim: ScimClient, anna: dict[str, Any], operation: dict[str, Any], attribute: str, expected: Any
):
    answer = await patched(scim, anna, operation)
    assert answer.status == 200, answer.text
    assert answer.json[attribute] == expected


REMOVALS: list[tuple[str, dict[str, Any], str, Any]] = [
    ("attribute", remove("title"), "title", None),
    ("sub-attribute", remove("name.givenName"), "name", {"familyName": "Berg"}),
    ("complex attribute", remove("name"), "name", None),
    ("whole list", remove("phoneNumbers"), "phoneNumbers", None),
    ("entry by filter", remove('phoneNumbers[type eq "home"]'), "phoneNumbers", [PHONES[0]]),
    ("all entries by filter", remove("phoneNumbers[value pr]"), "phoneNumbers", None),
    (
        "sub-attribute of an entry",
        remove('phoneNumbers[type eq "home"].type'),
        "phoneNumbers",
        [PHONES[0], {"value": "2"}],
    ),
    ("extension attribute", remove(f"{ENTERPRISE}:department"), ENTERPRISE, {"costCenter": "c1"}),
    ("whole extension", remove(ENTERPRISE), ENTERPRISE, None),
    ("what is not there", remove("nickName"), "nickName", None),
    ("a filter without match", remove('phoneNumbers[type eq "fax"]'), "phoneNumbers", PHONES),
    ("null by replace", replace("title", None), "title", None),
    ("empty list by replace", replace("phoneNumbers", []), "phoneNumbers", None),
]


@pytest.mark.parametrize(
    "operation,attribute,expected", [row[1:] for row in REMOVALS], ids=[row[0] for row in REMOVALS]
)
async def test_patch_removes_what_its_path_names(
    scim: ScimClient, anna: dict[str, Any], operation: dict[str, Any], attribute: str, expected: Any
):
    answer = await patched(scim, anna, operation)
    assert answer.status == 200, answer.text
    assert answer.json.get(attribute) == expected


@pytest.mark.parametrize("verb", ["add", "replace"])
async def test_patch_without_a_path_merges_its_object(scim: ScimClient, anna: dict[str, Any], verb: str):
    value = {
        "title": "Lead",
        "name": {"givenName": "Ann"},
        "name.middleName": "M",
        f"{ENTERPRISE}:division": "North",
        ENTERPRISE: {"department": "Sales"},
    }
    body = (await patched(scim, anna, {"op": verb, "value": value})).json
    assert body["title"] == "Lead"
    assert body["name"] == {"givenName": "Ann", "familyName": "Berg", "middleName": "M"}
    assert body[ENTERPRISE] == {"department": "Sales", "costCenter": "c1", "division": "North"}


async def test_patch_applies_operations_in_their_order(scim: ScimClient, anna: dict[str, Any]):
    operations = [
        replace("title", "first"),
        remove("title"),
        add("title", "second"),
        replace('emails[type eq "home"].type', "other"),
        replace('emails[type eq "other"].value', "late@home.test"),
    ]
    body = (await patched(scim, anna, *operations)).json
    assert body["title"] == "second"
    assert body["emails"][1] == {"value": "late@home.test", "type": "other"}


@pytest.mark.parametrize(
    "operation",
    [
        add("emails", [{**OTHER, "primary": True}]),
        replace('emails[type eq "home"].primary', True),
        {"op": "add", "value": {"emails": [{**OTHER, "primary": True}]}},
    ],
    ids=["add", "value path", "without path"],
)
async def test_patch_that_sets_a_primary_takes_it_from_the_others(
    scim: ScimClient, anna: dict[str, Any], operation: dict[str, Any]
):
    emails = (await patched(scim, anna, operation)).json["emails"]
    assert [email["type"] for email in emails if email.get("primary")] == [emails[-1]["type"]]
    assert emails[0]["primary"] is False


NOTHING: list[dict[str, Any]] = [
    replace("title", "Agent"),
    add("title", "Agent"),
    add("emails", [HOME]),
    replace("emails", [WORK, HOME]),
    replace('emails[type eq "home"].value', "anna@home.test"),
    replace("name", {"givenName": "Anna"}),
    replace(f"{ENTERPRISE}:department", "Care"),
    replace("active", True),
    remove("nickName"),
    {"op": "replace", "value": {"title": "Agent", "name": {"familyName": "Berg"}}},
]


@pytest.mark.parametrize("operation", NOTHING)
async def test_patch_without_effect_leaves_version_and_time_alone(
    scim: ScimClient, anna: dict[str, Any], operation: dict[str, Any]
):
    made = await scim.post("/Users", anna)
    answer = await scim.patch(f"/Users/{made.id}", operation)
    assert answer.status == 200
    assert answer.json == made.json
    assert answer.headers["ETag"] == made.headers["ETag"]


async def test_patch_with_effect_gives_the_next_version_and_time(scim: ScimClient, anna: dict[str, Any]):
    made = await scim.post("/Users", anna)
    answer = await scim.patch(f"/Users/{made.id}", replace("title", "Lead"))
    before, after = made.json["meta"], answer.json["meta"]
    assert before["version"] != after["version"] == answer.headers["ETag"]
    assert before["created"] == after["created"] <= after["lastModified"]


async def test_patch_answer_is_what_is_read_afterwards(scim: ScimClient, anna: dict[str, Any]):
    answer = await patched(scim, anna, replace("title", "Lead"), add("emails", [OTHER]))
    assert (await scim.get(f"/Users/{answer.id}")).json == answer.json


@pytest.mark.parametrize(
    "path,value", [(f"{ENTERPRISE}:manager", "whole"), (f"{ENTERPRISE}:manager.value", "part")]
)
async def test_patch_of_the_manager_says_who_that_is(
    scim: ScimClient, anna: dict[str, Any], path: str, value: str
):
    boss = await scim.make_user(displayName="Bo Boss")
    sent = {"value": boss.id} if value == "whole" else boss.id
    answer = await patched(scim, anna, replace(path, sent))
    assert answer.json[ENTERPRISE]["manager"] == {
        "value": boss.id,
        "$ref": f"{BASE_URL}/Users/{boss.id}",
        "displayName": "Bo Boss",
    }
