"""Connections of one pool: borrowed for a statement or a transaction, given up when they break.

Where one connection breaks, the server was likely restarted or replaced, and the others of the pool
are as dead or lead to a server that takes no writes any more. So all that were opened before are
replaced when their turn comes; connections opened afterwards stay.
Proven by tests/database/test_pool.py.
"""

from collections.abc import Awaitable, Callable
from operator import methodcaller
from typing import NoReturn, Protocol, TypeVar

import asyncpg
from asyncpg import Record
from asyncpg.transaction import Transaction as DriverTransaction

from scimserver.db.failures import FAILURES, Pool, breaks_connection, translated, unreachable
from scimserver.db.queries import Query

_T = TypeVar("_T")


class ConnectionPool(Protocol):
    """Where connections come from: a `Lender`, or what tests put before one."""

    def take(self) -> asyncpg.Connection | None:
        """A connection that is at hand; None where `acquire` has to be awaited."""
        ...

    def acquire(self) -> Awaitable[asyncpg.Connection]:
        """A connection that nobody else uses, opened now if it has to be."""
        ...

    def release(self, connection: asyncpg.Connection) -> None:
        """Give a connection back; harmless for one that has broken."""
        ...

    def expire(self, broken: asyncpg.Connection) -> None:
        """Lend no connection again that is as old as one that broke."""
        ...


class Lease:
    """A borrowed connection, and what to do when something fails on it."""

    __slots__ = ("_kind", "_pool", "connection")

    def __init__(self, pool: ConnectionPool, kind: Pool, connection: asyncpg.Connection) -> None:
        self._pool = pool
        self._kind = kind
        self.connection = connection

    def fail(self, error: Exception, *, commits: bool) -> NoReturn:
        """Raise what a driver's error means; a connection that cannot be trusted any more is ended.

        `commits` says whether the failed statement would have committed something.
        """
        if breaks_connection(error):
            self.terminate()
        closed = self.is_closed()
        if closed:
            self._pool.expire(self.connection)
        failure = translated(error, pool=self._kind, closed=closed, commits=commits)
        if failure is error:
            raise error
        raise failure from error

    def is_closed(self) -> bool:
        """Whether the connection is gone."""
        return self.connection.is_closed()

    def terminate(self) -> None:
        """End the connection without a word to the server; harmless when it is gone already."""
        self.connection.terminate()

    def release(self) -> None:
        """Give the connection back."""
        self._pool.release(self.connection)


class Connections:
    """One pool, with our translation."""

    def __init__(self, pool: ConnectionPool, kind: Pool) -> None:
        self.kind = kind
        self._pool = pool

    def fetch(self, query: Query, arguments: tuple[object, ...]) -> Awaitable[list[Record]]:
        """All rows, in a transaction of their own."""
        return self._run(methodcaller("fetch", query.sql, *arguments))

    def fetchrow(self, query: Query, arguments: tuple[object, ...]) -> Awaitable[Record | None]:
        """The first row, or None, in a transaction of its own."""
        return self._run(methodcaller("fetchrow", query.sql, *arguments))

    async def _run(self, statement: Callable[[asyncpg.Connection], Awaitable[_T]]) -> _T:
        connection = self._pool.take() or await self._acquire()
        try:
            return await statement(connection)
        except FAILURES as error:
            Lease(self._pool, self.kind, connection).fail(error, commits=True)
        except BaseException:
            # Nobody waits for the answer any more: the next borrower must not get it.
            connection.terminate()
            raise
        finally:
            self._pool.release(connection)

    async def borrow(self) -> Lease:
        """A connection, to be released; raises `DatabaseUnavailable` when there is none."""
        connection = self._pool.take() or await self._acquire()
        return Lease(self._pool, self.kind, connection)

    async def begin(self) -> tuple[Lease, DriverTransaction]:
        """A connection with a transaction that has begun; whoever gets it releases it."""
        lease = await self.borrow()
        driver = lease.connection.transaction()
        try:
            try:
                await driver.start()
            except FAILURES as error:
                lease.fail(error, commits=False)
        except BaseException:
            lease.terminate()
            lease.release()
            raise
        return lease, driver

    async def _acquire(self) -> asyncpg.Connection:
        try:
            return await self._pool.acquire()
        except asyncpg.ClientConfigurationError:
            raise
        except FAILURES as error:
            raise unreachable(error) from error
