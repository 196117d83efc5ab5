"""What a database's errors become, by way of a real server."""

import asyncpg
import pytest

from scimserver.db import violations
from scimserver.db.pool import Database
from scimserver.db.queries import Query
from scimserver.db.violations import ConstraintViolated, ViolationKind
from scimserver.kernel.errors import AlreadyTaken, Conflicted, Unavailable

TABLES = """
    CREATE TABLE parents (id int CONSTRAINT parents_pkey PRIMARY KEY);
    CREATE TABLE children (
        id int CONSTRAINT children_pkey PRIMARY KEY,
        parent int CONSTRAINT children_parent_fkey REFERENCES parents ON DELETE RESTRICT,
        label text NOT NULL CONSTRAINT children_label_check CHECK (label <> ''),
        later int CONSTRAINT children_later_key UNIQUE DEFERRABLE INITIALLY DEFERRED,
        span int4range,
        CONSTRAINT children_span_excl EXCLUDE USING gist (span WITH &&)
    );
    INSERT INTO parents VALUES (1);
    INSERT INTO children VALUES (1, 1, 'a', 1, '[1,5)')
"""
VIOLATIONS = [
    ("INSERT INTO children VALUES (1, 1, 'b')", "children_pkey", ViolationKind.UNIQUE),
    ("INSERT INTO children VALUES (2, 9, 'b')", "children_parent_fkey", ViolationKind.FOREIGN_KEY),
    ("DELETE FROM parents", "children_parent_fkey", ViolationKind.FOREIGN_KEY),
    ("INSERT INTO children VALUES (2, 1, '')", "children_label_check", ViolationKind.CHECK),
    ("INSERT INTO children VALUES (2, 1, NULL)", "children.label", ViolationKind.NOT_NULL),
    ("INSERT INTO children VALUES (2, 1, 'b', 2, '[4,9)')", "children_span_excl", ViolationKind.EXCLUSION),
]


@pytest.fixture
async def tables(database: Database, database_dsn: str) -> Database:
    """A database with two tables full of constraints."""
    connection = await asyncpg.connect(database_dsn)
    await connection.execute(TABLES)
    await connection.close()
    return database


@pytest.mark.parametrize("sql, name, kind", VIOLATIONS)
async def test_broken_constraint_is_told_by_name_and_kind(
    tables: Database, sql: str, name: str, kind: ViolationKind
) -> None:
    with pytest.raises(ConstraintViolated) as raised:
        await tables.fetch(Query("break", "", sql))  # pyright: ignore[reportArgumentType] - a table's text
    assert (raised.value.constraint_name, raised.value.kind) == (name, kind)


async def test_deferred_constraint_is_told_when_the_transaction_ends(tables: Database) -> None:
    with pytest.raises(ConstraintViolated, match="children_later_key"):
        async with tables.transaction() as transaction:
            await transaction.execute(Query("repeat", "", "INSERT INTO children VALUES (2, 1, 'b', 1)"))


@pytest.mark.parametrize("method", ["fetch", "fetchrow", "fetchval", "execute"])
async def test_broken_constraint_is_told_inside_a_transaction(tables: Database, method: str) -> None:
    async with tables.transaction() as transaction:
        with pytest.raises(ConstraintViolated, match="parents_pkey"):
            await getattr(transaction, method)(Query("repeat", "", "INSERT INTO parents VALUES (1)"))


@pytest.mark.parametrize(
    "state, expected",
    [
        ("40001", Conflicted),
        ("40P01", Conflicted),
        ("08006", Unavailable),
        ("25006", Unavailable),
        ("25P03", Unavailable),
        ("53100", Unavailable),
        ("53300", Unavailable),
        ("55P03", Unavailable),
        ("57014", Unavailable),
        ("57P01", Unavailable),
        ("57P02", Unavailable),
        ("57P03", Unavailable),
        ("58030", Unavailable),
        ("22003", asyncpg.NumericValueOutOfRangeError),
        ("22021", asyncpg.CharacterNotInRepertoireError),
        ("22P05", asyncpg.UntranslatableCharacterError),
        ("42501", asyncpg.InsufficientPrivilegeError),
        ("42P01", asyncpg.UndefinedTableError),
        ("P0001", asyncpg.RaiseError),
    ],
)
async def test_error_of_the_server_becomes_ours_or_stays(
    database: Database, state: str, expected: type[Exception]
) -> None:
    sql = f"DO $$ BEGIN RAISE EXCEPTION SQLSTATE '{state}'; END $$"
    with pytest.raises(expected):
        await database.fetch(Query("fail", "", sql))  # pyright: ignore[reportArgumentType] - a table's text
    assert await database.fetchval(Query("go_on", "", "SELECT 1")) == 1


async def test_nul_in_a_text_stays_a_data_error(database: Database) -> None:
    with pytest.raises(asyncpg.CharacterNotInRepertoireError):
        await database.fetchval(Query("echo", "", "SELECT $1::text"), "a\0b")


@pytest.mark.parametrize(
    "query, arguments, expected",
    [
        (Query("too_few", "", "SELECT $1::int"), (), asyncpg.InterfaceError),
        (Query("wrong_type", "", "SELECT $1::int"), ("text",), asyncpg.DataError),
    ],
)
async def test_mistake_of_ours_in_the_arguments_stays_as_it_is(
    database: Database, query: Query, arguments: tuple[object, ...], expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        await database.fetch(query, *arguments)


def test_translate_gives_the_refusal_of_the_constraint() -> None:
    error = ConstraintViolated("users_name_key", ViolationKind.UNIQUE)
    refusal = AlreadyTaken("the name is taken")
    assert violations.translate(error, {"users_name_key": lambda: refusal}) is refusal


def test_translate_leaves_a_constraint_that_the_table_does_not_know() -> None:
    error = ConstraintViolated("users_role_fkey", ViolationKind.FOREIGN_KEY)
    assert violations.translate(error, {}) is error
