"""Connections that died: which calls are asked again, and which are not."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import asyncpg
import pytest

from scimserver.db.failures import DatabaseUnavailable
from scimserver.db.pool import Database, DatabaseSettings
from scimserver.db.queries import Query

PROCESS = Query("process", "", "SELECT pg_backend_pid()")
TICK = Query("tick", "", "SELECT nextval('ticks')")
TICK_AND_DIE = Query("die", "", "SELECT nextval('ticks'), pg_terminate_backend(pg_backend_pid())")
SIZE = 3


@pytest.fixture
async def killer(bare_database_dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """A connection past the pool."""
    connection = await asyncpg.connect(bare_database_dsn)
    await connection.execute("CREATE SEQUENCE ticks")
    yield connection
    await connection.close()


@pytest.fixture
def settings(bare_database_dsn: str) -> DatabaseSettings:
    """A few connections of each kind."""
    return DatabaseSettings(dsn=bare_database_dsn, points_size=SIZE, searches_size=SIZE)


@pytest.fixture
async def database(killer: asyncpg.Connection, settings: DatabaseSettings) -> AsyncGenerator[Database]:
    """A database whose connections lie idle."""
    async with Database.open(settings) as database:
        await opened(database)
        yield database


async def opened(database: Database) -> None:
    """Open every connection of the points."""
    async with database.transaction(), database.transaction():
        await database.fetch(PROCESS)


async def kill_idle_connections(killer: asyncpg.Connection) -> None:
    """End every session but this one, as a restart of the server does."""
    ended = await killer.fetch(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    assert len(ended) >= SIZE


@pytest.mark.parametrize("method", ["fetch", "fetchrow", "fetchval", "search"])
async def test_reading_is_not_disturbed_when_idle_connections_have_died(
    database: Database, killer: asyncpg.Connection, method: str
):
    await getattr(database, method)(PROCESS)
    await kill_idle_connections(killer)
    assert await getattr(database, method)(PROCESS)


async def test_transaction_begins_when_idle_connections_have_died(
    database: Database, killer: asyncpg.Connection
):
    await kill_idle_connections(killer)
    async with database.transaction() as transaction:
        assert await transaction.fetchval(PROCESS)


async def test_reading_is_asked_twice_at_most(database: Database, killer: asyncpg.Connection):
    with pytest.raises(DatabaseUnavailable) as caught:
        await database.fetch(TICK_AND_DIE)
    assert caught.value.lost
    assert await killer.fetchval(TICK.sql) == 3


async def test_writing_is_never_repeated_and_is_in_doubt(database: Database, killer: asyncpg.Connection):
    with pytest.raises(DatabaseUnavailable) as caught:
        await database.write(TICK_AND_DIE)
    assert caught.value.in_doubt
    assert await killer.fetchval(TICK.sql) == 2


async def test_reading_that_takes_too_long_is_not_asked_again(
    killer: asyncpg.Connection, settings: DatabaseSettings
):
    slow = Query("slow", "", "SELECT nextval('ticks'), pg_sleep(60)")
    async with Database.open(replace(settings, command_timeout_s=0.2)) as database:
        with pytest.raises(DatabaseUnavailable) as caught:
            await database.fetch(slow)
    assert (caught.value.lost, caught.value.in_doubt) == (False, True)
    assert await killer.fetchval(TICK.sql) == 2


async def test_statement_that_fails_within_a_transaction_is_not_in_doubt(database: Database):
    with pytest.raises(DatabaseUnavailable) as caught:
        async with database.transaction() as transaction:
            await transaction.fetchrow(TICK_AND_DIE)
    assert not caught.value.in_doubt


async def test_commit_that_fails_is_in_doubt(database: Database, killer: asyncpg.Connection):
    async def lose() -> None:
        async with database.transaction() as transaction:
            pid = await transaction.fetchval(PROCESS)
            await killer.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)

    with pytest.raises(DatabaseUnavailable) as caught:
        await lose()
    assert caught.value.in_doubt


async def test_connections_opened_before_one_broke_are_replaced(
    database: Database, killer: asyncpg.Connection
):
    old = {row[0] for row in await killer.fetch("SELECT pid FROM pg_stat_activity WHERE pid IS NOT NULL")}
    with pytest.raises(DatabaseUnavailable):
        await database.write(TICK_AND_DIE)
    async with database.transaction() as first, database.transaction() as second:
        new = {
            await first.fetchval(PROCESS),
            await second.fetchval(PROCESS),
            await database.fetchval(PROCESS),
        }
    assert new & old == set()
