"""Brings the schema up to date: forward only, each file once, whoever starts at the same time.

One session holds an advisory lock and applies what is pending; the others wait, then find nothing
to do. The table `schema_migrations` says which files were applied, with their digests: a file
that changed afterwards, or a database that is newer than the code, stops the start.
Proven by tests/database/test_migrate.py.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from scimserver.db import sqltext
from scimserver.db.failures import FAILURES, unreachable
from scimserver.db.hosts import HostByHost
from scimserver.db.migrations import Migration, MigrationError, read
from scimserver.db.queries import sql_folder

_LOCK = 0x5C1_5E17E5
"""Any number would do; it must stay the same in all releases."""
_POLL_S = 0.1
_HOST_TIMEOUT_S = 5.0

_TRY_LOCK = "SELECT pg_try_advisory_lock($1)"
_LEDGER = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
        version integer CONSTRAINT schema_migrations_pkey PRIMARY KEY,
        name text NOT NULL,
        sha256 text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(),
        duration_ms integer NOT NULL,
        skipped boolean NOT NULL
    )
"""
_HAS_LEDGER = "SELECT to_regclass('schema_migrations') IS NOT NULL"
_APPLIED = "SELECT version, name, sha256 FROM schema_migrations ORDER BY version"
_RECORD = """
    INSERT INTO schema_migrations (version, name, sha256, duration_ms, skipped)
    VALUES ($1, $2, $3, $4, $5)
"""
_AVAILABLE = """
    SELECT count(DISTINCT e.name) = cardinality($1::text[])
    FROM pg_available_extension_versions AS e
    WHERE e.name = ANY ($1)
      AND (
        EXISTS (SELECT FROM pg_extension WHERE extname = e.name)
        OR NOT e.superuser
        OR (e.trusted AND has_database_privilege(current_database(), 'CREATE'))
        OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
      )
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A migration that this call applied."""

    version: int
    name: str
    duration_ms: int
    skipped: bool
    """Whether its statements were left out because an extension is not to be had."""


async def migrate(
    dsn: str, *, folder: Path | None = None, lock_timeout_ms: int = 5_000, wait_s: float = 300.0
) -> list[Applied]:
    """Apply what is pending, and say what that was: nothing, if another process was faster.

    Each file waits at most `lock_timeout_ms` for a table that others use; `wait_s` seconds is how
    long to wait for another process that is migrating.
    Raises `MigrationError`, or `Unavailable` when no server answers.
    """
    migrations = read(folder or sql_folder() / "migrations")
    async with _connected(dsn, lock_timeout_ms) as connection:
        await _lock(connection, wait_s)
        await connection.execute(_LEDGER)
        pending = await _pending(connection, migrations)
        return [await _apply(connection, migration) for migration in pending]


async def check(dsn: str, *, folder: Path | None = None) -> list[Migration]:
    """What `migrate` would apply, without applying it.

    Raises `MigrationError` on drift or on a newer database, `Unavailable` when no server answers.
    """
    migrations = read(folder or sql_folder() / "migrations")
    async with _connected(dsn, lock_timeout_ms=0) as connection:
        if not await connection.fetchval(_HAS_LEDGER):
            return migrations
        return await _pending(connection, migrations)


@asynccontextmanager
async def _connected(dsn: str, lock_timeout_ms: int) -> AsyncGenerator[asyncpg.Connection]:
    """A connection of its own: an advisory lock must not outlive its borrower in a pool."""
    connect = HostByHost(dsn, host_timeout_s=_HOST_TIMEOUT_S)
    settings = {"application_name": "scimserver migrate", "lock_timeout": str(lock_timeout_ms)}
    try:
        connection = await connect(server_settings=settings, timeout=_HOST_TIMEOUT_S)
    except asyncpg.ClientConfigurationError as error:
        raise MigrationError(f"the database's address is malformed: {error}") from error
    except FAILURES as error:
        raise unreachable(error) from error
    try:
        yield connection
    except FAILURES as error:
        raise MigrationError(f"the database refused a step of the migration itself: {error}") from error
    finally:
        await connection.close()


async def _lock(connection: asyncpg.Connection, wait_s: float) -> None:
    """Ask again and again: a session that waits inside one statement holds a snapshot, for which
    a `CREATE INDEX CONCURRENTLY` of the lock's holder would wait in turn.
    """
    try:
        async with asyncio.timeout(wait_s):
            while not await connection.fetchval(_TRY_LOCK, _LOCK):  # noqa: ASYNC110 - held by another process
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise MigrationError(
            f"another process has been migrating for {wait_s:.0f} s: wait for it, or end it"
        ) from None


async def _pending(connection: asyncpg.Connection, migrations: list[Migration]) -> list[Migration]:
    known = {migration.version: migration for migration in migrations}
    rows = await connection.fetch(_APPLIED)
    for row in rows:
        migration = known.pop(row["version"], None)
        if migration is None:
            raise MigrationError(
                f"the database is newer than this program: it has migration {row['version']:04d}"
                f"_{row['name']}; install the release that brought it, or a later one"
            )
        if migration.sha256 != row["sha256"]:
            raise MigrationError(
                f"{migration}.sql was changed after it was applied: restore the file as released,"
                " and put the change into a new migration"
            )
    return list(known.values())


async def _apply(connection: asyncpg.Connection, migration: Migration) -> Applied:
    started = time.monotonic()
    try:
        skipped = not await connection.fetchval(_AVAILABLE, list(migration.extensions))
        if migration.in_transaction:
            async with connection.transaction():
                if not skipped:
                    await connection.execute(migration.sql)
                return await _record(connection, migration, started, skipped=skipped)
        for statement in [] if skipped else sqltext.statements(migration.sql):
            await connection.execute(statement)
        return await _record(connection, migration, started, skipped=skipped)
    except FAILURES as error:
        raise _failure(migration, error) from error


async def _record(
    connection: asyncpg.Connection, migration: Migration, started: float, *, skipped: bool
) -> Applied:
    duration_ms = round((time.monotonic() - started) * 1000)
    await connection.execute(
        _RECORD, migration.version, migration.name, migration.sha256, duration_ms, skipped
    )
    return Applied(version=migration.version, name=migration.name, duration_ms=duration_ms, skipped=skipped)


def _failure(migration: Migration, error: Exception) -> MigrationError:
    if isinstance(error, asyncpg.LockNotAvailableError):
        return MigrationError(
            f"{migration} waited too long for a table in use; nothing of it was kept:"
            " try again, at a quieter time"
        )
    if migration.in_transaction:
        return MigrationError(f"{migration} failed, and nothing of it was kept: {error}")
    return MigrationError(
        f"{migration} failed half-way: {error}; drop an INVALID index that it may have left,"
        " then migrate again"
    )
