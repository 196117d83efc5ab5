"""Named queries: what a file may hold, and how a change and its record become one statement."""

from collections.abc import AsyncGenerator
from pathlib import Path

import asyncpg
import pytest

from scimserver.db import queries, sqltext
from scimserver.db.queries import Queries, Query, QueryFileError, UnknownQuery

FILE = """
-- Things of a test.

-- name: count_things
-- How many there are.
-- $1 organisation
SELECT count(*) -- not $7
FROM things WHERE org_id = $1 AND label <> '$9; -- no comment';

-- change: insert_thing
-- A thing is made.
change AS (INSERT INTO things (org_id, label) VALUES ($1, $2) RETURNING org_id)

-- record: note_it
-- Who did it.
noted AS (INSERT INTO notes (org_id, who, said) SELECT org_id, $1, $2 || ' costs $1' FROM change)
"""


@pytest.fixture
def parsed() -> Queries:
    """The blocks of the file above."""
    return queries.parse(FILE, source="things.sql")


@pytest.fixture
async def connection(bare_database_dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """A connection to a database with the two tables that the file speaks of."""
    opened = await asyncpg.connect(bare_database_dsn)
    await opened.execute("CREATE TABLE things (org_id int, label text UNIQUE)")
    await opened.execute("CREATE TABLE notes (org_id int, who text, said text)")
    yield opened
    await opened.close()


def test_query_has_its_purpose_and_its_statement_without_comments(parsed: Queries) -> None:
    assert parsed["count_things"] == Query(
        "count_things",
        "How many there are. $1 organisation",
        "SELECT count(*)\nFROM things WHERE org_id = $1 AND label <> '$9; -- no comment'",
    )


def test_queries_list_complete_statements_only(parsed: Queries) -> None:
    assert list(parsed) == ["count_things"]


def test_queries_name_their_clauses(parsed: Queries) -> None:
    assert (parsed.changes(), parsed.records()) == (["insert_thing"], ["note_it"])


def test_compose_moves_the_record_s_parameters_behind_the_change_s(parsed: Queries) -> None:
    query = queries.compose(parsed.change("insert_thing"), parsed.record("note_it"))
    assert "SELECT org_id, $3, $4 || ' costs $1' FROM change" in query.sql


def test_compose_is_named_after_both_clauses(parsed: Queries) -> None:
    query = queries.compose(parsed.change("insert_thing"), parsed.record("note_it"))
    assert (query.name, query.purpose) == ("insert_thing+note_it", "A thing is made.")


async def test_composed_statement_writes_change_and_record(
    parsed: Queries, connection: asyncpg.Connection
) -> None:
    query = queries.compose(parsed.change("insert_thing"), parsed.record("note_it"))
    assert await connection.fetchval(query.sql, 1, "label", "me", "it") == 1
    assert await connection.fetch("SELECT * FROM notes") == [(1, "me", "it costs $1")]


async def test_composed_statement_records_nothing_when_nothing_changes(
    connection: asyncpg.Connection,
) -> None:
    clauses = queries.parse(
        "-- change: drop\nchange AS (DELETE FROM things WHERE org_id = $1 RETURNING org_id)\n"
        "-- record: note_it\nnoted AS (INSERT INTO notes SELECT org_id, $1 FROM change)\n",
        source="x.sql",
    )
    query = queries.compose(clauses.change("drop"), clauses.record("note_it"))
    assert await connection.fetchval(query.sql, 1, "me") == 0
    assert await connection.fetchval("SELECT count(*) FROM notes") == 0


async def test_change_alone_records_nothing(parsed: Queries, connection: asyncpg.Connection) -> None:
    assert await connection.fetchval(queries.alone(parsed.change("insert_thing")).sql, 1, "label") == 1
    assert await connection.fetchval("SELECT count(*) FROM notes") == 0


async def test_standing_record_is_written_without_a_change(connection: asyncpg.Connection) -> None:
    clauses = queries.parse(
        "-- record: note_it\nnoted AS (INSERT INTO notes (who) SELECT $1 FROM change)", source="x.sql"
    )
    assert await connection.fetchval(queries.standing(clauses.record("note_it")).sql, "me") == 1
    assert await connection.fetchval("SELECT who FROM notes") == "me"


@pytest.mark.parametrize(
    "kind, name, complaint",
    [
        ("name", "missing", "things.sql has no block '-- name: missing'"),
        ("change", "missing", "things.sql has no block '-- change: missing'"),
        ("record", "insert_thing", "things.sql has '-- change: insert_thing', asked for as 'record'"),
        ("name", "note_it", "things.sql has '-- record: note_it', asked for as 'name'"),
    ],
)
def test_missing_block_is_reported_with_file_and_name(
    parsed: Queries, kind: str, name: str, complaint: str
) -> None:
    ask = {"name": parsed.__getitem__, "change": parsed.change, "record": parsed.record}[kind]
    with pytest.raises(UnknownQuery) as raised:
        ask(name)
    assert str(raised.value) == complaint


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("SELECT 1;", "SQL before the first block"),
        ("-- name: Bad Name\nSELECT 1", "is no name"),
        ("-- name: empty\n-- purpose\n", "holds 0 statements"),
        ("-- name: two\nSELECT 1; SELECT 2;", "holds 2 statements"),
        ("-- name: gap\nSELECT $1, $3", "skips a parameter: it uses [1, 3]"),
        ("-- name: twice\nSELECT 1\n-- name: twice\nSELECT 2", "more than once"),
        ("-- change: nothing\nother AS (SELECT 1)", "no expression called 'change'"),
    ],
)
def test_malformed_file_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(QueryFileError) as raised:
        queries.parse(text, source="bad.sql")
    assert str(raised.value).startswith("bad.sql")
    assert complaint in str(raised.value)


