"""A user's one role and time zone (rules P3 and P9): defaults, names, who may give a role."""

from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from scimserver.access.tokens import DEFAULT_SCOPES
from scimserver.directory.organizations import Addresses
from scimserver.kernel.permissions import Scope
from tests.serving import Installation, ScimClient, add, fresh_address, remove, replace

MINIMAL = [{"value": "Minimal Permissions", "primary": True}]
ADMIN = [{"value": "Admin Role"}]


@pytest_asyncio.fixture(loop_scope="session")
async def assigner(installation: Installation, scim: ScimClient) -> ScimClient:
    """A connection of the same organisation whose token may give roles."""
    return await installation.client(scim.organization, scopes=DEFAULT_SCOPES | {Scope.ADMINISTER})


async def role_of(connection: asyncpg.Connection, user_id: str | None = None) -> str:
    """The role that a user's row refers to; the only user's, unless one is named."""
    return await connection.fetchval(
        "SELECT r.name FROM users AS u JOIN roles AS r ON r.org_id = u.org_id AND r.id = u.role_id"
        " WHERE $1::text IS NULL OR u.id::text = $1",
        user_id,
    )


async def test_new_user_has_the_least_role_and_the_time_zone_of_the_organization(scim: ScimClient):
    user = await scim.make_user()
    assert (user.json["roles"], user.json["timezone"]) == (MINIMAL, "Europe/Berlin")


@pytest.mark.parametrize(
    "roles",
    [
        [{"value": "Minimal Permissions"}],
        [{"value": "minimal permissions", "primary": True}],
        [{"display": "Minimal Permissions"}],
        [{"value": " Minimal Permissions ", "type": "any"}],
    ],
)
async def test_role_is_matched_by_value_or_display_and_answered_as_sent(scim: ScimClient, roles: list[Any]):
    assert (await scim.make_user(roles=roles)).json["roles"] == roles


@pytest.mark.parametrize(
    "role",
    [
        {"value": "Agent"},
        {"value": ""},
        {"type": "work"},
        {"primary": True},
        {"value": "x", "display": "Admin Role"},
    ],
)
async def test_unknown_role_is_refused(assigner: ScimClient, role: dict[str, Any]):
    answer = await assigner.post("/Users", {"userName": fresh_address(), "roles": [role]})
    assert answer.error == (400, "invalidValue")
    assert "Minimal Permissions" in answer.json["detail"]


