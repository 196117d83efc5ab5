"""A connection that wanted to remove too many users is paused until an administrator agrees (P11)."""

from datetime import timedelta

import pytest

from scimserver.access import connections
from scimserver.directory import removals, users
from scimserver.directory.removals import RemovalLimit
from scimserver.kernel.errors import InvalidValue, NotPermitted, ProviderPaused
from tests.removing import NOON, ORIGIN, House


async def test_pause_is_on_record_once_with_who_caused_it_and_announced(provided: House):
    provider = await provided.provider(RemovalLimit(count=1, percent=0))
    assert await provided.removed(provider, people := await provided.users(4)) == 1
    assert await provided.removed(provider, people[2:]) == 0
    assert (await provided.connection()).removals_paused == NOON
    assert await provided.events("connection.pause") == 1
    [entry] = await provided.rows.fetch("SELECT * FROM log_entries WHERE event = 'connection.pause'")
    assert (entry["outcome"], entry["target_id"], entry["connection_id"]) == (
        "success",
        provider.connection,
        provider.connection,
    )
    topics = await provided.rows.fetch("SELECT topic FROM outbox WHERE topic LIKE 'connection.%'")
    assert [row["topic"] for row in topics] == ["connection.paused"]


async def test_refusal_leaves_the_user_and_the_groups_as_they_were(provided: House):
    provider = await provided.provider(RemovalLimit(count=0, percent=0))
    [user] = await provided.users(1)
    before = await provided.rows.fetch("SELECT * FROM users")
    with pytest.raises(ProviderPaused) as refused:
        await provided.change(provider, user, active=False, title="Former")
    assert await provided.rows.fetch("SELECT * FROM users") == before
    assert await provided.events("user.deactivate") == 0
    assert {change.path for change in refused.value.attempted} == {"active", "title"}
    assert refused.value.display == "user-1@acme.example"


async def test_refusal_says_how_many_in_what_time_and_what_to_do(provided: House):
    provider = await provided.provider(RemovalLimit(count=2, percent=0))
    people = await provided.users(4)
    await provided.removed(provider, people)
    with pytest.raises(ProviderPaused) as later:
        await provided.delete(provider, people[3])
    for said in (
        '"Okta"',
        "as many users within an hour as it may: 2",
        "scimserver connection resume acme Okta",
    ):
        assert said in later.value.detail


async def test_resuming_gives_the_whole_limit_anew(provided: House):
    provider = await provided.provider()
    people = await provided.users(9)
    assert await provided.removed(provider, people) == 3
    await provided.resume()
    assert (await provided.connection()).removals_paused is None
    assert await provided.removed(provider, people[3:]) == 3


async def test_resuming_what_is_not_paused_changes_nothing(provided: House):
    provider = await provided.provider()
    people = await provided.users(5)
    await provided.removed(provider, people[:2])
    assert await provided.resume() is None
    assert await provided.events("connection.resume") == 1
    assert await provided.removed(provider, people[2:]) == 1


async def test_resuming_takes_the_permission_to_manage_connections(provided: House):
    provider = await provided.provider(RemovalLimit(count=0, percent=0))
    await provided.removed(provider, await provided.users(1))
    with pytest.raises(NotPermitted):
        async with provided.room.open(provider, ORIGIN) as work:
            await removals.resume(work, (await provided.connection()).id, "Okta")
    assert (await provided.connection()).removals_paused == NOON


async def test_connection_paused_by_an_attempt_that_was_agreed_to_meanwhile_goes_on(provided: House):
    # The refusal was counted before the administrator agreed; its pause comes only afterwards.
    provider = await provided.provider(RemovalLimit(count=1, percent=0))
    people = await provided.users(4)
    assert await provided.removed(provider, people[:1]) == 1

    async def delete_slowly() -> None:
        async with provided.room.open(provider, ORIGIN) as work:
            with pytest.raises(ProviderPaused) as refused:
                await users.delete(work, await users.get(work, people[1]))
            await provided.rows.execute("DELETE FROM removals")
            raise refused.value

    with pytest.raises(ProviderPaused):
        await delete_slowly()
    assert (await provided.connection()).removals_paused is None
    assert await provided.events("connection.pause") == 0
    assert await provided.removed(provider, people[1:]) == 1


async def test_connections_of_one_organisation_are_counted_by_themselves(provided: House):
    okta = await provided.provider(RemovalLimit(count=1, percent=0), "Okta")
    entra = await provided.provider(RemovalLimit(count=2, percent=0), "Entra")
    people = await provided.users(8)
    assert await provided.removed(okta, people[:2]) == 1
    assert await provided.removed(entra, people[2:5]) == 2
    await provided.resume("Entra")
    assert await provided.removed(okta, people[5:6]) == 0
    assert await provided.removed(entra, people[6:7]) == 1


async def test_removals_of_another_connection_do_not_begin_the_hour(provided: House):
    okta = await provided.provider(RemovalLimit(count=2, percent=0), "Okta")
    entra = await provided.provider(RemovalLimit(count=2, percent=0), "Entra")
    people = await provided.users(5)
    await provided.delete(okta, people.pop())
    provided.now = NOON + timedelta(hours=1)
    await provided.delete(entra, people.pop())
    assert await provided.removed(okta, people) == 2


async def test_connection_without_a_limit_is_not_paused_any_more(provided: House):
    provider = await provided.provider(RemovalLimit(count=1, percent=0))
    people = await provided.users(5)
    assert await provided.removed(provider, people) == 1
    async with provided.room.open(provided.operator, ORIGIN) as work:
        await connections.update(work, await provided.connection(), removal_limit=RemovalLimit(count=None))
    assert (await provided.connection()).removals_paused is None
    assert await provided.removed(provider, people[1:]) == 4


async def test_higher_limit_does_not_end_a_pause(provided: House):
    provider = await provided.provider(RemovalLimit(count=1, percent=0))
    people = await provided.users(3)
    assert await provided.removed(provider, people) == 1
    async with provided.room.open(provided.operator, ORIGIN) as work:
        await connections.update(work, await provided.connection(), removal_limit=RemovalLimit(count=50))
    assert await provided.removed(provider, people[1:]) == 0


@pytest.mark.parametrize("count,percent", [(-1, 0), (2**31, 0), (1, -1), (1, 101)])
async def test_limit_that_is_none_is_refused(provided: House, count: int, percent: int):
    with pytest.raises(InvalidValue):
        await provided.provider(RemovalLimit(count=count, percent=percent))
