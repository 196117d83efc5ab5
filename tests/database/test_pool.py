"""The pools: what each promises its connections, and what happens when one breaks."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from scimserver.db.hosts import HostByHost, split
from scimserver.db.pool import Database, DatabaseSettings
from scimserver.db.queries import Query
from scimserver.kernel.errors import Conflicted, TooMany, Unavailable

ONE = Query("one", "", "SELECT 1 AS one")
NOTHING = Query("nothing", "", "SELECT 1 WHERE false")
SLEEP = Query("sleep", "", "SELECT pg_sleep(60)")
PROCESS = Query("process", "", "SELECT pg_backend_pid()")
DIE = Query("die", "", "SELECT pg_terminate_backend(pg_backend_pid())")
SETTING = Query("setting", "", "SELECT current_setting($1)")
MAKE = Query("make", "", "INSERT INTO things VALUES ($1)")
COUNT = Query("count", "", "SELECT count(*) FROM things")


@pytest.fixture
def settings(bare_database_dsn: str) -> DatabaseSettings:
    """One connection of each kind, on an empty database."""
    return DatabaseSettings(dsn=bare_database_dsn, points_size=1, searches_size=1)


@pytest.fixture
async def things(settings: DatabaseSettings) -> AsyncGenerator[Database]:
    """A database with a table of numbers."""
    async with Database.open(settings) as database:
        await database.fetch(Query("create", "", "CREATE TABLE things (number int PRIMARY KEY)"))
        yield database


@pytest.fixture
def frozen_server(tmp_path: Path) -> Callable[[], AbstractAsyncContextManager[list[int]]]:
    """A server in `tmp_path` that takes connections and never answers; it counts them."""

    @asynccontextmanager
    async def freeze() -> AsyncGenerator[list[int]]:
        calls: list[int] = []

        async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            calls.append(len(calls))
            await reader.read()
            await reader.read()
            writer.close()

        async with await asyncio.start_unix_server(stay_silent, tmp_path / ".s.PGSQL.5432"):
            yield calls

    return freeze


async def test_fetch_gives_all_rows(things: Database) -> None:
    rows = await things.fetch(Query("series", "", "SELECT generate_series(1, $1::int)"), 3)
    assert [row[0] for row in rows] == [1, 2, 3]


async def test_fetchrow_gives_the_first_row(things: Database) -> None:
    assert await things.fetchrow(ONE) == (1,)


async def test_fetchrow_gives_none_when_there_is_no_row(things: Database) -> None:
    assert await things.fetchrow(NOTHING) is None


async def test_fetchval_gives_the_first_column(things: Database) -> None:
    assert await things.fetchval(ONE) == 1


async def test_fetchval_gives_none_when_there_is_no_row(things: Database) -> None:
    assert await things.fetchval(NOTHING) is None


@pytest.mark.parametrize(
    "name, value",
    [("synchronous_commit", "on"), ("TimeZone", "UTC"), ("plan_cache_mode", "force_generic_plan")],
)
async def test_points_keep_what_was_promised_of_sessions(things: Database, name: str, value: str) -> None:
    assert await things.fetchval(SETTING, name) == value


@pytest.mark.parametrize(
    "name, value",
    [("plan_cache_mode", "force_custom_plan"), ("jit", "off"), ("statement_timeout", "5s")],
)
async def test_searches_run_on_sessions_of_their_own_kind(things: Database, name: str, value: str) -> None:
    assert await things.search(SETTING, name) == [(value,)]


async def test_search_is_refused_when_it_takes_too_long(settings: DatabaseSettings) -> None:
    async with Database.open(replace(settings, search_timeout_ms=20)) as database:
        with pytest.raises(TooMany):
            await database.search(SLEEP)
        assert await database.search(ONE) == [(1,)]


async def test_statement_without_answer_breaks_its_connection(settings: DatabaseSettings) -> None:
    async with Database.open(replace(settings, command_timeout_s=0.2)) as database:
        before = await database.fetchval(PROCESS)
        with pytest.raises(Unavailable):
            await database.fetchval(SLEEP)
        assert await database.fetchval(PROCESS) != before


async def test_ended_connection_is_unavailable_once(things: Database) -> None:
    with pytest.raises(Unavailable):
        await things.fetchval(DIE)
    assert await things.fetchval(ONE) == 1


async def test_ended_connection_is_unavailable_in_a_transaction(things: Database) -> None:
    with pytest.raises(Unavailable):
        async with things.transaction() as transaction:
            await transaction.fetchval(DIE)
    assert await things.fetchval(ONE) == 1


async def test_ended_connection_is_noticed_at_the_commit(
    things: Database, settings: DatabaseSettings
) -> None:
    other = await asyncpg.connect(settings.dsn)
    with pytest.raises(Unavailable):
        async with things.transaction() as transaction:
            await other.fetchval("SELECT pg_terminate_backend($1, 5000)", await transaction.fetchval(PROCESS))
    await other.close()


async def test_waiting_for_a_connection_has_an_end(settings: DatabaseSettings) -> None:
    async with (
        Database.open(replace(settings, acquire_timeout_s=0.5)) as database,
        database.transaction(),
    ):
        with pytest.raises(Unavailable):
            await database.fetch(ONE)


async def test_open_is_unavailable_when_no_server_answers(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        async with Database.open(DatabaseSettings(dsn=f"postgresql:///none?host={tmp_path}")):
            pass


async def test_transaction_keeps_its_changes(things: Database) -> None:
    async with things.transaction() as transaction:
        await transaction.execute(MAKE, 1)
    assert await things.fetchval(COUNT) == 1


async def test_transaction_sees_its_own_changes(things: Database) -> None:
    async with things.transaction() as transaction:
        await transaction.execute(MAKE, 1)
        assert await transaction.fetchrow(COUNT) == (1,)


async def test_transaction_takes_everything_back_when_its_block_raises(things: Database) -> None:
    async def fail() -> None:
        async with things.transaction() as transaction:
            await transaction.execute(MAKE, 1)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await things.fetchval(COUNT) == 0


async def test_transaction_passes_on_an_error_that_is_not_the_database_s(things: Database) -> None:
    with pytest.raises(ConnectionResetError):
        async with things.transaction():
            raise ConnectionResetError("by a mail server")


async def test_cancelled_statement_leaves_a_connection_that_works(things: Database) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await things.fetch(SLEEP)
    assert await things.fetchval(ONE) == 1


async def test_cancelled_transaction_takes_everything_back(things: Database) -> None:
    async def dawdle() -> None:
        async with things.transaction() as transaction:
            await transaction.execute(MAKE, 1)
            await transaction.fetch(SLEEP)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(dawdle(), 0.2)
    assert await things.fetchval(COUNT) == 0


async def test_deadlock_lets_one_conflict_and_the_other_go_on(settings: DatabaseSettings) -> None:
    lock = Query("lock", "", "SELECT pg_advisory_xact_lock($1)")
    hurry = Query("hurry", "", "SET LOCAL deadlock_timeout = '10ms'")
    meeting = asyncio.Barrier(2)

    async def cross(database: Database, first: int, second: int) -> None:
        async with database.transaction() as transaction:
            await transaction.execute(hurry)
            await transaction.execute(lock, first)
            await meeting.wait()
            await transaction.execute(lock, second)

    async with Database.open(replace(settings, points_size=2)) as database:
        outcome = await asyncio.gather(cross(database, 1, 2), cross(database, 2, 1), return_exceptions=True)
    assert [type(error) for error in outcome if error] == [Conflicted]


async def test_plan_outdated_by_a_migration_is_a_conflict_in_a_transaction(
    things: Database, settings: DatabaseSettings
) -> None:
    everything = Query("everything", "", "SELECT * FROM things")
    await things.fetch(everything)
    other = await asyncpg.connect(settings.dsn)
    await other.execute("ALTER TABLE things ADD COLUMN more int")
    await other.close()
    with pytest.raises(Conflicted):
        async with things.transaction() as transaction:
            await transaction.fetch(everything)
    assert await things.fetch(everything) == []


@pytest.mark.parametrize(
    "dsn, hosts",
    [
        ("postgresql://app:pw@a/db", ["postgresql://app:pw@a/db"]),
        (
            "postgresql://app:pw@a:1,b:2/db?x=y",
            ["postgresql://app:pw@a:1/db?x=y", "postgresql://app:pw@b:2/db?x=y"],
        ),
        ("postgresql://[::1]:1,b/db", ["postgresql://[::1]:1/db", "postgresql://b/db"]),
        (
            "postgresql:///db?host=a,b&port=1,2",
            ["postgresql:///db?host=a&port=1", "postgresql:///db?host=b&port=2"],
        ),
        (
            "postgresql:///db?host=a,b&port=1",
            ["postgresql:///db?host=a&port=1", "postgresql:///db?host=b&port=1"],
        ),
        ("postgresql:///db?host=a,b", ["postgresql:///db?host=a", "postgresql:///db?host=b"]),
    ],
)
def test_split_gives_a_dsn_for_each_host(dsn: str, hosts: list[str]) -> None:
    assert split(dsn) == hosts


async def test_connecting_tries_the_next_host_when_one_is_frozen(
    bare_database_dsn: str,
    tmp_path: Path,
    frozen_server: Callable[[], AbstractAsyncContextManager[list[int]]],
) -> None:
    connect = HostByHost(
        bare_database_dsn.replace("?host=", f"?host={quote(str(tmp_path), safe='')},"), host_timeout_s=0.3
    )
    async with frozen_server() as calls:
        for _ in range(2):
            connection = await connect()
            await connection.close()
    assert len(calls) == 1, "the host that answered is asked first from then on"


async def test_connecting_fails_with_the_last_host_s_error(tmp_path: Path) -> None:
    connect = HostByHost(f"postgresql:///db?host={tmp_path}/a,{tmp_path}/b", host_timeout_s=0.3)
    with pytest.raises(FileNotFoundError):
        await connect()
