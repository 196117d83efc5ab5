"""Migration 0002: what was kept field by field is kept by person, and nothing is lost."""

import json
from uuid import UUID

import asyncpg
import pytest

from scimserver.db.queries import sql_folder

ACME, ENTRY, ADA, NOBODY = (UUID(int=number) for number in (1, 2, 3, 0))
ROWS = [
    ("target.display", ADA, b"\x01" * 32, '"ada@example.com"'),
    ("changes.0.new", ADA, b"\x02" * 32, '{"familyName":"Byron"}'),
    ("client", None, b"\x03" * 32, '"192.0.2.1"'),
]


@pytest.fixture
def steps() -> tuple[str, str]:
    """The texts of the two migrations."""
    folder = sql_folder() / "migrations"
    return (
        (folder / "0001_foundation.sql").read_text(),
        (folder / "0002_values_by_person.sql").read_text(),
    )


async def test_values_move_to_their_persons(bare_database_dsn: str, steps: tuple[str, str]):
    connection = await asyncpg.connect(bare_database_dsn)
    try:
        await connection.execute(steps[0])
        await connection.executemany(
            "INSERT INTO log_values (org_id, entry_id, field, subject, salt, value)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            [(ACME, ENTRY, *row) for row in ROWS],
        )
        await connection.execute(steps[1])
        rows = await connection.fetch("SELECT * FROM log_values ORDER BY subject")
    finally:
        await connection.close()
    assert [(row["org_id"], row["entry_id"], row["subject"]) for row in rows] == [
        (ACME, ENTRY, NOBODY),
        (ACME, ENTRY, ADA),
    ]
    found = {field: kept for row in rows for field, kept in json.loads(row["kept"]).items()}
    assert found == {field: [salt.hex(), value] for field, _, salt, value in ROWS}
