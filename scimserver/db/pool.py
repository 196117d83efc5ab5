"""The database: two pools of connections, one for single rows and one for searches.

Points run on prepared, generic plans. Searches must not: on a generic plan a search inside one
organisation reads the others too. Their connections plan each statement for its values, and cut
it off after a time-out. No statement of ours leaves anything behind in a session, so connections
go back to the pool without the round trip of a reset; `synchronous_commit` is never lowered.
Proven by tests/database/test_pool.py.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol, Self

import asyncpg
from asyncpg import Record
from asyncpg.transaction import Transaction as DriverTransaction

from scimserver.db.connections import ConnectionPool, Connections, Lease
from scimserver.db.failures import FAILURES, DatabaseUnavailable, Pool, unreachable
from scimserver.db.hosts import HostByHost
from scimserver.db.lender import Lender
from scimserver.db.queries import Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long somebody who waits for an answer may be kept waiting for a database that fails."""

    deadline_s: float = 25.0
    """Seconds after which nothing is tried any more; identity providers wait for 30 or more."""
    shortest_pause_s: float = 0.05
    """Seconds between the first tries, at most; then twice as long each time."""
    longest_pause_s: float = 0.5
    """Seconds between later tries, at most."""


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
    patience: Patience = Patience()
    """How long to go on trying."""


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


class Transaction:
    """A transaction that has begun. Driver's errors are translated as in `Database`."""

    __slots__ = ("_connection", "_lease")

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._connection = lease.connection

    async def fetch(self, query: Query, *arguments: object) -> list[Record]:
        """All rows."""
        try:
            return await self._connection.fetch(query.sql, *arguments)
        except FAILURES as error:
            self._lease.fail(error, commits=False)

    async def fetchrow(self, query: Query, *arguments: object) -> Record | None:
        """The first row, or None."""
        try:
            return await self._connection.fetchrow(query.sql, *arguments)
        except FAILURES as error:
            self._lease.fail(error, commits=False)

    async def fetchval(self, query: Query, *arguments: object) -> Any:
        """The first column of the first row; None also when there is no row."""
        try:
            return await self._connection.fetchval(query.sql, *arguments)
        except FAILURES as error:
            self._lease.fail(error, commits=False)

    async def execute(self, query: Query, *arguments: object) -> None:
        """Run a statement whose rows nobody needs."""
        try:
            await self._connection.execute(query.sql, *arguments)
        except FAILURES as error:
            self._lease.fail(error, commits=False)


