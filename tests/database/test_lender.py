"""Connections lent one by one: a stack, a limit, a queue, and none that cannot be trusted."""

import asyncio
import contextlib
import gc
import selectors
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

import asyncpg
import pytest

from scimserver.db.lender import IDLE_NS, Lender


class Clock:
    """Nanoseconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


class Hurrying(selectors.DefaultSelector):
    """What an event loop sleeps in: the time is over at once, and only counted."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; time passes only where nothing else happens."""
        assert timeout is not None, "nothing will ever happen"
        self.now += max(timeout, 0)
        return super().select(0)


class HurryingLoop(asyncio.SelectorEventLoop):
    """An event loop in whose time nothing takes time but waiting."""

    def __init__(self) -> None:
        self._hurrying = Hurrying()
        super().__init__(self._hurrying)

    def time(self) -> float:
        """Seconds waited since the loop began."""
        return self._hurrying.now


def now() -> float:
    """Seconds since the test began."""
    return round(asyncio.get_running_loop().time(), 6)


def hurried(scenario: Coroutine[Any, Any, None]) -> None:
    """Run a scenario in no time."""
    with asyncio.Runner(loop_factory=HurryingLoop) as runner:
        runner.run(scenario)


class Line:
    """What the lender asks of a connection."""

    def __init__(self) -> None:
        self.closed = False

    def is_closed(self) -> bool:
        return self.closed

    def terminate(self) -> None:
        self.closed = True


class Server:
    """Opens lines, each after `takes_s` seconds."""

    def __init__(self, takes_s: float = 0) -> None:
        self.takes_s = takes_s
        self.lines: list[Line] = []
        self.most = 0

    async def connect(self) -> Any:
        """A line."""
        await asyncio.sleep(self.takes_s)
        self.lines.append(Line())
        self.most = max(self.most, sum(not line.closed for line in self.lines))
        return self.lines[-1]


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


@pytest.mark.parametrize("breaks_after_s", [0.1, 0.4])
def test_waiting_and_connecting_together_take_no_longer_than_the_patience_lasts(breaks_after_s: float):
    async def scenario() -> None:
        server = Server()
        lender = Lender(server.connect, 1, 0.5)
        lent = await lender.acquire()
        waiting = asyncio.create_task(lender.acquire())
        server.takes_s = 10
        await asyncio.sleep(breaks_after_s)
        lent.terminate()
        lender.release(lent)
        with pytest.raises(TimeoutError):
            await waiting
        assert now() == 0.5

    hurried(scenario())


def test_room_is_kept_for_whoever_it_was_offered_to():
    async def scenario() -> None:
        lender = Lender(Server().connect, 1, 0.5)
        served: list[str] = []

        async def borrow(name: str) -> None:
            connection = await lender.acquire()
            served.append(name)
            await asyncio.sleep(0.1)
            lender.release(connection)

        broken = await lender.acquire()
        waiting = asyncio.create_task(borrow("who waited"))
        await asyncio.sleep(0)
        broken.terminate()
        lender.release(broken)
        await borrow("who came then")
        await waiting
        assert served == ["who waited", "who came then"]

    hurried(scenario())


def test_room_is_filled_again_though_many_have_hardly_any_patience_left():
    async def scenario() -> None:
        server = Server()
        lender = Lender(server.connect, 1, 0.5)
        served = 0

        async def borrow() -> None:
            nonlocal served
            lender.release(await lender.acquire())
            served += 1

        lent = await lender.acquire()
        borrowers: list[asyncio.Task[None]] = []
        server.takes_s = 0.1
        for number in range(100):
            if number == 60:
                lent.terminate()
                lender.release(lent)
            borrowers.append(asyncio.create_task(borrow()))
            await asyncio.sleep(0.01)
        await asyncio.gather(*borrowers, return_exceptions=True)
        assert served > 60

    hurried(scenario())


def test_room_of_a_borrower_who_gives_up_goes_to_the_next():
    async def scenario() -> None:
        server = Server()
        lender = Lender(server.connect, 1, 0.5)
        lent = await lender.acquire()
        patient, cancelled = asyncio.create_task(lender.acquire()), asyncio.create_task(lender.acquire())
        await asyncio.sleep(0)
        lent.terminate()
        lender.release(lent)
        cancelled.cancel()
        assert await patient is server.lines[1]
        assert cancelled.cancelled()

    hurried(scenario())


def test_borrowers_who_lose_connections_and_give_up_leave_all_room_free():
    async def scenario() -> None:
        server = Server(takes_s=0.03)
        lender = Lender(server.connect, 3, 0.5)

        async def borrow(number: int) -> None:
            connection = await lender.acquire()
            try:
                await asyncio.sleep(0.02)
            finally:
                if number % 3 == 0:
                    connection.terminate()
                lender.release(connection)

        borrowers: list[asyncio.Task[None]] = []
        for number in range(300):
            borrowers.append(asyncio.create_task(borrow(number)))
            if number % 5 == 0:
                borrowers[number // 2].cancel()
            await asyncio.sleep(0.007 * (number % 2))
        await asyncio.gather(*borrowers, return_exceptions=True)
        begun = now()
        assert len({await lender.acquire() for _ in range(3)}) == 3
        assert now() - begun < 0.1
        assert server.most == 3

    hurried(scenario())


def test_borrowers_who_gave_up_are_forgotten_while_no_server_answers():
    async def scenario() -> None:
        lender = Lender(Server(takes_s=10).connect, 1, 0.5)

        async def borrow() -> None:
            with contextlib.suppress(TimeoutError):
                await lender.acquire()

        borrowers: list[asyncio.Task[None]] = []
        for _ in range(1000):
            borrowers.append(asyncio.create_task(borrow()))
            await asyncio.sleep(0.01)
        gc.collect()
        loop = asyncio.get_running_loop()
        kept = [each for each in gc.get_objects() if type(each) is asyncio.Future and each.get_loop() is loop]
        assert len(kept) < 200
        await asyncio.gather(*borrowers)

    hurried(scenario())


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

    for connection in [await lender.acquire(), await lender.acquire()]:
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
