"""Groups (Teams): members come and go, one at a time or all at once (RFC 7643, section 4.2)."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from tests.serving import BASE_URL, Answer, ScimClient, add, remove, replace

UNKNOWN = "0190b4f0-0000-7000-8000-000000000000"


@pytest_asyncio.fixture(loop_scope="session")
async def people(scim: ScimClient) -> dict[str, str]:
    """The ids of three users."""
    return {name: (await scim.make_user(displayName=name)).id for name in ("anna", "bo", "carl")}


@pytest_asyncio.fixture(loop_scope="session")
async def group(scim: ScimClient, people: dict[str, str]) -> Answer:
    """A group with two of them."""
    return await scim.make_group("Support", people["anna"], people["bo"])


async def members(scim: ScimClient, group: Answer) -> set[str]:
    """The names of the group's members."""
    body = (await scim.get(f"/Groups/{group.id}")).json
    return {member["display"] for member in body.get("members", [])}


def sent(operation: dict[str, Any], people: dict[str, str]) -> dict[str, Any]:
    """The operation with users' ids for their names, which stand in braces."""

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            for name, user in people.items():
                value = value.replace("{" + name + "}", user)
        if isinstance(value, list):
            return [filled(item) for item in value]
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        return value

    return filled(operation)


ANNA, BO, CARL = ({"value": "{" + name + "}"} for name in ("anna", "bo", "carl"))
CHANGES: list[tuple[str, list[dict[str, Any]], str]] = [
    ("add one", [add("members", [CARL])], "anna bo carl"),
    ("add one with all that belongs to it", [add("members", [{**CARL, "type": "User"}])], "anna bo carl"),
    ("add one who is there", [add("members", [ANNA])], "anna bo"),
    ("add one twice", [add("members", [CARL, CARL])], "anna bo carl"),
    ("add without path", [{"op": "add", "value": {"members": [CARL]}}], "anna bo carl"),
    ("remove one", [remove('members[value eq "{anna}"]')], "bo"),
    ("remove one by name", [remove('members[display eq "anna"]')], "bo"),
    ("remove one who is not there", [remove('members[value eq "{carl}"]')], "anna bo"),
    ("remove two", [remove('members[value eq "{anna}" or value eq "{bo}"]')], ""),
    ("remove two in turn", [remove('members[value eq "{anna}"]'), remove('members[value eq "{bo}"]')], ""),
    ("remove by a list", [{**remove("members"), "value": [ANNA]}], "bo"),
    ("remove all", [remove("members")], ""),
    ("replace all", [replace("members", [CARL])], "carl"),
    ("replace by none", [replace("members", [])], ""),
    ("replace without path", [{"op": "replace", "value": {"members": [CARL]}}], "carl"),
    ("swap in one go", [remove('members[value eq "{anna}"]'), add("members", [CARL])], "bo carl"),
    ("out and in again", [remove("members"), add("members", [ANNA])], "anna"),
]