class Database:
    """Runs queries. Every driver's error is translated (`scimserver.db.failures`):

    raises `ConstraintViolated`, `Conflicted`, `DatabaseUnavailable`, and for searches `TooMany`.
    A query that `fetch`, `fetchrow`, `fetchval` or `search` runs only reads, or may run twice: where
    a connection was lost it is asked once more, over another one.
    """

    def __init__(self, points: Connections, searches: Connections, patience: Patience) -> None:
        self._points = points
        self._searches = searches
        self.patience = patience

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: DatabaseSettings) -> AsyncGenerator[Self]:
        """A database for the time of the block; raises `Unavailable` when no server answers."""
        points = _lender(settings, settings.points_size, _POINT_SETTINGS)
        searches = _lender(settings, settings.searches_size, _search_settings(settings))
        try:
            points.release(await points.acquire())
        except asyncpg.ClientConfigurationError:
            raise
        except FAILURES as error:
            raise unreachable(error) from error
        try:
            yield cls.over(points, searches, settings)
        finally:
            await _close(points)
            await _close(searches)

    @classmethod
    def over(cls, points: ConnectionPool, searches: ConnectionPool, settings: DatabaseSettings) -> Self:
        """A database over pools that are open."""
        return cls(
            Connections(points, Pool.POINTS),
            Connections(searches, Pool.SEARCHES),
            settings.patience,
        )

    async def fetch(self, query: Query, *arguments: object) -> list[Record]:
        """All rows, in a transaction of their own."""
        try:
            return await self._points.fetch(query, arguments)
        except DatabaseUnavailable as failure:
            _require_lost(failure)
            return await self._points.fetch(query, arguments)

    async def fetchrow(self, query: Query, *arguments: object) -> Record | None:
        """The first row, or None, in a transaction of its own."""
        try:
            return await self._points.fetchrow(query, arguments)
        except DatabaseUnavailable as failure:
            _require_lost(failure)
            return await self._points.fetchrow(query, arguments)

    async def fetchval(self, query: Query, *arguments: object) -> Any:
        """The first column of the first row; None also when there is no row."""
        row = await self.fetchrow(query, *arguments)
        return None if row is None else row[0]

    async def search(self, query: Query, *arguments: object) -> list[Record]:
        """All rows, planned for these arguments; raises `TooMany` after the search time-out."""
        try:
            return await self._searches.fetch(query, arguments)
        except DatabaseUnavailable as failure:
            _require_lost(failure)
            return await self._searches.fetch(query, arguments)

    async def write(self, query: Query, *arguments: object) -> Any:
        """Change something by one statement that commits; the first column of its first row.

        Never repeated here: when `DatabaseUnavailable` is in doubt, it may have been done.
        """
        row = await self._points.fetchrow(query, arguments)
        return None if row is None else row[0]

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        """BEGIN, the block, COMMIT; whatever the block raises rolls everything back and passes on.

        Raises what a COMMIT can: `ConstraintViolated` of a deferred constraint, `Conflicted`, and
        `DatabaseUnavailable`, in doubt where only a look at the rows tells whether they are stored.
        """
        lease, driver = await self._begin()
        try:
            try:
                yield Transaction(lease)
            except asyncio.CancelledError:
                # What was asked last may still be running; ended, the connection rolls back by itself.
                lease.terminate()
                raise
            except BaseException:
                await _roll_back(driver, lease)
                raise
            try:
                await driver.commit()
            except FAILURES as error:
                lease.fail(error, commits=True)
        finally:
            lease.release()

    async def _begin(self) -> tuple[Lease, DriverTransaction]:
        try:
            return await self._points.begin()
        except DatabaseUnavailable as failure:
            _require_lost(failure)
            return await self._points.begin()


def _require_lost(failure: DatabaseUnavailable) -> None:
    """Raise the failure unless asking again, over a new connection, makes sense at once."""
    if not failure.lost:
        raise failure


async def _roll_back(driver: DriverTransaction, lease: Lease) -> None:
    """End a failed transaction; where that fails too, end its connection, which does the same."""
    try:
        await driver.rollback()
    except FAILURES:
        lease.terminate()


def _lender(settings: DatabaseSettings, size: int, session: dict[str, str]) -> Lender:
    connect = HostByHost(settings.dsn, host_timeout_s=settings.host_timeout_s)
    return Lender(
        partial(
            connect,
            command_timeout=settings.command_timeout_s,
            max_cached_statement_lifetime=0,
            statement_cache_size=500,
            server_settings={"application_name": "scimserver", "timezone": "UTC", **session},
        ),
        size,
        settings.acquire_timeout_s,
    )


_POINT_SETTINGS: Final = {"plan_cache_mode": "force_generic_plan"}
"""Else PostgreSQL plans a statement anew each time where it takes the plan for all values to be dearer:
looking a work e-mail up took three times as long."""


def _search_settings(settings: DatabaseSettings) -> dict[str, str]:
    return {
        "plan_cache_mode": "force_custom_plan",
        "statement_timeout": str(settings.search_timeout_ms),
        "jit": "off",
    }


async def _close(lender: Lender) -> None:
    """Wait briefly for borrowed connections, then end them."""
    try:
        async with asyncio.timeout(5):
            await lender.close()
    except TimeoutError:
        lender.terminate()
