"""Migrations: each file once, whole, in order, whoever starts at the same time."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from scimserver.db.migrate import check, migrate
from scimserver.db.migrations import MigrationError, read
from scimserver.kernel.errors import Unavailable

WriteMigrations = Callable[..., Path]
LOCKED = """
    SELECT EXISTS (
        SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
        WHERE locktype = 'advisory' AND datname = current_database()
    )
"""


@pytest.fixture
def write(tmp_path: Path) -> WriteMigrations:
    """Puts files into a folder of migrations, by name without ending, and gives the folder."""

    def put(**files: str) -> Path:
        for name, sql in files.items():
            (tmp_path / f"{name.removeprefix('m')}.sql").write_text(sql, "utf-8")
        return tmp_path

    return put


@pytest.fixture
async def connection(bare_database_dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """A second connection to the database that is migrated."""
    opened = await asyncpg.connect(bare_database_dsn)
    yield opened
    await opened.close()


async def test_migrate_applies_files_in_order(bare_database_dsn: str, write: WriteMigrations) -> None:
    folder = write(m0001_first="CREATE TABLE t (a int)", m0002_second="ALTER TABLE t ADD b int; ANALYZE t;")
    applied = await migrate(bare_database_dsn, folder=folder)
    assert [(each.version, each.name, each.skipped) for each in applied] == [
        (1, "first", False),
        (2, "second", False),
    ]


async def test_migrate_applies_nothing_twice(bare_database_dsn: str, write: WriteMigrations) -> None:
    folder = write(m0001_first="CREATE TABLE t (a int)")
    await migrate(bare_database_dsn, folder=folder)
    assert await migrate(bare_database_dsn, folder=folder) == []


async def test_migrate_applies_only_what_is_new(bare_database_dsn: str, write: WriteMigrations) -> None:
    await migrate(bare_database_dsn, folder=write(m0001_first="CREATE TABLE t (a int)"))
    applied = await migrate(bare_database_dsn, folder=write(m0002_second="ALTER TABLE t ADD b int"))
    assert [each.version for each in applied] == [2]


async def test_migrate_applies_each_file_once_when_several_start_together(
    bare_database_dsn: str, write: WriteMigrations
) -> None:
    folder = write(
        m0001_first="CREATE TABLE t (a int)",
        m0002_index="-- no-transaction\nCREATE INDEX CONCURRENTLY t_a ON t (a);",
    )
    results = await asyncio.gather(*(migrate(bare_database_dsn, folder=folder) for _ in range(4)))
    assert sorted(len(applied) for applied in results) == [0, 0, 0, 2]


async def test_migrate_keeps_nothing_of_a_file_that_fails(
    bare_database_dsn: str, write: WriteMigrations, connection: asyncpg.Connection
) -> None:
    folder = write(m0001_first="CREATE TABLE t (a int)", m0002_bad="CREATE TABLE u (a int); SELECT 1/0;")
    with pytest.raises(MigrationError, match="0002_bad failed, and nothing of it was kept: division by zero"):
        await migrate(bare_database_dsn, folder=folder)
    assert await connection.fetchval("SELECT to_regclass('u')") is None
    assert [str(pending) for pending in await check(bare_database_dsn, folder=folder)] == ["0002_bad"]


async def test_migrate_goes_on_once_the_file_is_mended(
    bare_database_dsn: str, write: WriteMigrations
) -> None:
    folder = write(m0001_bad="SELECT 1/0")
    with pytest.raises(MigrationError):
        await migrate(bare_database_dsn, folder=folder)
    assert len(await migrate(bare_database_dsn, folder=write(m0001_bad="SELECT 1"))) == 1


@pytest.mark.parametrize("run", [migrate, check])
async def test_changed_file_is_named(
    bare_database_dsn: str, write: WriteMigrations, run: Callable[..., Awaitable[object]]
) -> None:
    await migrate(bare_database_dsn, folder=write(m0001_first="CREATE TABLE t (a int)"))
    with pytest.raises(MigrationError, match=r"0001_first\.sql was changed after it was applied"):
        await run(bare_database_dsn, folder=write(m0001_first="CREATE TABLE t (a bigint)"))


@pytest.mark.parametrize("run", [migrate, check])
async def test_database_newer_than_the_program_is_refused(
    bare_database_dsn: str, write: WriteMigrations, run: Callable[..., Awaitable[object]]
) -> None:
    folder = write(m0001_first="SELECT 1", m0002_later="SELECT 2")
    await migrate(bare_database_dsn, folder=folder)
    (folder / "0002_later.sql").unlink()
    with pytest.raises(MigrationError, match="newer than this program: it has migration 0002_later"):
        await run(bare_database_dsn, folder=folder)


async def test_check_lists_what_is_pending(bare_database_dsn: str, write: WriteMigrations) -> None:
    await migrate(bare_database_dsn, folder=write(m0001_first="SELECT 1"))
    pending = await check(bare_database_dsn, folder=write(m0002_second="SELECT 2"))
    assert [str(migration) for migration in pending] == ["0002_second"]


async def test_check_writes_nothing(
    bare_database_dsn: str, write: WriteMigrations, connection: asyncpg.Connection
) -> None:
    await check(bare_database_dsn, folder=write(m0001_first="CREATE TABLE t (a int)"))
    assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0


async def test_statements_run_outside_a_transaction_when_the_file_says_so(
    bare_database_dsn: str, write: WriteMigrations, connection: asyncpg.Connection
) -> None:
    sql = "-- no-transaction\nCREATE TABLE t (a int);\nCREATE INDEX CONCURRENTLY t_a ON t (a);\n"
    await migrate(bare_database_dsn, folder=write(m0001_index=sql))
    assert await connection.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a'::regclass")


async def test_failure_outside_a_transaction_says_what_may_be_left(
    bare_database_dsn: str, write: WriteMigrations
) -> None:
    folder = write(m0001_index="-- no-transaction\nSELECT 1;\nSELECT 1/0;\n")
    with pytest.raises(MigrationError, match=r"0001_index failed half-way.* INVALID index"):
        await migrate(bare_database_dsn, folder=folder)


@pytest.mark.parametrize(
    "header, skipped",
    [
        ("-- if-available: plpgsql", False),
        ("-- if-available: no_such_extension", True),
        ("-- if-available: plpgsql, no_such_extension", True),
        ("-- A sentence first.\n-- if-available: no_such_extension", True),
        ("-- no-transaction\n-- if-available: no_such_extension", True),
    ],
)
async def test_file_is_skipped_and_recorded_when_an_extension_is_not_to_be_had(
    bare_database_dsn: str, write: WriteMigrations, connection: asyncpg.Connection, header: str, skipped: bool
) -> None:
    await migrate(bare_database_dsn, folder=write(m0001_optional=f"{header}\nCREATE TABLE t (a int);"))
    assert await connection.fetchval("SELECT skipped FROM schema_migrations") is skipped
    assert await connection.fetchval("SELECT to_regclass('t') IS NULL") is skipped


async def test_migrate_gives_up_on_a_table_in_use(
    bare_database_dsn: str, write: WriteMigrations, connection: asyncpg.Connection
) -> None:
    await migrate(bare_database_dsn, folder=write(m0001_first="CREATE TABLE t (a int)"))
    folder = write(m0002_second="ALTER TABLE t ADD b int")
    async with connection.transaction():
        await connection.execute("LOCK TABLE t IN ACCESS SHARE MODE")
        with pytest.raises(MigrationError, match="0002_second waited too long"):
            await migrate(bare_database_dsn, folder=folder, lock_timeout_ms=50)


async def test_migrate_gives_up_on_another_process_that_never_ends(
    bare_database_dsn: str, write: WriteMigrations, connection: asyncpg.Connection
) -> None:
    folder = write(m0001_first="SELECT pg_sleep(60)")
    other = asyncio.create_task(migrate(bare_database_dsn, folder=folder))
    while not await connection.fetchval(LOCKED):
        pass
    with pytest.raises(MigrationError, match="another process has been migrating"):
        await migrate(bare_database_dsn, folder=folder, wait_s=0.05)
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)


async def test_migrate_is_unavailable_when_no_server_answers(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await migrate(f"postgresql:///none?host={tmp_path}", folder=tmp_path)


async def test_migrate_says_so_when_it_may_not_make_its_table(
    bare_database_dsn: str, write: WriteMigrations, connection: asyncpg.Connection
) -> None:
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(MigrationError, match="refused"):
        await migrate(bare_database_dsn, folder=write(m0001_first="SELECT 1"))


@pytest.mark.parametrize(
    "files, complaint",
    [
        ({"m0002_first": ""}, "0002_first.sql stands where number 0001 is due"),
        ({"m0001_a": "", "m0003_b": ""}, "0003_b.sql stands where number 0002 is due"),
        ({"m0001_a": "", "m0001_b": ""}, "0001_b.sql stands where number 0002 is due"),
        ({"m1_first": ""}, "1_first.sql: rename it"),
        ({"m0001_First": ""}, "0001_First.sql: rename it"),
        ({"m0001_a": "SELECT 1;\n-- done\nCOMMIT;"}, "0001_a.sql: take out 'COMMIT'"),
        ({"m0001_a": "begin; SELECT 1"}, "0001_a.sql: take out 'begin'"),
    ],
)
def test_read_refuses_files_that_break_the_rules(
    write: WriteMigrations, files: dict[str, str], complaint: str
) -> None:
    with pytest.raises(MigrationError, match=complaint):
        read(write(**files))


def test_read_takes_a_function_s_body_for_what_it_is(write: WriteMigrations) -> None:
    folder = write(m0001_a="CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;")
    assert [str(migration) for migration in read(folder)] == ["0001_a"]


async def test_own_migrations_leave_nothing_pending(database_dsn: str) -> None:
    assert await check(database_dsn) == []
