"""Creating a user who is deactivated (D7): a conflict, unless the connection gives users back."""

import asyncpg
import pytest
import pytest_asyncio

from scimserver.directory import domains
from scimserver.kernel.actor import Origin, operator
from tests.serving import ENTERPRISE, Answer, Installation, ScimClient


@pytest_asyncio.fixture(loop_scope="session")
async def reviving(installation: Installation, scim: ScimClient) -> ScimClient:
    """A connection of the same organisation that gives deactivated users back."""
    return await installation.client(scim.organization, revive=True)


@pytest_asyncio.fixture(loop_scope="session")
async def former(scim: ScimClient) -> Answer:
    """A deactivated user."""
    return await scim.make_user(
        "anna@example.com",
        active=False,
        title="Agent",
        timezone="Asia/Tokyo",
        externalId="E-1",
        **{ENTERPRISE: {"department": "Care"}},
    )


@pytest.mark.parametrize("name", ["anna@example.com", "ANNA@example.com"])
async def test_deactivated_user_is_a_conflict_by_default(scim: ScimClient, former: Answer, name: str):
    assert (await scim.post("/Users", {"userName": name})).error == (409, "uniqueness")


@pytest.mark.parametrize("name", ["anna@example.com", "ANNA@example.com"])
async def test_deactivated_user_is_given_back_where_the_connection_says_so(
    reviving: ScimClient, former: Answer, name: str
):
    answer = await reviving.post("/Users", {"userName": name, "title": "Lead"})
    assert (answer.status, answer.id) == (201, former.id)
    assert answer.headers["Location"] == former.headers["Location"]
    assert (answer.json["active"], answer.json["userName"], answer.json["title"]) == (True, name, "Lead")


async def test_user_who_is_given_back_is_as_a_put_would_leave_it(reviving: ScimClient, former: Answer):
    answer = await reviving.post("/Users", {"userName": "anna@example.com"})
    assert answer.json["timezone"] == "Asia/Tokyo"
    assert answer.json["emails"] == [{"value": "anna@example.com", "type": "work", "primary": True}]
    assert not {"title", "externalId", ENTERPRISE} & answer.json.keys()


async def test_user_is_given_back_inactive_if_that_is_asked_for(reviving: ScimClient, former: Answer):
    answer = await reviving.post("/Users", {"userName": "anna@example.com", "active": False})
    assert (answer.status, answer.json["active"]) == (201, False)


async def test_giving_back_is_on_record_as_activation(
    installation: Installation, reviving: ScimClient, former: Answer
):
    answer = await reviving.post("/Users", {"userName": "anna@example.com"})
    [logged] = await installation.log(reviving.organization, request_id=answer.headers["X-Request-Id"])
    assert (logged.entry["event"], logged.entry["target"]["id"]) == ("user.activate", former.id)


async def test_active_user_is_a_conflict_whatever_the_connection_says(reviving: ScimClient):
    await reviving.make_user("anna@example.com")
    assert (await reviving.post("/Users", {"userName": "anna@example.com"})).error == (409, "uniqueness")


async def test_deleted_user_is_created_afresh(reviving: ScimClient, former: Answer):
    await reviving.delete(f"/Users/{former.id}")
    answer = await reviving.post("/Users", {"userName": "anna@example.com"})
    assert answer.status == 201
    assert answer.id != former.id


async def test_user_of_a_removed_domain_is_not_given_back(
    installation: Installation, reviving: ScimClient, former: Answer
):
    who = operator("tests", reviving.organization)
    async with installation.room.open(who, Origin(request_id="tests")) as work:
        await domains.remove(work, "example.com")
    answer = await reviving.post("/Users", {"userName": "anna@example.com"})
    assert answer.error == (400, "invalidValue")
    assert (await reviving.get(f"/Users/{former.id}")).json == former.json


async def test_user_is_given_back_only_where_the_address_is_allowed_now(
    reviving: ScimClient, former: Answer, connection: asyncpg.Connection
):
    await connection.execute("DELETE FROM email_domains")
    assert (await reviving.post("/Users", {"userName": "anna@example.com"})).error == (400, "invalidValue")
    assert (await reviving.get(f"/Users/{former.id}")).json["active"] is False
