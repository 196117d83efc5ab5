"""The database: two pools of connections, one for single rows and one for searches.

Points run on prepared, generic plans. Searches must not: on a generic plan a search inside one
organisation reads the others too. Their connections plan each statement for its values, and cut
it off after a time-out. No statement of ours leaves anything behind in a session, so connections
go back to the pool without the round trip of a reset; `synchronous_commit` is never lowered.
Proven by tests/database/test_pool.py.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import asyncpg
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy
from asyncpg.transaction import Transaction as DriverTransaction

from scimserver.db.failures import FAILURES, Pool, breaks_connection, translated, unreachable
from scimserver.db.hosts import HostByHost
from scimserver.db.queries import Query


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """Where the database is, and how much of it one process may use."""

    dsn: str
    """`postgresql://…`; several hosts, separated by commas, are tried one by one."""
    points_size: int = 10
    """Connections for single rows and writes, at most."""
    searches_size: int = 4
    """Connections for searches, at most."""
    search_timeout_ms: int = 5_000
    """Milliseconds after which a search is cut off and refused."""
    command_timeout_s: float = 10.0
    """Seconds after which a statement without answer counts as a broken connection."""
    acquire_timeout_s: float = 5.0
    """Seconds to wait for a free connection."""
    host_timeout_s: float = 1.0
    """Seconds to wait for each host of a DSN that lists several."""


class Reader(Protocol):
    """Whatever runs one query at a time: a `Database`, or a `Transaction` of it."""

    async def fetch(self, query: Query, *arguments: object) -> list[Record]:
        """All rows."""
        ...

    async def fetchrow(self, query: Query, *arguments: object) -> Record | None:
        """The first row, or None."""
        ...

    async def fetchval(self, query: Query, *arguments: object) -> Any:
        """The first column of the first row; None also when there is no row."""
        ...


class _Guard:
    """Translates what a statement raises, and ends a connection that cannot be trusted any more."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, connection: PoolConnectionProxy, pool: Pool) -> None:
        self._connection = connection
        self._pool = pool

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None or not isinstance(error, FAILURES):
            return
        if breaks_connection(error):
            self.terminate()
        failure = translated(error, pool=self._pool, closed=self.is_closed())
        if failure is not error:
            raise failure from error

    def is_closed(self) -> bool:
        """Whether the connection is gone; asyncpg takes a dead one from its holder at once."""
        try:
            return self._connection.is_closed()
        except asyncpg.InterfaceError:
            return True

    def terminate(self) -> None:
        """End the connection without a word to the server; harmless when it is gone already."""
        with suppress(asyncpg.InterfaceError):
            self._connection.terminate()


class Transaction:
    """A transaction that has begun. Driver's errors are translated as in `Database`."""

    __slots__ = ("_connection", "_guard")

    def __init__(self, connection: PoolConnectionProxy, guard: _Guard) -> None:
        self._connection = connection
        self._guard = guard

    async def fetch(self, query: Query, *arguments: object) -> list[Record]:
        """All rows."""
        with self._guard:
            return await self._connection.fetch(query.sql, *arguments)

    async def fetchrow(self, query: Query, *arguments: object) -> Record | None:
        """The first row, or None."""
        with self._guard:
            return await self._connection.fetchrow(query.sql, *arguments)

    async def fetchval(self, query: Query, *arguments: object) -> Any:
        """The first column of the first row; None also when there is no row."""
        with self._guard:
            return await self._connection.fetchval(query.sql, *arguments)

    async def execute(self, query: Query, *arguments: object) -> None:
        """Run a statement whose rows nobody needs."""
        with self._guard:
            await self._connection.execute(query.sql, *arguments)


class _Connections:
    """One pool of asyncpg, with our time-out, translation and no reset."""

    def __init__(self, pool: asyncpg.Pool, kind: Pool, acquire_timeout_s: float) -> None:
        self._pool = pool
        self._kind = kind
        self._acquire_timeout_s = acquire_timeout_s

    @asynccontextmanager
    async def lease(self) -> AsyncGenerator[tuple[PoolConnectionProxy, _Guard]]:
        """A connection for the time of the block; raises `Unavailable` when there is none."""
        connection = await self._acquire()
        try:
            yield connection, _Guard(connection, self._kind)
        finally:
            await self._release(connection)

    async def fetch(self, query: Query, arguments: tuple[object, ...]) -> list[Record]:
        connection = await self._acquire()
        try:
            with _Guard(connection, self._kind):
                return await connection.fetch(query.sql, *arguments)
        finally:
            await self._release(connection)

    async def fetchrow(self, query: Query, arguments: tuple[object, ...]) -> Record | None:
        connection = await self._acquire()
        try:
            with _Guard(connection, self._kind):
                return await connection.fetchrow(query.sql, *arguments)
        finally:
            await self._release(connection)

    async def _acquire(self) -> PoolConnectionProxy:
        try:
            # A time-out given to asyncpg costs a task for each call; this one costs a timer.
            async with asyncio.timeout(self._acquire_timeout_s):
                return await self._pool.acquire()
        except asyncpg.ClientConfigurationError:
            raise
        except FAILURES as error:
            raise unreachable(error) from error

    async def _release(self, connection: PoolConnectionProxy) -> None:
        # A connection that breaks on its way back is ended by the pool, and nobody's failure.
        with suppress(*FAILURES):
            await self._pool.release(connection)


