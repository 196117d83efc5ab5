"""Providers who remove users, as tests meet them (P11): an organisation, and a clock to be moved."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from scimserver.access import connections
from scimserver.access.connections import Connection
from scimserver.db.pool import Database
from scimserver.directory import domains, organizations, removals, users
from scimserver.directory.removals import HeldBack, RemovalLimit
from scimserver.directory.users import User
from scimserver.kernel.actor import Actor, ActorKind, Origin, operator
from scimserver.kernel.errors import ProviderPaused
from scimserver.kernel.ids import UserId
from scimserver.kernel.permissions import Scope, permissions_of
from scimserver.work import WorkRoom

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORIGIN = Origin(request_id="tests")
BOTH = frozenset({Scope.SCIM_READ, Scope.SCIM_WRITE})
THREE = RemovalLimit(count=3, percent=0)


@dataclass
class House:
    """An organisation `acme`, an operator in it, and a clock that stands still until it is moved."""

    database: Database
    rows: asyncpg.Connection
    now: datetime = NOON
    room: WorkRoom = field(init=False)
    operator: Actor = field(init=False)
    _made: int = 0

    def __post_init__(self) -> None:
        self.room = WorkRoom(self.database, clock=lambda: self.now)

    async def found(self, name: str = "acme") -> None:
        """Make the organisation, and be its operator."""
        async with self.room.open(operator("tests"), ORIGIN) as work:
            made = await organizations.create(work, name=name)
        self.operator = operator("tests", made.id)
        async with self.room.open(self.operator, ORIGIN) as work:
            await domains.add(work, f"{name}.example")

    async def provider(self, limit: RemovalLimit = THREE, name: str = "Okta") -> Actor:
        """A connection with a limit, as an actor."""
        async with self.room.open(self.operator, ORIGIN) as work:
            made = await connections.create(work, name=name, removal_limit=limit)
        return Actor(
            kind=ActorKind.CONNECTION,
            organization=self.operator.organization,
            permissions=permissions_of(BOTH),
            connection=made.id,
            name=name,
        )

    async def connection(self, name: str = "Okta") -> Connection:
        return await connections.find(self.database, self.operator.organization, name)

    async def users(self, number: int, domain: str = "acme.example") -> list[UserId]:
        """So many active users."""
        made: list[UserId] = []
        for _ in range(number):
            self._made += 1
            async with self.room.open(self.operator, ORIGIN) as work:
                user = await users.create(work, {"userName": f"user-{self._made}@{domain}"})
            made.append(user.id)
        return made

    async def delete(self, actor: Actor, user: UserId, *, lock: bool = False) -> None:
        async with self.room.open(actor, ORIGIN, lock=lock) as work:
            await users.delete(work, await users.get(work, user))

    async def change(self, actor: Actor, user: UserId, **wanted: Any) -> User:
        async with self.room.open(actor, ORIGIN) as work:
            current = await users.get(work, user)
            return await users.update(work, current, {**current.document, **wanted})

    async def deactivate(self, actor: Actor, user: UserId) -> User:
        return await self.change(actor, user, active=False)

    async def resume(self, name: str = "Okta") -> HeldBack | None:
        async with self.room.open(self.operator, ORIGIN) as work:
            connection = await self.connection(name)
            return await removals.resume(work, connection.id, name)

    async def removed(self, actor: Actor, candidates: list[UserId]) -> int:
        """How many of the users the actor may delete, one after the other, until it is refused."""
        for number, user in enumerate(candidates):
            try:
                await self.delete(actor, user)
            except ProviderPaused:
                return number
        return len(candidates)

    async def events(self, event: str) -> int:
        return await self.rows.fetchval("SELECT count(*) FROM log_entries WHERE event = $1", event)


@pytest.fixture
async def provided(database: Database, database_dsn: str) -> AsyncGenerator[House]:
    rows = await asyncpg.connect(database_dsn)
    made = House(database, rows)
    await made.found()
    yield made
    await rows.close()
