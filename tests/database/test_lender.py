"""Connections lent one by one: a stack, a limit, a queue, and none that cannot be trusted."""

import asyncio
from collections.abc import AsyncGenerator

import asyncpg
import pytest

from scimserver.db.lender import IDLE_NS, Lender


class Clock:
    """Nanoseconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def lender(database_dsn: str, clock: Clock) -> AsyncGenerator[Lender]:
    """Two connections at most."""
    lender = Lender(lambda: asyncpg.connect(database_dsn), 2, 10, now_ns=clock)
    yield lender
    lender.terminate()


async def test_connection_that_came_back_last_is_lent_first(lender: Lender):
    first, second = await lender.acquire(), await lender.acquire()
    lender.release(first)
    lender.release(second)
    assert await lender.acquire() is second
    assert await lender.acquire() is first


async def test_idle_connection_is_taken_without_waiting(lender: Lender):
    assert lender.take() is None
    lent = await lender.acquire()
    lender.release(lent)
    assert lender.take() is lent


async def test_borrower_beyond_the_limit_gets_what_comes_back(lender: Lender):
    lent = await lender.acquire()
    await lender.acquire()
    waiting = asyncio.create_task(lender.acquire())
    await asyncio.sleep(0)
    assert not waiting.done()
    lender.release(lent)
    assert await waiting is lent


async def test_connection_that_broke_makes_room_for_whoever_waits(lender: Lender):
    lent = await lender.acquire()
    await lender.acquire()
    waiting = asyncio.create_task(lender.acquire())
    await asyncio.sleep(0)
    lent.terminate()
    lender.release(lent)
    opened = await waiting
    assert opened is not lent
    assert await opened.fetchval("SELECT 1") == 1


async def test_connection_that_broke_while_it_lay_idle_is_not_lent(lender: Lender):
    lent = await lender.acquire()
    lender.release(lent)
    lent.terminate()
    assert await lender.acquire() is not lent


async def test_connection_that_lay_idle_too_long_is_replaced(lender: Lender, clock: Clock):
    lent = await lender.acquire()
    lender.release(lent)
    clock.now = IDLE_NS
    assert await lender.acquire() is not lent
    assert lent.is_closed()


async def test_connections_as_old_as_one_that_broke_are_not_lent_again(lender: Lender):
    lent, idle = await lender.acquire(), await lender.acquire()
    lender.release(idle)
    lender.expire(lent)
    assert idle.is_closed()
    assert await lent.fetchval("SELECT 1") == 1
    lender.release(lent)
    assert lent.is_closed()
    assert await lender.acquire() not in (lent, idle)


async def test_connections_that_break_together_expire_the_others_once(lender: Lender):
    first, second = await lender.acquire(), await lender.acquire()
    lender.expire(first)
    lender.release(first)
    younger = await lender.acquire()
    lender.expire(second)
    lender.release(younger)
    assert lender.take() is younger


async def test_nobody_waits_longer_than_the_patience_lasts(database_dsn: str):
    lender = Lender(lambda: asyncpg.connect(database_dsn), 1, 0.05)
    lent = await lender.acquire()
    with pytest.raises(TimeoutError):
        await lender.acquire()
    lender.release(lent)
    assert await lender.acquire() is lent
    lender.terminate()


async def test_connecting_takes_no_longer_than_the_patience_lasts():
    lender = Lender(asyncio.Event().wait, 1, 0.05)  # pyright: ignore[reportArgumentType] - never connects
    with pytest.raises(TimeoutError):
        await lender.acquire()


async def test_borrower_who_gives_up_costs_nobody_a_connection(lender: Lender):
    lent = await lender.acquire()
    await lender.acquire()
    given_up, patient = asyncio.create_task(lender.acquire()), asyncio.create_task(lender.acquire())
    await asyncio.sleep(0)
    given_up.cancel()
    lender.release(lent)
    assert await patient is lent
    with pytest.raises(asyncio.CancelledError):
        await given_up


async def test_borrower_who_gives_up_when_served_passes_the_connection_on(lender: Lender):
    lent = await lender.acquire()
    await lender.acquire()
    given_up, patient = asyncio.create_task(lender.acquire()), asyncio.create_task(lender.acquire())
    await asyncio.sleep(0)
    lender.release(lent)
    given_up.cancel()
    assert await patient is lent
    assert given_up.cancelled() or isinstance(given_up.exception(), asyncio.CancelledError)


async def test_failure_to_connect_reaches_the_borrower_and_leaves_the_room_free(database_dsn: str):
    answers = [OSError("no server"), None]

    async def connect() -> asyncpg.Connection:
        failure = answers.pop(0)
        if failure:
            raise failure
        return await asyncpg.connect(database_dsn)

    lender = Lender(connect, 1, 10)
    with pytest.raises(OSError, match="no server"):
        await lender.acquire()
    assert await (await lender.acquire()).fetchval("SELECT 1") == 1
    lender.terminate()


async def test_many_borrowers_share_few_connections(lender: Lender):
    at_once, most = 0, 0

    async def borrow() -> None:
        nonlocal at_once, most
        connection = await lender.acquire()
        at_once += 1
        most = max(most, at_once)
        try:
            assert await connection.fetchval("SELECT 1") == 1
        finally:
            at_once -= 1
            lender.release(connection)

    await asyncio.gather(*(borrow() for _ in range(50)))
    assert most == 2


async def test_closing_ends_idle_connections_and_waits_for_those_that_are_lent(lender: Lender):
    lent, idle = await lender.acquire(), await lender.acquire()
    lender.release(idle)
    closing = asyncio.create_task(lender.close())
    await asyncio.sleep(0.05)
    assert idle.is_closed()
    assert not closing.done()
    lender.release(lent)
    await closing
    assert lent.is_closed()
