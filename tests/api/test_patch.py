"""PATCH of users (RFC 7644, section 3.5.2): every form of path, order, atomicity, what changes nothing."""

from typing import Any

import pytest

from tests.serving import (
    BASE_URL,
    ENTERPRISE,
    PATCH_OP,
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
    "failing",
    [
        replace("id", "x"),
        replace("timezone", "Nowhere"),
        replace("userName", "anna@elsewhere.test"),
        remove("userName"),
        replace("no such", 1),
    ],
    ids=["mutability", "invalid", "domain", "required", "path"],
)
async def test_patch_leaves_everything_alone_when_one_operation_fails(
    scim: ScimClient, anna: dict[str, Any], failing: dict[str, Any]
):
    made = await scim.post("/Users", anna)
    answer = await scim.patch(
        f"/Users/{made.id}", replace("title", "Lead"), failing, replace("nickName", "A")
    )
    assert answer.status == 400
    assert (await scim.get(f"/Users/{made.id}")).json == made.json


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


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("read-only path", replace("id", "x"), "mutability"),
    ("meta", replace("meta.version", "x"), "mutability"),
    ("groups of a user", add("groups", [{"value": "x"}]), "mutability"),
    ("remove of a required attribute", remove("userName"), "mutability"),
    ("remove without path", {"op": "remove"}, "noTarget"),
    ("path that is none", replace("title[", "x"), "invalidPath"),
    ("filter that is none", replace('emails[type zz "home"].value', "x"), "invalidPath"),
    ("filter on what entries do not have", replace('emails[nothing eq "x"].value', "x"), "invalidFilter"),
    ("filter on a single value", replace('title[value eq "Agent"]', "x"), "invalidFilter"),
    ("value of another kind", replace("active", "perhaps"), "invalidValue"),
    ("two primaries", replace("emails", [WORK, {**HOME, "primary": True}]), "invalidValue"),
    ("blank user name", replace("userName", " "), "invalidValue"),
    ("no such operation", {"op": "move", "path": "title", "value": "x"}, "invalidValue"),
    ("replace without a value", {"op": "replace", "path": "title"}, "invalidValue"),
]


@pytest.mark.parametrize("operation,scim_type", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
async def test_patch_is_refused_by_what_is_wrong(
    scim: ScimClient, anna: dict[str, Any], operation: dict[str, Any], scim_type: str
):
    assert (await patched(scim, anna, operation)).error == (400, scim_type)


@pytest.mark.parametrize(
    "body",
    [
        {"schemas": [PATCH_OP]},
        {"schemas": [PATCH_OP], "Operations": []},
        {"schemas": [PATCH_OP], "Operations": {"op": "remove", "path": "title"}},
        {"schemas": [PATCH_OP], "Operations": ["remove title"]},
        {"schemas": [USER], "Operations": [replace("title", "x")]},
    ],
    ids=["no operations", "empty", "an object", "text", "another schema"],
)
async def test_patch_without_sound_operations_is_refused(scim: ScimClient, body: dict[str, Any]):
    made = await scim.make_user()
    answer = await scim.request("PATCH", f"/Users/{made.id}", body)
    assert answer.status == 400
    assert answer.error[1] in {"invalidSyntax", "invalidValue"}


@pytest.mark.parametrize("operation", [replace("noSuchAttribute", "x"), replace("urn:example:none:x", "y")])
async def test_patch_of_what_is_unknown_changes_nothing_on_a_tolerant_connection(
    scim: ScimClient, anna: dict[str, Any], operation: dict[str, Any]
):
    answer = await patched(scim, anna, operation, replace("title", "Lead"))
    assert (answer.status, answer.json["title"]) == (200, "Lead")


async def test_patch_to_a_taken_user_name_is_a_conflict(scim: ScimClient, anna: dict[str, Any]):
    await scim.make_user("bo@example.com")
    assert (await patched(scim, anna, replace("userName", "BO@example.com"))).error == (409, "uniqueness")


@pytest.mark.parametrize("user", ["0190b4f0-0000-7000-8000-000000000000", "nobody"])
async def test_patch_of_an_unknown_user_is_not_found(scim: ScimClient, user: str):
    assert (await scim.patch(f"/Users/{user}", replace("title", "x"))).error == (404, None)


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