async def test_two_roles_are_refused(assigner: ScimClient):
    answer = await assigner.post("/Users", {"userName": fresh_address(), "roles": [*MINIMAL, *ADMIN]})
    assert answer.error == (400, "invalidValue")
    assert "exactly one role" in answer.json["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_giving_a_role_takes_a_scope_of_its_own(scim: ScimClient, method: str):
    user = await scim.make_user("anna@example.com")
    body: dict[str, Any] = {"userName": fresh_address(), "roles": ADMIN}
    if method == "PATCH":
        body = {"Operations": [replace("roles", ADMIN)]}
    path = "/Users" if method == "POST" else f"/Users/{user.id}"
    answer = await scim.request(method, path, body)
    assert answer.error == (403, None)
    assert "users.assign_role" in answer.json["detail"]


async def test_refused_role_is_on_record(installation: Installation, scim: ScimClient):
    await scim.post("/Users", {"userName": "anna@example.com", "roles": ADMIN})
    [logged] = await installation.log(scim.organization)
    assert logged.entry["reason"] == "not_permitted"
    assert "roles" in [change["path"] for change in logged.entry["changes"]]


async def test_token_with_the_scope_gives_a_role(assigner: ScimClient, connection: asyncpg.Connection):
    user = await assigner.make_user(roles=ADMIN)
    assert user.json["roles"] == ADMIN
    assert await role_of(connection) == "Admin Role"


async def test_role_that_stays_needs_no_scope(scim: ScimClient, assigner: ScimClient):
    user = await assigner.make_user(roles=ADMIN)
    answer = await scim.put(f"/Users/{user.id}", {**user.json, "title": "Lead"})
    assert (answer.status, answer.json["roles"]) == (200, ADMIN)


@pytest.mark.parametrize("operation", [replace("roles", MINIMAL), remove("roles")])
async def test_taking_a_role_away_takes_the_scope_too(
    scim: ScimClient, assigner: ScimClient, operation: dict[str, Any]
):
    user, _ = await assigner.make_user(roles=ADMIN), await assigner.make_user(roles=ADMIN)
    answer = await scim.patch(f"/Users/{user.id}", operation)
    assert answer.error == (403, None)
    assert (await scim.get(f"/Users/{user.id}")).json == user.json


async def test_removing_the_role_leaves_the_least(assigner: ScimClient, connection: asyncpg.Connection):
    await assigner.make_user(roles=ADMIN)
    user = await assigner.make_user(roles=ADMIN)
    assert (await assigner.patch(f"/Users/{user.id}", remove("roles"))).status == 200
    assert await role_of(connection, user.id) == "Minimal Permissions"


@pytest.mark.parametrize(
    "operation",
    [
        add("roles", ADMIN),
        replace("roles", ADMIN),
        {"op": "Add", "path": 'roles[primary eq "True"].value', "value": "Admin Role"},
        {"op": "add", "path": "roles", "value": [{"value": '{"id":"1","value":"Admin Role"}'}]},
        add("roles", [{"value": "Admin Role", "primary": True}]),
    ],
)
async def test_new_role_takes_the_place_of_the_old_one(
    assigner: ScimClient, connection: asyncpg.Connection, operation: dict[str, Any]
):
    user = await assigner.make_user()
    answer = await assigner.patch(f"/Users/{user.id}", operation)
    assert [role["value"] for role in answer.json["roles"]] == ["Admin Role"]
    assert await role_of(connection) == "Admin Role"


async def test_adding_two_roles_is_refused(assigner: ScimClient):
    user = await assigner.make_user()
    answer = await assigner.patch(f"/Users/{user.id}", add("roles", [*ADMIN, {"value": "Other"}]))
    assert answer.error == (400, "invalidValue")


async def test_role_may_be_named_by_its_id(assigner: ScimClient, connection: asyncpg.Connection):
    role = await connection.fetchval("SELECT id::text FROM roles WHERE name = 'Admin Role'")
    await assigner.make_user(roles=[{"value": role}])
    assert await role_of(connection) == "Admin Role"


@pytest.mark.parametrize("timezone", ["UTC", "America/New_York", "Asia/Kolkata", "Etc/GMT+5"])
async def test_time_zone_of_the_database_is_taken(scim: ScimClient, timezone: str):
    assert (await scim.make_user(timezone=timezone)).json["timezone"] == timezone


@pytest.mark.parametrize(
    "timezone", ["", "Mars/Base", "europe/berlin", "CEST", "+02:00", "../etc/passwd", "localtime", "Factory"]
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_time_zone_that_is_none_is_refused(scim: ScimClient, method: str, timezone: str):
    if method == "POST":
        answer = await scim.post("/Users", {"userName": fresh_address(), "timezone": timezone})
    else:
        user = await scim.make_user()
        answer = await scim.patch(f"/Users/{user.id}", replace("timezone", timezone))
    assert answer.error == (400, "invalidValue")
    assert "Europe/Berlin" in answer.json["detail"]


async def test_free_organization_keeps_roles_and_time_zone_as_they_come(
    installation: Installation, connection: asyncpg.Connection
):
    scim = await installation.client(await installation.organization(addresses=Addresses.FREE))
    roles = [{"value": "Admin Role"}, {"value": "any"}]
    user = await scim.make_user("anna", roles=roles, timezone="Mars/Base")
    assert (user.json["roles"], user.json["timezone"]) == (roles, "Mars/Base")
    assert await role_of(connection) == "Minimal Permissions"


async def test_free_organization_gives_neither_role_nor_time_zone(installation: Installation):
    scim = await installation.client(await installation.organization(addresses=Addresses.FREE))
    assert not {"roles", "timezone"} & (await scim.make_user("anna")).json.keys()