def test_load_reads_the_file_of_its_subject(tmp_path: Path) -> None:
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "things.sql").write_text(FILE, "utf-8")
    assert queries.load("things", folder=tmp_path)["count_things"].name == "count_things"


def test_sql_folder_holds_queries_and_migrations() -> None:
    assert {"queries", "migrations"} <= {path.name for path in queries.sql_folder().iterdir()}


@pytest.mark.parametrize(
    "sql, found",
    [
        ("SELECT $1, $12", {1, 12}),
        ("SELECT '$1', \"$2\", $3", {3}),
        ("SELECT 'it''s $1', $2", {2}),
        (r"SELECT E'\'$1', $2", {2}),
        (r"SELECT '\', $1", {1}),
        ("SELECT $$ $1 $$, $body$ $2 $$ $body$, $3", {3}),
        ("SELECT 1 -- $1\n, $2 /* $3\n $4 */", {2}),
        ("SELECT a$1 FROM t WHERE b=$2", {2}),
    ],
)
def test_parameters_are_told_from_what_looks_like_them(sql: str, found: set[int]) -> None:
    assert sqltext.parameters(sql) == found


@pytest.mark.parametrize(
    "sql, pieces",
    [
        ("SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';'; -- ;\nSELECT 2;;", ["SELECT ';'", "SELECT 2"]),
        ("CREATE FUNCTION f() AS $$ BEGIN; END; $$;", ["CREATE FUNCTION f() AS $$ BEGIN; END; $$"]),
        ("-- nothing\n/* at all */", []),
    ],
)
def test_statements_end_at_semicolons_outside_of_quotations(sql: str, pieces: list[str]) -> None:
    assert sqltext.statements(sql) == pieces


@pytest.mark.parametrize(
    "sql",
    ["SELECT 'a  --  b'\n\n\n, 1", "SELECT 'one\n\n\ntwo  \n'", "SELECT $x$\n\n-- kept $x$, /* gone */ 2"],
)
async def test_stripping_comments_leaves_what_is_quoted(sql: str, connection: asyncpg.Connection) -> None:
    answer = await connection.fetchrow(sqltext.without_comments(sql))
    assert answer == await connection.fetchrow(sql)
