"""What a caller may name beside ids: domains, roles, cursors, credentials. Theirs is nobody's to ours."""

from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from scimserver.access.tokens import DEFAULT_SCOPES
from scimserver.directory import roles
from scimserver.kernel.permissions import Scope
from tests.houses import NOBODYS, SEARCH, THEIRS, Houses
from tests.houses import houses as houses
from tests.serving import Answer, Installation, ScimClient

WORDS = (THEIRS, NOBODYS)


@pytest_asyncio.fixture(loop_scope="session")
async def ours(installation: Installation) -> ScimClient:
    """A connection that may give roles, of an organisation whose users need addresses in its domain."""
    return await installation.client(
        await installation.organization(domain="ours.example"),
        scopes=DEFAULT_SCOPES | {Scope.ADMINISTER},
    )


@pytest_asyncio.fixture(loop_scope="session")
async def theirs(installation: Installation) -> ScimClient:
    """The same of another organisation, sub-domains included."""
    return await installation.client(
        await installation.organization(domain=f"{THEIRS}.example", subdomains=True),
        scopes=DEFAULT_SCOPES | {Scope.ADMINISTER},
    )


def unworded(answer: Answer) -> tuple[int, str]:
    """What an answer says, whichever word was sent."""
    return answer.status, answer.text.replace(THEIRS, "~").replace(NOBODYS, "~")


@pytest.mark.parametrize("domain", ["{}.example", "mail.{}.example", "{}.EXAMPLE", "x.mail.{}.example"])
async def test_domain_of_theirs_is_refused_like_nobodys(ours: ScimClient, theirs: ScimClient, domain: str):
    assert (await theirs.post("/Users", {"userName": f"anna@{domain.format(THEIRS)}"})).status == 201
    told = [await ours.post("/Users", {"userName": f"anna@{domain.format(word)}"}) for word in WORDS]
    assert told[0].error == (400, "invalidValue")
    assert unworded(told[0]) == unworded(told[1])


async def role_id(connection: asyncpg.Connection, scim: ScimClient) -> str:
    """The id of the organisation's Admin Role."""
    return await connection.fetchval(
        "SELECT id::text FROM roles WHERE org_id = $1 AND name = $2", scim.organization, roles.ADMIN_ROLE
    )


async def test_role_is_found_by_its_own_organizations_id(ours: ScimClient, connection: asyncpg.Connection):
    await ours.make_user("anna@ours.example", roles=[{"value": await role_id(connection, ours)}])


async def test_role_of_theirs_is_refused_like_nobodys(
    ours: ScimClient, theirs: ScimClient, connection: asyncpg.Connection
):
    known = await role_id(connection, theirs)
    nobodys = known[:-4] + ("0000" if known[-4:] != "0000" else "1111")
    told = [
        await ours.post("/Users", {"userName": "bo@ours.example", "roles": [{"value": role}]})
        for role in (known, nobodys)
    ]
    assert told[0].error == (400, "invalidValue")
    assert told[0].text.replace(known, "~") == told[1].text.replace(nobodys, "~")


ADMIN: list[dict[str, Any]] = [{"value": roles.ADMIN_ROLE}]


async def test_administrators_of_theirs_do_not_let_our_last_one_go(ours: ScimClient, theirs: ScimClient):
    for number in range(2):
        await theirs.make_user(f"admin-{number}@{THEIRS}.example", roles=ADMIN)
    last = await ours.make_user("admin@ours.example", roles=ADMIN)
    assert (await ours.delete(f"/Users/{last.id}")).error == (403, None)


# --- Cursors --------------------------------------------------------------------------------------


async def page(scim: ScimClient, path: str, cursor: str, *, by_body: bool) -> Answer:
    """A page of one by cursor, by GET or by POST."""
    if by_body:
        body = {"schemas": [SEARCH], "cursor": cursor, "count": 1}
        return await scim.post(f"{path.rstrip('/')}/.search", body)
    return await scim.get(path, cursor=cursor, count="1")


@pytest.mark.parametrize("by_body", [False, True], ids=["GET", "POST"])
@pytest.mark.parametrize("path", ["/Users", "/Groups", "/Cases", "/"])
async def test_cursor_of_theirs_is_worth_as_much_as_a_forged_one(
    installation: Installation, houses: Houses, path: str, by_body: bool
):
    strict = await installation.client(houses.theirs.organization, strict=True)
    for scim in (houses.theirs, *houses.ours):
        for name in ("first", "second"):
            await scim.post("/Users", {"userName": f"{name}-of-{scim.organization}"})
            await scim.make_group(name)
            await scim.make_case(name)
    for minting in (houses.theirs, strict):
        for minted_by_body in (False, True):
            cursor = (await page(minting, path, "", by_body=minted_by_body)).json["nextCursor"]
            assert (await page(minting, path, cursor, by_body=by_body)).status == 200
            for asking in houses.ours:
                told = [await page(asking, path, each, by_body=by_body) for each in (cursor, cursor[::-1])]
                assert told[0].error == (400, "invalidCursor")
                assert told[0].text == told[1].text


# --- Credentials ----------------------------------------------------------------------------------


async def test_revoked_token_of_theirs_is_refused_like_nobodys(
    houses: Houses, connection: asyncpg.Connection
):
    await connection.execute(
        "UPDATE api_tokens SET revoked = created WHERE org_id = $1", houses.theirs.organization
    )
    told = [
        await houses.ours[0].request("GET", "/Users", headers={"Authorization": f"Bearer {token}"})
        for token in (houses.theirs.token, houses.theirs.token[::-1])
    ]
    assert told[0].error == (401, None)
    assert told[0].text == told[1].text
    assert told[0].headers.keys() == told[1].headers.keys()
