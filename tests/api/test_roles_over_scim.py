"""`/Roles`: what a client sees and may do of Roles & Permissions (rule P9)."""

from typing import Any

import pytest
import pytest_asyncio

from scimserver.access.tokens import DEFAULT_SCOPES
from scimserver.kernel.permissions import OF_ORGANIZATION, Permission, Scope
from tests.serving import Answer, Installation, ScimClient, add, remove, replace

SCHEMA = "urn:ietf:params:scim:schemas:scimserver:2.0:Role"
AGENT = {"displayName": "Agent", "permissions": [{"value": "users.clone"}], "startPage": "/cases"}


@pytest_asyncio.fixture(loop_scope="session")
async def admin(installation: Installation, scim: ScimClient) -> ScimClient:
    """A connection of the same organisation that holds what administrators hold."""
    return await installation.client(scim.organization, scopes=DEFAULT_SCOPES | {Scope.ADMINISTER})


async def built_in(scim: ScimClient, name: str = "Admin Role") -> Answer:
    [found] = (await scim.find(f'displayName eq "{name}"', "/Roles")).ids
    return await scim.get(f"/Roles/{found}")


def held(role: Answer) -> list[str]:
    return [each["value"] for each in role.json.get("permissions", [])]


async def test_built_in_roles_are_there(scim: ScimClient):
    answer = await scim.get("/Roles", sortBy="displayName")
    assert [(each["displayName"], each["builtIn"]) for each in answer.json["Resources"]] == [
        ("Admin Role", True),
        ("Minimal Permissions", True),
    ]
    assert answer.json["totalResults"] == 2
    assert set(held(await built_in(scim))) == OF_ORGANIZATION
    assert "permissions" not in (await built_in(scim, "Minimal Permissions")).json


async def test_role_is_answered_with_what_its_permissions_need(admin: ScimClient):
    made = await admin.post("/Roles", AGENT)
    assert made.status == 201
    assert made.json == {
        "schemas": [SCHEMA],
        "id": made.id,
        "displayName": "Agent",
        "startPage": "/cases",
        "permissions": [{"value": "users.clone"}, {"value": "users.create"}, {"value": "users.read"}],
        "builtIn": False,
        "meta": made.json["meta"],
    }
    assert made.json["meta"]["resourceType"] == "Role"
    assert (await admin.get(f"/Roles/{made.id}")).json == made.json


async def test_user_gets_a_role_by_its_name_and_id(admin: ScimClient):
    made = await admin.post("/Roles", AGENT)
    for value in ("agent", made.id):
        user = await admin.make_user(roles=[{"value": value}])
        assert user.json["roles"] == [{"value": value}]


@pytest.mark.parametrize(
    "operation,then",
    [
        (
            add("permissions", [{"value": "log.read"}]),
            ["log.read", "users.clone", "users.create", "users.read"],
        ),
        (replace("permissions", [{"value": "log.read"}]), ["log.read"]),
        (remove("permissions"), []),
        (remove('permissions[value eq "users.clone"]'), ["users.create", "users.read"]),
    ],
)
async def test_permissions_are_patched(admin: ScimClient, operation: dict[str, Any], then: list[str]):
    made = await admin.post("/Roles", AGENT)
    answer = await admin.patch(f"/Roles/{made.id}", operation)
    assert (answer.status, held(answer)) == (200, then)


async def test_permission_that_another_needs_stays(admin: ScimClient):
    made = await admin.post("/Roles", AGENT)
    answer = await admin.patch(f"/Roles/{made.id}", remove('permissions[value eq "users.read"]'))
    assert answer.error == (400, "invalidValue")
    assert "users.clone" in answer.json["detail"]
    assert (await admin.get(f"/Roles/{made.id}")).json == made.json


async def test_put_replaces_a_role(admin: ScimClient):
    made = await admin.post("/Roles", AGENT)
    answer = await admin.put(
        f"/Roles/{made.id}", {"schemas": [SCHEMA], "displayName": "Advisor", "builtIn": True}
    )
    assert (answer.status, answer.json["displayName"], held(answer)) == (200, "Advisor", [])
    assert not {"startPage"} & answer.json.keys()
    assert answer.json["builtIn"] is False


async def test_put_of_what_was_read_changes_nothing(admin: ScimClient):
    made = await admin.post("/Roles", AGENT)
    answer = await admin.put(f"/Roles/{made.id}", made.json)
    assert (answer.status, answer.json) == (200, made.json)


async def test_renamed_role_is_renamed_in_its_users(admin: ScimClient):
    made = await admin.post("/Roles", AGENT)
    user = await admin.make_user(roles=[{"value": "Agent", "primary": True}])
    await admin.patch(f"/Roles/{made.id}", replace("displayName", "Advisor"))
    again = await admin.get(f"/Users/{user.id}")
    assert again.json["roles"] == [{"value": "Advisor", "primary": True}]
    assert again.headers["ETag"] != user.headers["ETag"]
    assert (await admin.find('roles.value eq "advisor"')).ids == [user.id]
    assert (await admin.find('roles.value eq "agent"')).ids == []


