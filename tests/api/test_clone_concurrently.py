"""A hundred clients clone at once: each clone has a number of its own, and all are whole."""

import asyncio

import asyncpg
import pytest

from tests.serving import Answer, Installation, ScimClient

CLIENTS = 100


async def cloned(scim: ScimClient, user: Answer) -> Answer:
    return await scim.request("POST", f"/Users/{user.id}/.clone")


async def test_a_hundred_clones_at_once_have_a_hundred_addresses(
    installation: Installation, scim: ScimClient
):
    user = await scim.make_user("ada@example.com", title="Agent", displayName="Ada")
    team = await scim.make_group("Support", user.id)
    made = await asyncio.gather(*(cloned(scim, user) for _ in range(CLIENTS)))
    assert {answer.status for answer in made} == {201}
    expected = {f"ada@example.com (Copy {number})" for number in range(1, CLIENTS + 1)}
    assert {answer.json["userName"] for answer in made} == expected
    for answer in made:
        assert answer.json["title"] == "Agent"
        assert [group["value"] for group in answer.json["groups"]] == [team.id]
    members = (await scim.get(f"/Groups/{team.id}")).json["members"]
    assert {member["value"] for member in members} == {user.id, *(answer.id for answer in made)}
    assert len(await installation.log(scim.organization, events=["user.clone"])) == CLIENTS


async def test_clones_of_clones_and_of_their_source_at_once_share_one_count(scim: ScimClient):
    user = await scim.make_user("ada@example.com")
    first = await cloned(scim, user)
    made = await asyncio.gather(*(cloned(scim, source) for source in [user, first] * 10))
    assert {answer.json["userName"] for answer in made} == {
        f"ada@example.com (Copy {number})" for number in range(2, 22)
    }


@pytest.mark.parametrize(
    "change,headers,error",
    [
        ("DELETE FROM users WHERE id = $1", {}, (404, None)),
        ("UPDATE users SET version = version + 1 WHERE id = $1", {"If-Match": 'W/"1"'}, (412, None)),
    ],
)
async def test_source_that_changes_while_it_is_cloned_is_looked_at_again(
    scim: ScimClient,
    connection: asyncpg.Connection,
    change: str,
    headers: dict[str, str],
    error: tuple[int, str | None],
):
    user = await scim.make_user()
    async with connection.transaction():
        await connection.execute(change, user.id)
        cloning = asyncio.create_task(scim.request("POST", f"/Users/{user.id}/.clone", headers=headers))
        await _somebody_waits(connection)
    assert (await cloning).error == error
    assert len((await scim.get("/Users")).ids) == (1 if headers else 0)


async def _somebody_waits(connection: asyncpg.Connection) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while not await connection.fetchval(waiting + " AND datname = current_database()"):
        await connection.execute("SELECT pg_stat_clear_snapshot()")
