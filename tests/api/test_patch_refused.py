"""PATCH of users that is refused: by what is wrong with it, and without any trace on the user."""

from typing import Any

import pytest

from tests.serving import PATCH_OP, USER, Answer, ScimClient, add, remove, replace

WORK = {"value": "anna@example.com", "type": "work", "primary": True}
HOME = {"value": "anna@home.test", "type": "home"}
ANNA: dict[str, Any] = {"title": "Agent", "emails": [WORK, HOME]}


async def patched(scim: ScimClient, *operations: dict[str, Any]) -> Answer:
    """The answer to a PATCH of Anna."""
    user = await scim.make_user("anna@example.com", **ANNA)
    return await scim.patch(f"/Users/{user.id}", *operations)


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
    scim: ScimClient, failing: dict[str, Any]
):
    made = await scim.make_user("anna@example.com", **ANNA)
    answer = await scim.patch(
        f"/Users/{made.id}", replace("title", "Lead"), failing, replace("nickName", "A")
    )
    assert answer.status == 400
    assert (await scim.get(f"/Users/{made.id}")).json == made.json


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
async def test_patch_is_refused_by_what_is_wrong(scim: ScimClient, operation: dict[str, Any], scim_type: str):
    assert (await patched(scim, operation)).error == (400, scim_type)


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


async def test_patch_of_a_user_with_too_many_operations_is_refused(scim: ScimClient):
    user = await scim.make_user()
    many = [replace("title", f"title {number}") for number in range(101)]
    assert (await scim.patch(f"/Users/{user.id}", *many)).error == (413, None)
    assert (await scim.patch(f"/Users/{user.id}", *many[1:])).json["title"] == "title 100"


@pytest.mark.parametrize("operation", [replace("noSuchAttribute", "x"), replace("urn:example:none:x", "y")])
async def test_patch_of_what_is_unknown_changes_nothing_on_a_tolerant_connection(
    scim: ScimClient, operation: dict[str, Any]
):
    answer = await patched(scim, operation, replace("title", "Lead"))
    assert (answer.status, answer.json["title"]) == (200, "Lead")


async def test_patch_to_a_taken_user_name_is_a_conflict(scim: ScimClient):
    await scim.make_user("bo@example.com")
    assert (await patched(scim, replace("userName", "BO@example.com"))).error == (409, "uniqueness")


@pytest.mark.parametrize("user", ["0190b4f0-0000-7000-8000-000000000000", "nobody"])
async def test_patch_of_an_unknown_user_is_not_found(scim: ScimClient, user: str):
    assert (await scim.patch(f"/Users/{user}", replace("title", "x"))).error == (404, None)


@pytest.mark.parametrize(
    "path,value",
    [
        ("password", {"a": 1}),
        ("title", {"a": 1}),
        ("active", "maybe"),
        ("emails", [{"value": {"a": 1}}]),
        ("name", 5),
    ],
)
async def test_patch_with_a_value_of_another_type_says_which_in_one_line(
    scim: ScimClient, path: str, value: Any
):
    user = await scim.make_user()
    answer = await scim.patch(f"/Users/{user.id}", {"op": "replace", "path": path, "value": value})
    assert answer.error == (400, "invalidValue")
    detail = answer.json["detail"]
    assert path in detail
    assert "\n" not in detail
    assert "http" not in detail
