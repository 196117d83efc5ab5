"""Fixtures of this tier: pages in browsers, over what the tests over HTTP share."""

from collections.abc import AsyncGenerator

import asyncpg
import pytest_asyncio

from scimserver.db.pool import Database
from tests.api.conftest import connection as connection
from tests.api.conftest import database as database
from tests.api.conftest import process_database as process_database
from tests.api.conftest import process_database_dsn as process_database_dsn
from tests.api.conftest import pytest_collection_modifyitems as pytest_collection_modifyitems
from tests.people import Reception, reception


@pytest_asyncio.fixture(loop_scope="session")
async def front(database: Database, connection: asyncpg.Connection) -> AsyncGenerator[Reception]:
    """An organisation `acme` whose only Email Domain is example.com, where people sign in."""
    async with reception(database, connection) as made:
        yield made