class Database:
    """Runs queries. Every driver's error is translated (`scimserver.db.failures`):

    raises `ConstraintViolated`, `Conflicted`, `Unavailable`, and for searches `TooMany`.
    """

    def __init__(self, points: _Connections, searches: _Connections) -> None:
        self._points = points
        self._searches = searches

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: DatabaseSettings) -> AsyncGenerator[Self]:
        """A database for the time of the block; raises `Unavailable` when no server answers."""
        points = _create_pool(settings, settings.points_size, {})
        searches = _create_pool(settings, settings.searches_size, _search_settings(settings))
        try:
            async with asyncio.timeout(settings.acquire_timeout_s):
                await points
                await searches
                await points.release(await points.acquire())
        except asyncpg.ClientConfigurationError:
            raise
        except FAILURES as error:
            points.terminate()
            raise unreachable(error) from error
        try:
            yield cls(
                _Connections(points, Pool.POINTS, settings.acquire_timeout_s),
                _Connections(searches, Pool.SEARCHES, settings.acquire_timeout_s),
            )
        finally:
            await _close(points)
            await _close(searches)

    async def fetch(self, query: Query, *arguments: object) -> list[Record]:
        """All rows, in a transaction of their own."""
        return await self._points.fetch(query, arguments)

    async def fetchrow(self, query: Query, *arguments: object) -> Record | None:
        """The first row, or None, in a transaction of its own."""
        return await self._points.fetchrow(query, arguments)

    async def fetchval(self, query: Query, *arguments: object) -> Any:
        """The first column of the first row; None also when there is no row."""
        row = await self._points.fetchrow(query, arguments)
        return None if row is None else row[0]

    async def search(self, query: Query, *arguments: object) -> list[Record]:
        """All rows, planned for these arguments; raises `TooMany` after the search time-out."""
        return await self._searches.fetch(query, arguments)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        """BEGIN, the block, COMMIT; whatever the block raises rolls everything back and passes on.

        Raises what a COMMIT can: `ConstraintViolated` of a deferred constraint, `Conflicted`, and
        `Unavailable`, after which only a look at the rows tells whether they are stored.
        """
        async with self._points.lease() as (connection, guard):
            driver = connection.transaction()
            try:
                with guard:
                    await driver.start()
                yield Transaction(connection, guard)
            except BaseException:
                await _roll_back(driver, guard)
                raise
            with guard:
                await driver.commit()


async def _roll_back(driver: DriverTransaction, guard: _Guard) -> None:
    """End a failed transaction; where that fails too, end its connection, which does the same."""
    try:
        await driver.rollback()
    except FAILURES:
        guard.terminate()


def _create_pool(settings: DatabaseSettings, size: int, session: dict[str, str]) -> asyncpg.Pool:
    return asyncpg.create_pool(
        settings.dsn,
        # No floor: asyncpg would log a traceback for each failed attempt to keep it up.
        min_size=0,
        max_size=size,
        connect=HostByHost(settings.dsn, host_timeout_s=settings.host_timeout_s),
        reset=_leave_as_it_is,
        command_timeout=settings.command_timeout_s,
        max_cached_statement_lifetime=0,
        statement_cache_size=500,
        server_settings={"application_name": "scimserver", "timezone": "UTC", **session},
    )


def _search_settings(settings: DatabaseSettings) -> dict[str, str]:
    return {
        "plan_cache_mode": "force_custom_plan",
        "statement_timeout": str(settings.search_timeout_ms),
        "jit": "off",
    }


async def _leave_as_it_is(_: asyncpg.Connection) -> None:
    """A session holds nothing that the next borrower could see."""


async def _close(pool: asyncpg.Pool) -> None:
    """Wait briefly for borrowed connections, then end them."""
    try:
        async with asyncio.timeout(5):
            await pool.close()
    except TimeoutError:
        pool.terminate()
