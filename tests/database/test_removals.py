"""How many users a connection may remove in an hour: counted exactly, whoever asks, however it ends (P11)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from scimserver.db.pool import Database, DatabaseSettings
from scimserver.directory import removals, users
from scimserver.directory.removals import RemovalLimit
from scimserver.kernel.actor import Actor, ActorKind
from scimserver.kernel.errors import Conflicted, NotPermitted, ProviderPaused
from scimserver.kernel.ids import UserId
from scimserver.kernel.permissions import Scope, permissions_of
from scimserver.work import WorkRoom
from tests.removing import NOON, ORIGIN, House

HOUR = timedelta(hours=1)
MOMENT = timedelta(milliseconds=1)
WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


@pytest.mark.parametrize(
    "limit,people,allowed",
    [
        (RemovalLimit(count=3, percent=0), 10, 3),
        (RemovalLimit(count=0, percent=0), 5, 0),
        (RemovalLimit(count=2, percent=30), 10, 3),
        (RemovalLimit(count=4, percent=30), 10, 4),
        (RemovalLimit(count=0, percent=30), 13, 3),
        (RemovalLimit(count=0, percent=100), 5, 5),
        (RemovalLimit(count=None, percent=0), 7, 7),
    ],
)
async def test_connection_removes_the_number_or_the_part_whichever_is_more(
    provided: House, limit: RemovalLimit, people: int, allowed: int
):
    provider = await provided.provider(limit)
    assert await provided.removed(provider, await provided.users(people)) == allowed


async def test_connection_removes_twenty_or_a_tenth_where_nothing_is_said(provided: House):
    provider = await provided.provider(removals.USUAL_LIMIT)
    assert await provided.removed(provider, await provided.users(25)) == 20


async def test_part_is_that_of_the_users_there_were_an_hour_ago(provided: House):
    # Deactivated users stay, deleted ones go: of ten, five may be removed, whichever it is.
    provider = await provided.provider(RemovalLimit(count=0, percent=50))
    people = await provided.users(10)
    await provided.deactivate(provider, people[0])
    await provided.deactivate(provider, people[1])
    assert await provided.removed(provider, people[2:]) == 3


async def test_part_counts_totals_that_were_folded(provided: House):
    provider = await provided.provider(RemovalLimit(count=0, percent=50))
    people = await provided.users(10)
    await provided.rows.execute(
        "WITH gone AS (DELETE FROM total_deltas RETURNING org_id, kind, delta)"
        " INSERT INTO totals SELECT org_id, kind, sum(delta) FROM gone GROUP BY org_id, kind"
    )
    assert await provided.removed(provider, people) == 5


async def test_part_counts_no_users_of_another_organisation(provided: House):
    provider = await provided.provider(RemovalLimit(count=0, percent=50))
    people = await provided.users(4)
    other = House(provided.database, provided.rows)
    await other.found("other")
    await other.users(20, "other.example")
    assert await provided.removed(provider, people) == 2


async def test_deactivations_and_deletions_count_together(provided: House):
    provider = await provided.provider()
    one, two, three, four = await provided.users(4)
    await provided.deactivate(provider, one)
    await provided.delete(provider, two)
    await provided.deactivate(provider, three)
    with pytest.raises(ProviderPaused):
        await provided.deactivate(provider, four)


async def test_deactivating_and_then_deleting_the_same_user_counts_twice(provided: House):
    provider = await provided.provider(RemovalLimit(count=1, percent=0))
    [user] = await provided.users(1)
    await provided.deactivate(provider, user)
    with pytest.raises(ProviderPaused):
        await provided.delete(provider, user)


async def test_what_removes_nobody_does_not_count(provided: House):
    provider = await provided.provider(RemovalLimit(count=1, percent=0))
    one, two, three = await provided.users(3)
    await provided.deactivate(provider, one)
    await provided.deactivate(provider, one)
    await provided.change(provider, one, title="Agent")
    await provided.change(provider, one, active=True)
    await provided.change(provider, two, title="Agent")
    with pytest.raises(ProviderPaused):
        await provided.delete(provider, three)


async def test_reactivating_gives_nothing_back(provided: House):
    provider = await provided.provider(RemovalLimit(count=1, percent=0))
    one, two = await provided.users(2)
    await provided.deactivate(provider, one)
    await provided.change(provider, one, active=True)
    with pytest.raises(ProviderPaused):
        await provided.deactivate(provider, two)


async def test_creating_a_deactivated_user_does_not_count(provided: House):
    provider = await provided.provider(RemovalLimit(count=0, percent=0))
    async with provided.room.open(provider, ORIGIN) as work:
        await users.create(work, {"userName": "new@acme.example", "active": False})
    assert (await provided.connection()).removals_paused is None


async def test_refused_removal_does_not_count(provided: House):
    provider = await provided.provider(RemovalLimit(count=1, percent=0))
    one, two = await provided.users(2)
    reader = Actor(
        kind=ActorKind.CONNECTION,
        organization=provider.organization,
        permissions=permissions_of(frozenset({Scope.SCIM_READ})),
        connection=provider.connection,
        name="Okta",
    )
    with pytest.raises(NotPermitted):
        await provided.delete(reader, one)
    assert await provided.removed(provider, [one, two]) == 1


async def test_removal_that_is_rolled_back_does_not_count(provided: House):
    provider = await provided.provider(RemovalLimit(count=1, percent=0))
    one, two = await provided.users(2)

    async def fail() -> None:
        async with provided.room.open(provider, ORIGIN) as work:
            await users.delete(work, await users.get(work, one))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await provided.removed(provider, [one, two]) == 1


async def test_operator_is_not_counted_and_not_held_up(provided: House):
    provider = await provided.provider(RemovalLimit(count=1, percent=0))
    people = await provided.users(6)
    assert await provided.removed(provided.operator, people[:2]) == 2
    assert await provided.removed(provider, people[2:]) == 1
    await provided.deactivate(provided.operator, people[4])
    await provided.delete(provided.operator, people[5])


# -- the hour --------------------------------------------------------------------------------------


async def test_removal_counts_for_an_hour_and_no_longer(provided: House):
    provider = await provided.provider(RemovalLimit(count=2, percent=0))
    people = await provided.users(5)
    await provided.delete(provider, people.pop())
    provided.now = NOON + HOUR / 2
    await provided.delete(provider, people.pop())
    provided.now = NOON + HOUR
    await provided.delete(provider, people.pop())
    provided.now = NOON + HOUR * 1.5 - MOMENT
    with pytest.raises(ProviderPaused):
        await provided.delete(provider, people.pop())


async def test_pause_does_not_end_by_itself(provided: House):
    provider = await provided.provider(RemovalLimit(count=1, percent=0))
    people = await provided.users(3)
    assert await provided.removed(provider, people) == 1
    provided.now = NOON + timedelta(days=30)
    assert await provided.removed(provider, people[1:]) == 0


async def test_clock_that_goes_back_lets_nobody_remove_more(provided: House):
    provider = await provided.provider(RemovalLimit(count=3, percent=0))
    people = await provided.users(5)
    await provided.delete(provider, people.pop())
    provided.now = NOON - HOUR / 2
    assert await provided.removed(provider, people) == 2


# -- at once ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", [False, True])
async def test_those_who_remove_at_once_remove_as_many_as_one_may(
    provided: House, database_dsn: str, lock: bool
):
    provider = await provided.provider(RemovalLimit(count=20, percent=0))
    people = await provided.users(200)
    async with Database.open(DatabaseSettings(dsn=database_dsn, points_size=5)) as elsewhere:
        rooms = [provided.room, WorkRoom(elsewhere, clock=lambda: NOON)]

        async def delete(number: int, user: UserId) -> type[Exception] | None:
            try:
                async with rooms[number % 2].open(provider, ORIGIN, lock=lock) as work:
                    await users.delete(work, await users.get(work, user))
            except (ProviderPaused, Conflicted) as failure:
                return type(failure)
            return None

        ended = await asyncio.gather(*(delete(number, user) for number, user in enumerate(people)))
    assert (ended.count(None), ended.count(ProviderPaused)) == (20, 180)
    assert await provided.rows.fetchval("SELECT count(*) FROM users") == 180
    assert await provided.rows.fetchval("SELECT count(*) FROM removals") == 20
    assert await provided.events("connection.pause") == 1


@pytest.mark.parametrize("way", [House.delete, House.deactivate])
async def test_whoever_waits_for_a_user_holds_nobody_up_who_removes(provided: House, way: Any):
    # Else two who remove the same user could wait for each other.
    provider = await provided.provider()
    one, two = await provided.users(2)
    async with provided.rows.transaction():
        await provided.rows.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", one)
        waiting = asyncio.create_task(way(provided, provider, one))
        while not await provided.rows.fetchval(WAITING):
            await provided.rows.execute("SELECT pg_stat_clear_snapshot()")
        async with asyncio.timeout(5):
            await provided.delete(provider, two)
    await waiting


async def test_others_who_write_do_not_wait_for_a_removal(provided: House):
    provider = await provided.provider()
    one, two = await provided.users(2)
    work = provided.room.open(provider, ORIGIN)
    async with work:
        await users.delete(work, await users.get(work, one))
        async with asyncio.timeout(5):
            assert (await provided.change(provider, two, title="Agent")).version == 2
            async with provided.room.open(provider, ORIGIN) as other:
                await users.create(other, {"userName": "new@acme.example"})
