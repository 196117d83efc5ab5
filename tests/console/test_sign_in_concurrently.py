"""Signing in while something about the user changes: it comes before or after, never between."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine

import asyncpg
import pytest
import pytest_asyncio

from scimserver.directory.users import User
from tests.people import OTHER, Reception

PATIENCE = 20.0


@pytest_asyncio.fixture(loop_scope="session")
async def other(process_database_dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """Somebody else at the database."""
    opened = await asyncpg.connect(process_database_dsn)
    yield opened
    await opened.close()


async def wait(connection: asyncpg.Connection, number: int = 1) -> None:
    """Return when so many statements wait for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    waiting += " AND datname = current_database()"
    async with asyncio.timeout(PATIENCE):
        while await connection.fetchval(waiting) < number:
            # Statistics are read once per transaction otherwise.
            await connection.execute("SELECT pg_stat_clear_snapshot()")


async def count(connection: asyncpg.Connection) -> int:
    return await connection.fetchval("SELECT count(*) FROM sessions")


CHANGES = [
    "UPDATE users SET active = false",
    "UPDATE credentials SET changed = changed + interval '1 second', password_hash = 'another'",
    "DELETE FROM credentials",
    "DELETE FROM users",
]


@pytest.mark.parametrize("change", CHANGES)
async def test_change_that_comes_first_keeps_the_user_out(
    front: Reception, connection: asyncpg.Connection, other: asyncpg.Connection, change: str
):
    await front.person()
    async with other.transaction():
        await other.execute("SELECT FROM users FOR NO KEY UPDATE")
        signing_in = asyncio.create_task(front.browser().sign_in())
        await wait(connection)
        await other.execute(change)
    answer = await signing_in
    assert answer.status == 503
    assert await count(connection) == 0


async def change_password(front: Reception, ada: User) -> None:
    await front.give(ada, OTHER)


async def deactivate(front: Reception, ada: User) -> None:
    await front.change(ada, active=False)


@pytest.mark.parametrize("change", [change_password, deactivate])
async def test_session_that_comes_first_is_ended_by_the_change(
    front: Reception,
    connection: asyncpg.Connection,
    other: asyncpg.Connection,
    change: Callable[[Reception, User], Coroutine[None, None, None]],
):
    ada = await front.person()
    browser = front.browser()
    async with other.transaction():
        await other.execute("LOCK TABLE known_devices IN EXCLUSIVE MODE")
        signing_in = asyncio.create_task(browser.sign_in())
        await wait(connection)
        changing = asyncio.create_task(change(front, ada))
        await wait(connection, 2)
    assert (await signing_in).status == 303
    await changing
    assert await count(connection) == 0
    assert not await browser.is_signed_in()


async def test_two_who_sign_in_at_once_are_both_let_in(front: Reception, connection: asyncpg.Connection):
    await front.person()
    answers = await asyncio.gather(*(front.browser().sign_in() for _ in range(4)))
    assert [answer.status for answer in answers] == [303] * 4
    assert await count(connection) == 4
