"""Fixtures of this tier: the whole application over HTTP, over one database for each test process.

A database and fresh connections for each test would cost more than most tests do. So the tests that
call the application share an event loop, on which the connections stay open; each test gets an
application of its own over emptied tables.
"""

from collections.abc import AsyncGenerator, Generator

import asyncpg
import pytest
import pytest_asyncio

from scimserver.db.pool import Database, DatabaseSettings
from tests import serving
from tests.conftest import Administration
from tests.serving import Installation, ScimClient

# Younger tables refer to older ones, so the youngest are emptied first; what refers the other way lets go.
_EMPTY = """
DO $$ BEGIN
    UPDATE users SET saml_connection_id = NULL WHERE saml_connection_id IS NOT NULL;
    UPDATE email_domains SET saml_connection_id = NULL WHERE saml_connection_id IS NOT NULL;
    EXECUTE (
        SELECT string_agg(format('DELETE FROM %I', relname), ';' ORDER BY oid DESC)
        FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'schema_migrations'
    );
END $$
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let every test that reaches the database run on the loop that its connections belong to."""
    on_shared_loop = pytest.mark.asyncio(loop_scope="session")
    for item in items:
        if isinstance(item, pytest.Function) and "process_database" in item.fixturenames:
            item.add_marker(on_shared_loop, append=False)


@pytest.fixture(scope="session")
def process_database_dsn(database_administration: Administration, database_template: str) -> Generator[str]:
    """The DSN of a migrated database that only this process uses."""
    with database_administration.database(f"TEMPLATE {database_template} STRATEGY file_copy") as dsn:
        yield dsn


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def process_database(process_database_dsn: str) -> AsyncGenerator[Database]:
    """The process's database, opened."""
    settings = DatabaseSettings(dsn=process_database_dsn, points_size=5, searches_size=2)
    async with Database.open(settings) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def connection(process_database_dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """A connection past the application: it empties tables, looks at rows, plays another writer."""
    opened = await asyncpg.connect(process_database_dsn)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def database(process_database: Database, connection: asyncpg.Connection) -> Database:
    """The process's database, empty."""
    await connection.execute(_EMPTY)
    return process_database


@pytest_asyncio.fixture(loop_scope="session")
async def installation(database: Database) -> AsyncGenerator[Installation]:
    """The application over an empty database."""
    async with serving.running(database) as installation:
        yield installation


@pytest_asyncio.fixture(loop_scope="session")
async def scim(installation: Installation) -> ScimClient:
    """A tolerant connection of an organisation whose only Email Domain is example.com."""
    return await installation.client(await installation.organization())


@pytest_asyncio.fixture(loop_scope="session")
async def strict_scim(installation: Installation, scim: ScimClient) -> ScimClient:
    """A strict connection of the organisation of `scim`."""
    return await installation.client(scim.organization, strict=True)
