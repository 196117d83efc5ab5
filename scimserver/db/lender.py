"""Lends connections: a stack of idle ones, new ones up to a limit, a queue for who comes too late.

asyncpg's pool makes a task for each connection that comes back, and a proxy for each that goes:
40 of the 90 microseconds that reading one row takes. A connection of ours goes back as it is: no
statement leaves anything behind in a session, and whoever was disturbed in one ends its connection.
Proven by tests/database/test_lender.py.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import asyncpg

from scimserver.kernel.clock import monotonic_ns

IDLE_NS: Final = 300 * 10**9
"""Nanoseconds after which an idle connection is not trusted any more: firewalls forget such ones."""

_FAREWELL_S: Final = 1.0
"""Seconds for saying goodbye to the server over an idle connection."""

Connect = Callable[[], Awaitable[asyncpg.Connection]]
_Waiter: TypeAlias = "asyncio.Future[asyncpg.Connection | None]"
"""None is room for a new connection, reserved."""


class Lender:
    """At most `size` connections, each lent to one borrower at a time; `connect` opens one.

    Nobody is kept waiting for longer than `patience_s` seconds, queue and connecting together. What
    comes back goes to whoever has waited longest; room for a new one, to whoever came last.
    """

    def __init__(
        self, connect: Connect, size: int, patience_s: float, *, now_ns: Callable[[], int] = monotonic_ns
    ) -> None:
        self._connect = connect
        self._size = size
        self._patience_s = patience_s
        self._now_ns = now_ns
        self._idle: list[tuple[asyncpg.Connection, int]] = []
        self._era_of: dict[asyncpg.Connection, int] = {}
        """The era in which each open connection was opened; those of earlier ones are not lent again."""
        self._era = 0
        self._opening = 0
        self._waiting: deque[_Waiter] = deque()
        self._closing = False
        self._all_back = asyncio.Event()

    def take(self) -> asyncpg.Connection | None:
        """An idle connection, the one that came back last; None where `acquire` has to be awaited."""
        while self._idle:
            connection, since = self._idle.pop()
            if not connection.is_closed() and self._now_ns() - since < IDLE_NS:
                return connection
            self._forget(connection)
        return None

    async def acquire(self) -> asyncpg.Connection:
        """A connection: idle, new, or the next that comes back.

        Raises as connecting does, and `TimeoutError`.
        """
        connection = self.take()
        if connection is not None:
            return connection
        if not self._has_room():
            return await self._wait()
        self._opening += 1
        return await self._open(asyncio.get_running_loop().time() + self._patience_s)

    def release(self, connection: asyncpg.Connection) -> None:
        """Give a connection back; one that was closed makes room for a new one."""
        if connection.is_closed() or self._closing or self._era_of.get(connection) != self._era:
            self._forget(connection)
            self._offer_room()
        elif not self._hand_over(connection):
            self._idle.append((connection, self._now_ns()))

    def expire(self, broken: asyncpg.Connection) -> None:
        """Lend no connection again that is as old as one that broke; once for all that break together."""
        if self._era_of.get(broken) != self._era:
            return
        self._era += 1
        idle, self._idle = self._idle, []
        for connection, _ in idle:
            self._forget(connection)

    async def close(self) -> None:
        """End the connections that are idle, then wait for the others to come back, and end them too."""
        self._closing = True
        idle, self._idle = self._idle, []
        for connection, _ in idle:
            await connection.close(timeout=_FAREWELL_S)
            self._era_of.pop(connection, None)
        if self._era_of:
            await self._all_back.wait()

    def terminate(self) -> None:
        """End every connection now, lent or not."""
        self._closing = True
        self._idle.clear()
        for connection in list(self._era_of):
            self._forget(connection)

    def _has_room(self) -> bool:
        return len(self._era_of) + self._opening < self._size

    async def _open(self, deadline: float) -> asyncpg.Connection:
        """A new connection, in room that is reserved for it."""
        era = self._era
        try:
            async with asyncio.timeout_at(deadline):
                connection = await self._connect()
        except BaseException:
            # Whoever waits may have more luck than this one.
            self._give_room_back()
            raise
        self._opening -= 1
        self._era_of[connection] = era
        return connection

    async def _wait(self) -> asyncpg.Connection:
        """The next connection that comes back, or a new one in room that others leave."""
        loop = asyncio.get_running_loop()
        waiter: _Waiter = loop.create_future()
        self._waiting.append(waiter)
        # A timer alone: `asyncio.timeout` costs several times as much, and a busy server waits often.
        timer = loop.call_later(self._patience_s, _give_up, waiter)
        try:
            given = await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and not waiter.exception():
                # It was given something in the very moment in which it gave up.
                given = waiter.result()
                self._give_room_back() if given is None else self.release(given)
            raise
        finally:
            timer.cancel()
        # One deadline for both; that of the timer, so that whoever only waits reads no clock.
        return given or await self._open(timer.when())

    def _hand_over(self, connection: asyncpg.Connection) -> bool:
        """Give a connection to whoever has waited longest; False if nobody waits."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    def _give_room_back(self) -> None:
        self._opening -= 1
        self._offer_room()

    def _offer_room(self) -> None:
        """Reserve room, if there is any, for whoever came last.

        That one has most time left to connect. Where many wait, whoever has waited longest has next to
        none: each in turn would give up before its connection stands, and no room would be filled again.
        """
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft()
        while self._waiting and self._has_room():
            waiter = self._waiting.pop()
            if not waiter.done():
                self._opening += 1
                waiter.set_result(None)

    def _forget(self, connection: asyncpg.Connection) -> None:
        self._era_of.pop(connection, None)
        if not connection.is_closed():
            connection.terminate()
        if self._closing and not self._era_of:
            self._all_back.set()


def _give_up(waiter: _Waiter) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError("no connection came back in time"))
