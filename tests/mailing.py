"""An organisation whose users get mail, as tests of mail and of its links meet it."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from scimserver.audit import store
from scimserver.audit.store import Logged
from scimserver.db.pool import Database
from scimserver.directory import domains, mail, organizations, password_resets, users
from scimserver.directory.mail import Job
from scimserver.directory.organizations import Addresses
from scimserver.directory.password_resets import Purpose
from scimserver.directory.users import User
from scimserver.kernel.actor import Actor, ActorKind, Origin, operator
from scimserver.kernel.ids import INSTALLATION, OrganizationId
from scimserver.kernel.permissions import Permission
from scimserver.work import Work, WorkRoom

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LEASE = timedelta(minutes=3)
SECRET = b"tests' own secret, of 32 or more characters"


@dataclass
class Hands:
    """A clock that stands still until it is moved."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class House:
    """An organisation, its users and what waits to be mailed; a connection beside it."""

    database: Database
    connection: asyncpg.Connection
    room: WorkRoom
    hands: Hands
    organization: OrganizationId = INSTALLATION
    _names: set[str] = field(default_factory=set[str])

    def work(self, *, request: str = "r-1", organization: OrganizationId | None = None, **more: Any) -> Work:
        """A unit of work of the operator."""
        who = operator("tests", organization or self.organization)
        return self.room.open(who, Origin(request_id=request), **more)

    def work_with(self, *permissions: Permission) -> Work:
        """A unit of work of somebody with these permissions."""
        who = Actor(
            kind=ActorKind.CONNECTION, organization=self.organization, permissions=frozenset(permissions)
        )
        return self.room.open(who, Origin(request_id="r-1"))

    async def found(self, *, domain: str, addresses: Addresses = Addresses.REQUIRED) -> OrganizationId:
        """Another organisation, with one Email Domain."""
        async with self.work(organization=INSTALLATION) as work:
            made = await organizations.create(
                work, name=f"org-{uuid4().hex[:8]}", title="Acme & Sons", addresses=addresses
            )
        async with self.work(organization=made.id) as work:
            await domains.add(work, domain)
        return made.id

    async def user(
        self, name: str = "ada@acme.example", *, organization: OrganizationId | None = None, **attributes: Any
    ) -> User:
        """A user who was created."""
        async with self.work(organization=organization) as work:
            return await users.create(work, {"userName": name, **attributes})

    async def change(self, user: User, **attributes: Any) -> User:
        """The user with other attributes."""
        async with self.work() as work:
            current = await users.get(work, user.id)
            return await users.update(work, current, {**current.document, **attributes})

    async def order(self, user: User, purpose: Purpose = Purpose.ADMINISTRATOR) -> None:
        """Have a link mailed."""
        async with self.work() as work:
            await password_resets.mail_link(work, user, purpose)

    async def claimed(self) -> Job | None:
        """The next mail, claimed."""
        return await mail.claim(self.database, self.hands(), self.hands() + LEASE)

    async def token(self, user: User, purpose: Purpose = Purpose.ADMINISTRATOR) -> str:
        """The token of a link that was mailed to the user."""
        await self.order(user, purpose)
        job = await self.claimed()
        assert job is not None
        token = await self.issued(job)
        assert token is not None
        async with self.work() as work:
            await mail.sent(work, job, user.user_name)
        return token

    async def issued(self, job: Job) -> str | None:
        """The token for a mail that is being sent."""
        to = await mail.addressee(self.database, job)
        assert to is not None
        async with self.work() as work:
            return await password_resets.issue(work, job, to.user_name_key)

    async def is_live(self, token: str) -> bool:
        """Whether a link can be used."""
        return await password_resets.peek(self.database, token, self.hands()) is not None

    async def jobs(self) -> list[tuple[str, str | None]]:
        """What waits or was given up: kinds, and why it was not sent."""
        return [(job.kind.value, job.failure) for job in await mail.every(self.database, self.organization)]

    async def logged(self, event: str, organization: OrganizationId | None = None) -> list[Logged]:
        """The log's entries of an event, oldest first."""
        narrow = store.Filter(events=[event])
        return await store.page(
            self.database, organization or self.organization, narrow, after=store.OLDEST, count=100
        )

    async def everything(self) -> str:
        """All rows of all tables, as text; bytes are in hexadecimal."""
        tables = await self.connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        texts: list[str] = []
        for table in tables:
            rows = await self.connection.fetch(f'SELECT t::text AS text FROM "{table["relname"]}" AS t')
            texts.extend(row["text"] for row in rows)
        return "\n".join(texts)


@pytest.fixture
async def house(database: Database, database_dsn: str) -> AsyncGenerator[House]:
    """An organisation with the Email Domain acme.example."""
    connection, hands = await asyncpg.connect(database_dsn), Hands()
    made = House(database, connection, WorkRoom(database, clock=hands), hands)
    made.organization = await made.found(domain="acme.example")
    yield made
    await connection.close()