async def test_deleted_role_leaves_its_users_the_least(admin: ScimClient, installation: Installation):
    made = await admin.post("/Roles", AGENT)
    user = await admin.make_user(roles=[{"value": "Agent"}])
    assert (await admin.delete(f"/Roles/{made.id}")).status == 204
    assert (await admin.get(f"/Roles/{made.id}")).status == 404
    again = await admin.get(f"/Users/{user.id}")
    assert again.json["roles"] == [{"value": "Minimal Permissions", "primary": True}]
    logged = [entry.entry for entry in await installation.log(admin.organization)][-2:]
    assert [(entry["event"], entry["target"]["id"]) for entry in logged] == [
        ("user.update", user.id),
        ("role.delete", made.id),
    ]


@pytest.mark.parametrize("name", ["Admin Role", "Minimal Permissions"])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_built_in_role_stays_as_it_is(
    admin: ScimClient, installation: Installation, name: str, method: str
):
    role = await built_in(admin, name)
    body: Any = {"schemas": [SCHEMA], "displayName": "Mine"}
    if method == "PATCH":
        body = {"Operations": [replace("displayName", "Mine")]}
    answer = await admin.request(method, f"/Roles/{role.id}", None if method == "DELETE" else body)
    assert answer.error == (400, "mutability")
    assert "clone it" in answer.json["detail"]
    assert (await admin.get(f"/Roles/{role.id}")).json == role.json
    logged = (await installation.log(admin.organization))[-1].entry
    assert (logged["outcome"], logged["reason"], logged["target"]["id"]) == ("failure", "immutable", role.id)


@pytest.mark.parametrize(
    "body,scim_type,says",
    [
        ({"displayName": "admin role"}, "uniqueness", "displayName"),
        ({"displayName": " "}, "invalidValue", "blank"),
        ({}, "invalidValue", "displayName"),
        ({"displayName": "X", "permissions": [{"value": "users.fly"}]}, "invalidValue", "users.fly"),
        (
            {"displayName": "X", "permissions": [{"value": "organizations.manage"}]},
            "invalidValue",
            "no permission",
        ),
        ({"displayName": "X", "permissions": [{}]}, "invalidValue", "value"),
        ({"displayName": "X", "startPage": "javascript:alert(1)"}, "invalidValue", "startPage"),
    ],
)
async def test_role_that_cannot_be_is_refused(
    admin: ScimClient, installation: Installation, body: dict[str, Any], scim_type: str, says: str
):
    answer = await admin.post("/Roles", {"schemas": [SCHEMA], **body})
    assert answer.error == (409 if scim_type == "uniqueness" else 400, scim_type)
    assert says in answer.json["detail"]
    logged = (await installation.log(admin.organization))[-1].entry
    assert (logged["event"], logged["outcome"]) == ("role.create", "failure")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_managing_roles_takes_a_permission(scim: ScimClient, admin: ScimClient, method: str):
    made = await admin.post("/Roles", AGENT)
    path = "/Roles" if method == "POST" else f"/Roles/{made.id}"
    answer = await scim.request(method, path, None if method == "DELETE" else {"displayName": "X"})
    assert answer.error == (403, None)
    assert Permission.ROLES_MANAGE in answer.json["detail"]
    assert (await admin.get(f"/Roles/{made.id}")).json == made.json


async def test_token_gives_only_roles_that_hold_no_more_than_it(
    installation: Installation, scim: ScimClient, admin: ScimClient
):
    giver = await installation.client(scim.organization, scopes=DEFAULT_SCOPES | {Scope.ROLES_ASSIGN})
    await admin.post("/Roles", AGENT)
    await admin.post("/Roles", {"displayName": "Auditor", "permissions": [{"value": "log.read"}]})
    assert (await giver.make_user(roles=[{"value": "Agent"}])).status == 201
    user = await admin.make_user(roles=[{"value": "Auditor"}])
    answers = [
        await giver.post("/Users", {"userName": "new@example.com", "roles": [{"value": "Auditor"}]}),
        await giver.patch(f"/Users/{user.id}", replace("roles", [{"value": "Agent"}])),
    ]
    for answer in answers:
        assert answer.error == (403, None)
        assert "log.read" in answer.json["detail"]


@pytest.mark.parametrize(
    "condition,found",
    [
        ('permissions eq "log.read"', ["Admin Role", "Auditor"]),
        ('permissions[value sw "LOG"]', []),
        ("permissions pr", ["Admin Role", "Auditor"]),
        ("builtIn eq false", ["Auditor"]),
        ('startPage eq "/log"', ["Auditor"]),
        ('startPage eq "/LOG"', []),
        ('displayName co "AUD"', ["Auditor"]),
        ('externalId eq "e-1"', ["Auditor"]),
    ],
)
async def test_roles_are_found(admin: ScimClient, condition: str, found: list[str]):
    permissions = [{"value": "log.read"}]
    body = {"displayName": "Auditor", "permissions": permissions, "startPage": "/log", "externalId": "e-1"}
    await admin.post("/Roles", body)
    answer = await admin.find(condition, "/Roles", sortBy="displayName")
    assert [each["displayName"] for each in answer.json["Resources"]] == found


async def test_unchanged_role_is_not_sent_again(admin: ScimClient):
    made = await admin.post("/Roles", AGENT)
    answer = await admin.request("GET", f"/Roles/{made.id}", headers={"If-None-Match": made.headers["ETag"]})
    assert answer.status == 304


async def test_role_of_another_version_is_not_changed(admin: ScimClient):
    made = await admin.post("/Roles", AGENT)
    headers = {"If-Match": 'W/"7"'}
    answer = await admin.put(f"/Roles/{made.id}", {"schemas": [SCHEMA], "displayName": "X"}, headers=headers)
    assert answer.status == 412