@pytest.mark.parametrize("operations,expected", [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
async def test_patch_of_members(
    scim: ScimClient, people: dict[str, str], group: Answer, operations: list[dict[str, Any]], expected: str
):
    answer = await scim.patch(f"/Groups/{group.id}", *(sent(operation, people) for operation in operations))
    assert (answer.status, answer.text) == (204, "")
    assert await members(scim, group) == set(expected.split())


@pytest.mark.parametrize(
    "operation",
    [
        add("members", [ANNA]),
        remove('members[value eq "{carl}"]'),
        replace("members", [BO, ANNA]),
        replace("displayName", "Support"),
        {"op": "replace", "value": {"id": "x", "displayName": "Support"}},
    ],
)
async def test_patch_without_effect_leaves_version_and_time_alone(
    scim: ScimClient, people: dict[str, str], group: Answer, operation: dict[str, Any]
):
    await scim.patch(f"/Groups/{group.id}", sent(operation, people))
    assert (await scim.get(f"/Groups/{group.id}")).json == group.json


@pytest.mark.parametrize("member", [UNKNOWN, "nobody", "", None])
@pytest.mark.parametrize("verb", ["add", "replace"])
async def test_member_who_is_no_user_is_refused(
    scim: ScimClient, people: dict[str, str], group: Answer, verb: str, member: str | None
):
    operation = {"op": verb, "path": "members", "value": [{"value": people["carl"]}, {"value": member}]}
    answer = await scim.patch(f"/Groups/{group.id}", operation)
    assert answer.error == (400, "invalidValue")
    assert (await scim.get(f"/Groups/{group.id}")).json == group.json


async def test_group_is_no_member_of_a_group(scim: ScimClient, group: Answer):
    answer = await scim.post(
        "/Groups", {"displayName": "All", "members": [{"value": group.id, "type": "Group"}]}
    )
    assert answer.error == (400, "invalidValue")


async def test_member_may_be_named_by_its_uri(scim: ScimClient, people: dict[str, str]):
    body = {"displayName": "Sales", "members": [{"$ref": f"{BASE_URL}/Users/{people['anna']}"}]}
    answer = await scim.post("/Groups", body)
    assert [member["value"] for member in answer.json["members"]] == [people["anna"]]


async def test_renaming_and_joining_go_together(scim: ScimClient, people: dict[str, str], group: Answer):
    operations = [replace("displayName", "Care"), add("members", [{"value": people["carl"]}])]
    await scim.patch(f"/Groups/{group.id}", *operations)
    after = (await scim.get(f"/Groups/{group.id}")).json
    assert after["displayName"] == "Care"
    assert len(after["members"]) == 3


async def test_failing_operation_leaves_members_alone(
    scim: ScimClient, people: dict[str, str], group: Answer
):
    answer = await scim.patch(f"/Groups/{group.id}", remove("members"), replace("displayName", " "))
    assert answer.error == (400, "invalidValue")
    assert await members(scim, group) == {"anna", "bo"}


@pytest.mark.parametrize(
    "operation,scim_type",
    [
        (remove("displayName"), "mutability"),
        (replace("id", "x"), "mutability"),
        (replace("meta.created", "2001-01-01T00:00:00Z"), "mutability"),
        (replace("displayName", ""), "invalidValue"),
        (replace("members[", []), "invalidPath"),
        ({"op": "remove"}, "noTarget"),
    ],
)
async def test_patch_of_a_group_is_refused_by_what_is_wrong(
    scim: ScimClient, group: Answer, operation: dict[str, Any], scim_type: str
):
    assert (await scim.patch(f"/Groups/{group.id}", operation)).error == (400, scim_type)


async def test_group_may_have_hundreds_of_members(scim: ScimClient, people: dict[str, str]):
    users = await asyncio.gather(*(scim.make_user() for _ in range(100)))
    group = await scim.make_group("All", *(user.id for user in users))
    assert len((await scim.get(f"/Groups/{group.id}")).json["members"]) == 100
    await scim.patch(
        f"/Groups/{group.id}",
        {"op": "remove", "path": "members", "value": [{"value": user.id} for user in users[:99]]},
    )
    left = (await scim.get(f"/Groups/{group.id}")).json["members"]
    assert [member["value"] for member in left] == [users[99].id]


async def test_member_without_a_display_name_is_shown_without(scim: ScimClient):
    user = await scim.make_user()
    group = await scim.make_group("Support", user.id)
    assert (await scim.get(f"/Groups/{group.id}")).json["members"] == [
        {"value": user.id, "$ref": f"{BASE_URL}/Users/{user.id}", "type": "User"}
    ]


async def test_user_may_be_in_several_groups(scim: ScimClient, people: dict[str, str], group: Answer):
    sales = await scim.make_group("Sales", people["anna"])
    groups = (await scim.get(f"/Users/{people['anna']}")).json["groups"]
    assert {entry["value"] for entry in groups} == {group.id, sales.id}


async def test_groups_cannot_be_changed_through_the_user(
    scim: ScimClient, people: dict[str, str], group: Answer
):
    answer = await scim.patch(f"/Users/{people['anna']}", remove("groups"))
    assert answer.error == (400, "mutability")
    assert await members(scim, group) == {"anna", "bo"}


async def test_patch_of_an_unknown_group_is_not_found(scim: ScimClient):
    assert (await scim.patch(f"/Groups/{UNKNOWN}", remove("members"))).error == (404, None)
