"""Everything that a row needs to be measured: the database, its organisations, the servers, the meter."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from scimserver.directory.roles import MINIMAL_PERMISSIONS, role_key
from tests.bench import database, servers
from tests.bench.database import Organization, Running
from tests.bench.measure import Meter, Pace
from tests.bench.servers import Served

_ROLE = "SELECT id FROM roles WHERE org_id = $1 AND name_key = $2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What rows are measured on."""

    database: Running
    organizations: Sequence[Organization]
    """From the smallest to the largest."""
    main: Organization
    """The one that most rows ask about."""
    bare: Served
    ours: Served
    meter: Meter
    folder: Path
    """For log lines and other files of servers."""

    @property
    def smallest(self) -> Organization:
        """The organisation with the fewest users."""
        return self.organizations[0]

    @property
    def largest(self) -> Organization:
        """The organisation with the most users."""
        return self.organizations[-1]


@contextmanager
def opened(
    running: Running, organizations: Sequence[Organization], main: Organization, pace: Pace, folder: Path
) -> Generator[Stage]:
    """The servers started, for the time of the block."""
    role = asyncio.run(_role(running.dsn, main))
    with (
        servers.sender() as send,
        servers.bare(running.dsn, main.id, role, folder) as bare,
        servers.ours(running.dsn, folder) as ours,
    ):
        yield Stage(
            database=running,
            organizations=organizations,
            main=main,
            bare=bare,
            ours=ours,
            meter=Meter(send=send, postgres=running.process, pace=pace),
            folder=folder,
        )


async def _role(dsn: str, organization: Organization) -> UUID:
    async with database.connected(dsn) as connection:
        return await connection.fetchval(_ROLE, organization.id, role_key(MINIMAL_PERMISSIONS))
