"""While SAML is enforced, the last recovery account stays one, whoever asks and at whatever door (P8)."""

import json
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from scimserver.directory import passwords, users
from scimserver.directory.passwords import PasswordDesk
from scimserver.kernel.actor import Origin, operator
from scimserver.kernel.errors import LastRecoveryAccount
from scimserver.scim.models import DIRECTORY_USER_SCHEMA
from tests.commands import clean_settings as clean_settings
from tests.desks import desk as desk
from tests.doors import Told
from tests.leaving import House
from tests.leaving import house as house
from tests.managing import LOSSES, MANAGER, ROLE_SCHEMA, Loss
from tests.recovering import enforced, enrolled
from tests.serving import Answer, replace

ADMIN = [{"value": "Admin Role"}]
KEPT = """
SELECT (SELECT jsonb_agg(to_jsonb(u) ORDER BY id) FROM users AS u)::text,
       (SELECT jsonb_agg(to_jsonb(r) ORDER BY id) FROM roles AS r)::text,
       (SELECT count(*) FROM recovery_accounts), (SELECT count(*) FROM credentials)
"""


@pytest_asyncio.fixture(loop_scope="session")
async def last(house: House, connection: asyncpg.Connection) -> tuple[Answer, Answer]:
    """The only user who has a recovery account, and the role for it; somebody else manages users."""
    permissions = [{"value": each} for each in ("users.read", "users.update", "saml.manage")]
    body = {"schemas": [ROLE_SCHEMA], "displayName": MANAGER, "permissions": permissions}
    role = await house.scim.post("/Roles", body)
    user = await house.scim.make_user("last@example.com", roles=[{"value": MANAGER}])
    await house.scim.make_user(roles=ADMIN)
    organization = house.scim.organization
    await enrolled(connection, organization, UUID(user.id), datetime.now(UTC))
    await enforced(connection, organization)
    return user, role


def done(answer: bool | Told) -> bool:
    return answer.done if isinstance(answer, Told) else answer


@pytest.mark.parametrize("loss", LOSSES, ids=str)
async def test_last_recovery_account_stays(
    house: House, last: tuple[Answer, Answer], connection: asyncpg.Connection, loss: Loss
):
    before = await connection.fetchrow(KEPT)
    answer = await loss.call(house, *last)
    assert not done(answer)
    if isinstance(answer, Told):
        assert answer.code in ((403, None), 1, 4)
        assert "recovery account" in answer.text
    assert await connection.fetchrow(KEPT) == before
    logged = await house.installation.log(house.scim.organization, outcomes=["failure"])
    assert [(each.entry["event"], each.entry["reason"]) for each in logged] == [
        (loss.event, "last_recovery_account")
    ]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
async def test_recovery_account_may_go_when_another_one_gets_in(
    house: House, last: tuple[Answer, Answer], connection: asyncpg.Connection, loss: Loss
):
    other = await house.scim.make_user(roles=ADMIN)
    await connection.execute("UPDATE users SET saml_connection_id = NULL WHERE id = $1", UUID(other.id))
    await enrolled(connection, house.scim.organization, UUID(other.id), datetime.now(UTC))
    assert done(await loss.call(house, *last))


@pytest.mark.parametrize("loss", LOSSES, ids=str)
async def test_recovery_account_may_go_where_nothing_is_enforced(
    house: House, last: tuple[Answer, Answer], connection: asyncpg.Connection, loss: Loss
):
    await connection.execute("UPDATE email_domains SET saml_connection_id = NULL")
    assert done(await loss.call(house, *last))


async def test_last_recovery_account_keeps_its_password(
    house: House, last: tuple[Answer, Answer], connection: asyncpg.Connection
):
    user, room = last[0], house.installation.room
    who = operator("tests", house.scim.organization)
    with pytest.raises(LastRecoveryAccount):
        async with room.open(who, Origin(request_id="r-1")) as work:
            await passwords.clear(work, await users.find(work, user.id))
    assert await connection.fetchval("SELECT count(*) FROM credentials") == 1


async def given_password(house: House, user: Answer, desk: PasswordDesk) -> None:
    who = operator("tests", house.scim.organization)
    async with house.installation.room.open(who, Origin(request_id="r-1")) as work:
        found = await users.find(work, user.id)
        await passwords.set_by_administrator(work, found, desk.take("an ember in a cold hearth"))


async def test_last_recovery_account_is_given_no_password_that_expires(
    house: House, last: tuple[Answer, Answer], connection: asyncpg.Connection, desk: PasswordDesk
):
    """Where SAML is enforced nobody signs in to change it, and after a day nobody gets in by it."""
    with pytest.raises(LastRecoveryAccount):
        await given_password(house, last[0], desk)
    assert await connection.fetchval("SELECT expires FROM credentials") is None


async def test_recovery_account_is_given_a_password_where_nothing_is_enforced(
    house: House, last: tuple[Answer, Answer], connection: asyncpg.Connection, desk: PasswordDesk
):
    await connection.execute("UPDATE email_domains SET saml_connection_id = NULL")
    await given_password(house, last[0], desk)
    assert await connection.fetchval("SELECT set_by FROM credentials") == "administrator"


# -- never SAML-managed --------------------------------------------------------------------------


def managed(answer: Answer) -> bool:
    return answer.json.get(DIRECTORY_USER_SCHEMA, {}).get("samlManaged", False)


async def test_recovery_account_cannot_be_marked(house: House, last: tuple[Answer, Answer]):
    refused = await house.scim.patch(
        f"/Users/{last[0].id}", replace(f"{DIRECTORY_USER_SCHEMA}:samlManaged", True)
    )
    assert refused.error == (400, "invalidValue")
    assert "has a recovery account" in refused.json["detail"]


async def test_recovery_account_may_be_said_not_to_be_managed_where_saml_is_enforced(
    house: House, last: tuple[Answer, Answer]
):
    answer = await house.scim.patch(
        f"/Users/{last[0].id}", replace(f"{DIRECTORY_USER_SCHEMA}:samlManaged", False)
    )
    assert (answer.status, managed(answer)) == (200, False)


async def test_recovery_account_stays_unmanaged_under_another_address(
    house: House, last: tuple[Answer, Answer], connection: asyncpg.Connection
):
    answer = await house.scim.patch(f"/Users/{last[0].id}", replace("userName", "other@example.com"))
    assert (answer.status, managed(answer)) == (200, False)
    assert await connection.fetchval("SELECT count(*) FROM credentials") == 1


async def test_user_without_such_an_account_is_marked_under_another_address(
    house: House, last: tuple[Answer, Answer], connection: asyncpg.Connection
):
    other = await house.scim.make_user()
    await connection.execute("UPDATE users SET saml_connection_id = NULL WHERE id = $1", UUID(other.id))
    answer = await house.scim.patch(f"/Users/{other.id}", replace("userName", "elsewhere@example.com"))
    assert managed(answer), json.dumps(answer.json)
