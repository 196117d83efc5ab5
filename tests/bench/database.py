"""The database that is measured: the server's own PostgreSQL, with organisations of several sizes in it."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from scimserver.access import connections, tokens
from scimserver.access.connections import Dialect
from scimserver.db.embedded import EmbeddedPostgres
from scimserver.db.migrate import migrate
from scimserver.db.pool import Database, DatabaseSettings
from scimserver.directory import domains, organizations
from scimserver.kernel.actor import Origin, operator
from scimserver.kernel.domains import parse_domain
from scimserver.kernel.ids import OrganizationId
from scimserver.work import WorkRoom
from tests.bench.loading import Loaded, load
from tests.bench.people import Population

_SHOWN: Final = (
    "server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size",
    "autovacuum",
)  # fmt: skip
_ORIGIN: Final = Origin(request_id="bench")


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """An organisation, a token of it, and its people."""

    id: OrganizationId
    token: str
    people: Loaded

    @property
    def size(self) -> int:
        """How many people were loaded."""
        return len(self.people.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The database: how to connect, PostgreSQL's first process, and how it is set."""

    dsn: str
    process: int
    settings: dict[str, str]


@contextmanager
def running() -> Generator[Running]:
    """A migrated database in a folder of its own, gone after the block; settings as `serve` has them."""
    folder = Path(tempfile.mkdtemp(prefix="scimserver-bench-data-"))
    try:
        with EmbeddedPostgres(folder) as server:
            asyncio.run(migrate(server.dsn))
            process = int((folder / "cluster" / "postmaster.pid").read_text("ascii").split()[0])
            yield Running(dsn=server.dsn, process=process, settings=asyncio.run(_settings(server.dsn)))
    finally:
        shutil.rmtree(folder)


async def organization(dsn: str, size: int) -> Organization:
    """A new organisation of so many people, and a token of its connection, which is Okta's."""
    population = Population(domain=f"of{size}.example.com")
    made, token = await _provisioned(dsn, f"of-{size}", population.domain)
    async with connected(dsn) as connection:
        people = await load(connection, made, population, size)
    return Organization(id=made, token=token, people=people)


async def settle(dsn: str) -> None:
    """What autovacuum would do in time: statistics, visibility, and a checkpoint."""
    async with connected(dsn) as connection:
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")


async def megabytes(dsn: str) -> dict[str, float]:
    """The size of the database, and of the users' table and its indexes (of 10^6 bytes)."""
    sizes = (
        "SELECT pg_database_size(current_database()) AS database, pg_table_size('users') AS users_table,"
        " pg_indexes_size('users') AS users_indexes"
    )
    async with connected(dsn) as connection:
        row = await connection.fetchrow(sizes)
    assert row is not None
    return {name: value / 1e6 for name, value in row.items()}


@asynccontextmanager
async def connected(dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """One connection."""
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def _settings(dsn: str) -> dict[str, str]:
    async with connected(dsn) as connection:
        return {name: await connection.fetchval(f"SHOW {name}") for name in _SHOWN}


async def _provisioned(dsn: str, name: str, domain: str) -> tuple[OrganizationId, str]:
    async with Database.open(DatabaseSettings(dsn=dsn, points_size=1, searches_size=1)) as database:
        room = WorkRoom(database)
        async with room.open(operator("bench"), _ORIGIN) as work:
            made = await organizations.create(work, name=name)
        who = operator("bench", made.id)
        async with room.open(who, _ORIGIN) as work:
            await domains.add(work, parse_domain(domain))
        async with room.open(who, _ORIGIN) as work:
            caller = await connections.create(work, name="okta", dialect=Dialect.OKTA)
        async with room.open(who, _ORIGIN) as work:
            _, token = await tokens.issue(work, caller)
    return made.id, token
