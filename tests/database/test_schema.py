"""The schema: it is what its migrations make, and every query of ours fits it."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

import asyncpg
import pytest

from scimserver.db import queries
from scimserver.db.queries import Query, alone, compose, load, sql_folder, standing
from scimserver.directory import views

CATALOGUES = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, co.collname,
               pg_get_expr(d.adbin, d.adrelid)
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
        LEFT JOIN pg_collation AS co ON co.oid = a.attcollation
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
        ORDER BY c.relname, a.attname
    """,
    "storage": """
        SELECT relname, reloptions FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'm') ORDER BY relname
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
        ORDER BY conrelid::regclass::text, conname
    """,
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 2",
    "sequences": "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1",
    "triggers": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
    "functions": "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
    "extensions": "SELECT extname FROM pg_extension ORDER BY 1",
}
LEDGER = "schema_migrations"
"""The table that the runner of migrations makes for itself: no migration, so not in schema.sql."""


def _statements() -> Iterator[Query]:
    """Every statement that the server may send by name, with both ways of recording a change."""
    audit = load("audit")
    records = [audit.record(name) for name in audit.records()]
    for path in sorted((sql_folder() / "queries").glob("*.sql")):
        blocks = load(path.stem)
        yield from blocks.values()
        for name in blocks.changes():
            yield alone(blocks.change(name))
            yield from (compose(blocks.change(name), record) for record in records)
        for name in blocks.records():
            yield standing(blocks.record(name))
    yield from (query for query in vars(views).values() if isinstance(query, Query))


STATEMENTS = {query.name: query for query in _statements()}


class Administration(Protocol):
    """What makes databases (tests/conftest.py)."""

    def database(self, how: str = "") -> AbstractContextManager[str]:
        """The DSN of a new database, dropped after the block."""
        ...


@pytest.fixture(scope="module")
def migrated_dsn(database_administration: Administration, database_template: str) -> Generator[str]:
    """The DSN of a migrated database, which the tests of this module only look at."""
    with database_administration.database(f"TEMPLATE {database_template} STRATEGY file_copy") as dsn:
        yield dsn


@pytest.fixture(scope="module")
def stated_dsn(database_administration: Administration) -> Generator[str]:
    """The DSN of a database made from schema.sql, which the tests of this module only look at."""
    with database_administration.database() as dsn:
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            runner.run(_build(dsn))
        yield dsn


@pytest.fixture
async def connection(migrated_dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """A connection to a migrated database."""
    opened = await asyncpg.connect(migrated_dsn)
    yield opened
    await opened.close()


async def _build(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute((sql_folder() / "schema.sql").read_text("utf-8"))
    await connection.close()


async def _catalogue(dsn: str, question: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = [tuple(row.values()) for row in await connection.fetch(question)]
    finally:
        await connection.close()
    return [row for row in rows if row[0] != LEDGER]


@pytest.mark.parametrize("what", CATALOGUES)
async def test_schema_file_is_the_sum_of_the_migrations(
    what: str, migrated_dsn: str, stated_dsn: str
) -> None:
    stated = await _catalogue(stated_dsn, CATALOGUES[what])
    assert stated == await _catalogue(migrated_dsn, CATALOGUES[what])


@pytest.mark.parametrize("name", sorted(STATEMENTS))
async def test_query_fits_the_schema(name: str, connection: asyncpg.Connection) -> None:
    await connection.prepare(STATEMENTS[name].sql)


async def test_query_that_does_not_fit_is_found(connection: asyncpg.Connection) -> None:
    stranger = queries.parse("-- name: stranger\nSELECT no_such_column FROM users", source="x.sql")
    with pytest.raises(asyncpg.UndefinedColumnError):
        await connection.prepare(stranger["stranger"].sql)


async def test_schema_has_no_triggers_and_no_functions(connection: asyncpg.Connection) -> None:
    assert await connection.fetch(CATALOGUES["triggers"]) == []
    assert await connection.fetch(CATALOGUES["functions"]) == []


async def test_schema_requires_no_extension(connection: asyncpg.Connection) -> None:
    assert [row["extname"] for row in await connection.fetch(CATALOGUES["extensions"])] == ["plpgsql"]


async def test_log_has_no_foreign_key(connection: asyncpg.Connection) -> None:
    keys = await connection.fetch(
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = 'log_entries'::regclass"
    )
    assert keys == []
