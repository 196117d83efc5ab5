"""Fixtures of this tier: the whole application over HTTP, over one database for each test process.

A clone for each test would cost more than most tests do; here the tables are emptied instead.
"""

from collections.abc import AsyncGenerator, Generator

import asyncpg
import pytest

from scimserver.db.pool import Database, DatabaseSettings
from tests.conftest import Administration
from tests.serving import installation as installation
from tests.serving import scim as scim
from tests.serving import strict_scim as strict_scim

_EMPTY = """
DO $$ BEGIN
    EXECUTE (
        SELECT 'TRUNCATE ' || string_agg(format('%I', tablename), ', ')
        FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migrations'
    );
END $$
"""


@pytest.fixture(scope="session")
def process_database_dsn(
    database_administration: Administration, database_template: str
) -> Generator[str]:
    """The DSN of a migrated database that only this process uses."""
    with database_administration.database(f"TEMPLATE {database_template} STRATEGY file_copy") as dsn:
        yield dsn


@pytest.fixture
async def database(process_database_dsn: str) -> AsyncGenerator[Database]:
    """The process's database, empty and opened."""
    connection = await asyncpg.connect(process_database_dsn)
    await connection.execute(_EMPTY)
    await connection.close()
    settings = DatabaseSettings(dsn=process_database_dsn, points_size=5, searches_size=2)
    async with Database.open(settings) as opened:
        yield opened
