"""Units of work as tests of them meet them: things to change, and all that a commit leaves behind."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from scimserver.db.pool import Database
from scimserver.db.queries import parse
from scimserver.kernel.actor import Origin, operator
from scimserver.kernel.errors import AlreadyTaken
from scimserver.kernel.facts import (
    Change,
    UserDeleted,
    UserUnchanged,
    UserUpdated,
)
from scimserver.kernel.ids import OrganizationId
from scimserver.work import Broken, Work, WorkRoom

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
ORGANIZATION = OrganizationId(UUID(int=1))
TARGET = UUID(int=7)
ACTOR = operator("tests", ORGANIZATION)
ORIGIN = Origin(request_id="r-1", client_address="192.0.2.7", method="PATCH", path="/Users/{id}")
RENAMED = UserUpdated(
    target=TARGET,
    display="ada@example.com",
    changes=(Change(path="displayName", old="Ada", new="Countess"), Change(path="title", new="Dr")),
)
UNCHANGED = UserUnchanged(target=TARGET, display="ada@example.com")
DELETED = UserDeleted(target=TARGET)

CLAUSES = parse(
    """
-- change: make
-- A thing.  $1 name
change AS (INSERT INTO things (name) VALUES ($1) RETURNING name)

-- change: rename
-- A thing's next version, if it still is the one that was read.  $1 name, $2 title, $3 version
change AS (
    UPDATE things SET title = $2, version = version + 1 WHERE name = $1 AND version = $3 RETURNING name
)

-- name: read
-- A thing.  $1 name
SELECT title, version FROM things WHERE name = $1;

-- name: seize
-- A thing, held, or an error at once.  $1 name
SELECT title, version FROM things WHERE name = $1 FOR UPDATE NOWAIT;
""",
    source="things.sql",
)
MAKE, RENAME, READ, SEIZE = (
    CLAUSES.change("make"),
    CLAUSES.change("rename"),
    CLAUSES["read"],
    CLAUSES["seize"],
)
TAKEN = {"things_pkey": lambda: AlreadyTaken("There is one already.")}
TABLES = ("things", "log_entries", "log_values", "outbox")
_ALL = "SELECT *, xmin::text AS by_transaction, cmin::text AS by_statement FROM"
READING = {
    "things": f"{_ALL} things ORDER BY name",
    "log_entries": f"{_ALL} log_entries ORDER BY id",
    "log_values": """
        SELECT v.org_id, v.entry_id, nullif(v.subject, '00000000-0000-0000-0000-000000000000') AS subject,
               f.key AS field, decode(f.value ->> 0, 'hex') AS salt, f.value ->> 1 AS value,
               v.xmin::text AS by_transaction, v.cmin::text AS by_statement
        FROM log_values AS v, json_each(v.kept::json) AS f ORDER BY v.entry_id, f.key""",
    "outbox": f"{_ALL} outbox ORDER BY id",
}

Rows = Callable[[str], Awaitable[list[dict[str, Any]]]]


@pytest.fixture
async def connection(database_dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """Another connection to the database of the work, which has a table of things."""
    opened = await asyncpg.connect(database_dsn)
    await opened.execute(
        "CREATE TABLE things (name text PRIMARY KEY, title text, version int NOT NULL DEFAULT 1)"
    )
    yield opened
    await opened.close()


@pytest.fixture
def rows(connection: asyncpg.Connection) -> Rows:
    """Reads a whole table, in order of creation, with what PostgreSQL knows of each row's writing.

    Of `log_values` each field by itself.
    """

    async def read(table: str) -> list[dict[str, Any]]:
        return [dict(row) for row in await connection.fetch(READING[table])]

    return read


@pytest.fixture
def room(database: Database, connection: asyncpg.Connection) -> WorkRoom:
    """Where works are made, at a fixed time."""
    return WorkRoom(database, clock=lambda: NOW)


@pytest.fixture
def open_work(room: WorkRoom) -> Callable[..., Work]:
    """Makes a work of the operator."""

    def make(*, lock: bool = False) -> Work:
        return room.open(ACTOR, ORIGIN, lock=lock)

    return make


@pytest.fixture
async def thing(open_work: Callable[..., Work]) -> str:
    """The name of a thing of version 1, whose making is not on record."""
    async with open_work() as work:
        work.change(MAKE, "thing")
    return "thing"


async def commit(work: Work, *changes: tuple[Any, ...], broken: Broken | None = None) -> None:
    """Stages changes, each a clause with its arguments, notes a fact, and ends the work."""
    async with work:
        for clause, *arguments in changes:
            work.change(clause, *arguments, broken=broken)
        work.note(RENAMED)


async def counts(rows: Rows) -> dict[str, int]:
    return {table: len(await rows(table)) for table in TABLES}


async def written_by(rows: Rows, which: str) -> set[str]:
    return {row[which] for table in TABLES for row in await rows(table)}
