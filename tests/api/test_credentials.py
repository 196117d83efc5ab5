"""Who may call at all (RFC 7644, section 2; RFC 6750): credentials that are refused, and narrow ones."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from scimserver.access import tokens
from scimserver.access.connections import Passwords
from scimserver.kernel.actor import Origin, operator
from scimserver.kernel.permissions import Scope
from tests.serving import Installation, ScimClient, add, remove, replace

ORIGIN = Origin(request_id="tests")


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer scim_" + "x" * 43},
        {"Authorization": "Bearer ' OR 1=1 --"},
        {"Authorization": "Bearer \u00e4\u00f6\u00fc"},
    ],
)
@pytest.mark.parametrize("method,path", [("GET", "/Users"), ("POST", "/Nothing")])
async def test_call_without_a_sound_credential_is_401_with_a_challenge(
    scim: ScimClient, headers: dict[str, str], method: str, path: str
):
    answer = await scim.request(method, path, headers=headers)
    assert answer.error == (401, None)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


async def test_call_without_a_credential_is_401(scim: ScimClient):
    async with scim.http.get("/scim/v2/Users") as response:
        assert response.status == 401
        assert "WWW-Authenticate" in response.headers


async def test_call_with_two_credentials_is_401(scim: ScimClient):
    bearer = f"Bearer {scim.token}"
    headers = [("Authorization", bearer), ("Authorization", bearer)]
    async with scim.http.get("/scim/v2/Users", headers=headers) as response:
        assert response.status == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_scheme_of_the_credential_is_compared_without_case(scim: ScimClient, scheme: str):
    answer = await scim.request("GET", "/Users", headers={"Authorization": f"{scheme} {scim.token}"})
    assert answer.status == 200


@pytest.mark.parametrize(
    "ending",
    ["UPDATE api_tokens SET expires = $1", "UPDATE api_tokens SET revoked = $1"],
    ids=["expired", "revoked"],
)
async def test_credential_that_has_ended_is_like_an_unknown_one(
    scim: ScimClient, connection: asyncpg.Connection, ending: str
):
    unknown = await scim.request("GET", "/Users", headers={"Authorization": "Bearer wrong"})
    await connection.execute(ending, datetime.now(UTC) - timedelta(seconds=1))
    ended = await scim.get("/Users")
    assert (ended.status, ended.json) == (401, unknown.json)


async def test_credential_ends_when_it_is_revoked(
    installation: Installation, scim: ScimClient, connection: asyncpg.Connection
):
    token: UUID = await connection.fetchval("SELECT id FROM api_tokens")
    found = await tokens.find(installation.database, scim.organization, tokens.TokenId(token))
    async with installation.room.open(operator("tests", scim.organization), ORIGIN) as work:
        await tokens.revoke(work, found)
    assert (await scim.get("/Users")).status == 401


async def test_credential_that_ends_later_still_works(scim: ScimClient, connection: asyncpg.Connection):
    later = datetime.now(UTC) + timedelta(hours=1)
    await connection.execute("UPDATE api_tokens SET expires = $1, revoked = $1", later)
    assert (await scim.get("/Users")).status == 200


PASSWORD = "seven small grey herons"
WRITES: list[tuple[str, str, Any, str]] = [
    ("POST", "/Users", {"userName": "bo@example.com"}, "user.create"),
    ("PUT", "/Users/{user}", {"userName": "bo@example.com"}, "user.update"),
    ("PATCH", "/Users/{user}", {"Operations": [replace("title", "x")]}, "user.update"),
    ("PATCH", "/Users/{user}", {"Operations": [{"op": "add", "value": {"title": "x"}}]}, "user.update"),
    ("PATCH", "/Users/{user}", {"Operations": [remove("emails[primary eq true]")]}, "user.update"),
    ("DELETE", "/Users/{user}", None, "user.delete"),
    ("POST", "/Users/{user}/.clone", {}, "user.clone"),
    ("POST", "/Users/{user}/.password", {"method": "set", "password": PASSWORD}, "password.set_by_admin"),
    ("POST", "/Users/{user}/.password", {"method": "email"}, "password.set_by_admin"),
    ("POST", "/Groups", {"displayName": "Sales"}, "group.create"),
    ("PUT", "/Groups/{group}", {"displayName": "Sales"}, "group.update"),
    ("PATCH", "/Groups/{group}", {"Operations": [add("members", [])]}, "group.update"),
    ("DELETE", "/Groups/{group}", None, "group.delete"),
    ("POST", "/Cases", {"subject": "Late"}, "case.create"),
    ("PUT", "/Cases/{case}", {"subject": "Late"}, "case.update"),
    ("PATCH", "/Cases/{case}", {"Operations": [replace("subject", "Late")]}, "case.update"),
    ("DELETE", "/Cases/{case}", None, "case.delete"),
    ("POST", "/Roles", {"displayName": "Lead"}, "role.create"),
    ("PUT", "/Roles/{role}", {"displayName": "Lead"}, "role.update"),
    ("PATCH", "/Roles/{role}", {"Operations": [replace("displayName", "Lead")]}, "role.update"),
    ("DELETE", "/Roles/{role}", None, "role.delete"),
]
EVERYTHING = """
SELECT (SELECT jsonb_agg(to_jsonb(u) ORDER BY id) FROM users AS u)::text,
       (SELECT jsonb_agg(to_jsonb(g) ORDER BY id) FROM groups AS g)::text,
       (SELECT jsonb_agg(to_jsonb(c) ORDER BY id) FROM cases AS c)::text,
       (SELECT jsonb_agg(to_jsonb(r) ORDER BY id) FROM roles AS r)::text,
       (SELECT count(*) FROM credentials), (SELECT count(*) FROM mail_jobs), (SELECT count(*) FROM outbox)
"""


@pytest.mark.parametrize("method,path,body,event", WRITES)
async def test_token_that_may_only_read_may_not_write(
    installation: Installation,
    scim: ScimClient,
    connection: asyncpg.Connection,
    method: str,
    path: str,
    body: Any,
    event: str,
):
    admin = await installation.client(scim.organization, scopes=frozenset({Scope.ADMINISTER}))
    made = {
        "user": await scim.make_user(),
        "group": await scim.make_group("Support"),
        "case": await scim.make_case(),
        "role": await admin.post("/Roles", {"displayName": "Agent"}),
    }
    reader = await installation.client(
        scim.organization, passwords=Passwords.ACCEPT, scopes=frozenset({Scope.SCIM_READ})
    )
    before = await connection.fetchrow(EVERYTHING)
    answer = await reader.request(method, path.format(**{name: each.id for name, each in made.items()}), body)
    assert answer.error == (403, None)
    assert await connection.fetchrow(EVERYTHING) == before
    [logged] = await installation.log(scim.organization, request_id=answer.headers["X-Request-Id"])
    assert (logged.entry["event"], logged.entry["reason"]) == (event, "not_permitted")


@pytest.mark.parametrize("path", ["/Users", "/Groups", "/", "/Schemas", "/Users/{user}"])
async def test_token_that_may_only_read_may_read(installation: Installation, scim: ScimClient, path: str):
    user = await scim.make_user()
    reader = await installation.client(scim.organization, scopes=frozenset({Scope.SCIM_READ}))
    assert (await reader.get(path.format(user=user.id))).status == 200


@pytest.mark.parametrize("path", ["/Users", "/Groups", "/"])
async def test_token_that_may_not_read_may_not_read(installation: Installation, scim: ScimClient, path: str):
    other = await installation.client(scim.organization, scopes=frozenset({Scope.ROLES_ASSIGN}))
    assert (await other.get(path)).error == (403, None)
