"""Nobody gives or takes what they do not hold (P9), at every door where a user has a role afterwards.

Commands are the operator's, who holds everything: what is tried are connections and people.
"""

from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from scimserver.access.tokens import DEFAULT_SCOPES
from scimserver.kernel.errors import NotPermitted
from scimserver.kernel.permissions import Scope
from tests.commands import clean_settings as clean_settings
from tests.doors import DOORS, Door, Face
from tests.leaving import House
from tests.leaving import house as house
from tests.managing import ROLE_SCHEMA
from tests.serving import Answer

AUDITOR = [{"value": "Auditor"}]
EVERYTHING = """
SELECT (SELECT jsonb_agg(to_jsonb(u) ORDER BY id) FROM users AS u)::text,
       (SELECT jsonb_agg(to_jsonb(r) ORDER BY id) FROM roles AS r)::text,
       (SELECT count(*) FROM outbox)
"""
LESS = [door for door in DOORS if door.face in (Face.SCIM, Face.ACTION)]
GIVING = [door for door in LESS if "roles" in door.takes]
CLONING = [door for door in LESS if door.takes == {"userName"} and not door.is_change]
WITHOUT = {
    "users.assign_role": DEFAULT_SCOPES,
    "log.read": DEFAULT_SCOPES | {Scope.ROLES_ASSIGN},
}
"""What whoever asks lacks: the permission to give roles, or one that the role holds."""


@pytest_asyncio.fixture(loop_scope="session")
async def roles(house: House) -> House:
    """An organisation with the roles *Auditor* and *Agent*, and somebody who manages users."""
    await house.scim.make_user(roles=[{"value": "Admin Role"}])
    for name, held in (("Auditor", "log.read"), ("Agent", "users.read")):
        body = {"schemas": [ROLE_SCHEMA], "displayName": name, "permissions": [{"value": held}]}
        assert (await house.scim.post("/Roles", body)).status == 201
    return house


async def refused(
    house: House, connection: asyncpg.Connection, door: Door, user: Answer, lacking: str, wanted: Any
) -> None:
    """Have whoever lacks a permission try a door: nothing may come of it but an entry of the log."""
    less = await house.limited(WITHOUT[lacking])
    before = await connection.fetchrow(EVERYTHING)
    seen = len(await house.installation.log(house.scim.organization))
    answered = await door.call(less, user, wanted)
    expected = NotPermitted if door.face is Face.ACTION else (403, None)
    assert (answered.done, answered.code) == (False, expected)
    assert lacking in answered.text
    assert await connection.fetchrow(EVERYTHING) == before
    logged = (await house.installation.log(house.scim.organization))[seen:]
    [failed] = [each.entry for each in logged if each.entry["outcome"] == "failure"]
    assert (failed["event"], failed["reason"]) == (door.event, "not_permitted")
    assert "roles" in [change["path"] for change in failed["changes"]]


@pytest.mark.parametrize("lacking", WITHOUT)
@pytest.mark.parametrize("door", GIVING, ids=str)
async def test_role_is_not_given_by_whoever_holds_less(
    roles: House, connection: asyncpg.Connection, door: Door, lacking: str
):
    user = await roles.scim.make_user("anna@example.com")
    await refused(roles, connection, door, user, lacking, {"roles": AUDITOR})


@pytest.mark.parametrize("lacking", WITHOUT)
@pytest.mark.parametrize("door", [door for door in GIVING if door.is_change], ids=str)
async def test_role_is_not_taken_by_whoever_holds_less(
    roles: House, connection: asyncpg.Connection, door: Door, lacking: str
):
    user = await roles.scim.make_user("anna@example.com", roles=AUDITOR)
    await refused(roles, connection, door, user, lacking, {"roles": [{"value": "Agent"}]})


@pytest.mark.parametrize("lacking", WITHOUT)
@pytest.mark.parametrize("door", CLONING, ids=str)
async def test_role_is_not_cloned_by_whoever_holds_less(
    roles: House, connection: asyncpg.Connection, door: Door, lacking: str
):
    user = await roles.scim.make_user("anna@example.com", roles=AUDITOR)
    await refused(roles, connection, door, user, lacking, {"userName": "eve@example.com"})


@pytest.mark.parametrize("door", GIVING, ids=str)
async def test_role_is_given_by_whoever_holds_as_much(roles: House, door: Door):
    user = await roles.scim.make_user("anna@example.com")
    giver = await roles.limited(WITHOUT["log.read"])
    assert (await door.call(giver, user, {"roles": [{"value": "Agent"}]})).done
