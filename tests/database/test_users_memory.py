"""Adding users asks for the organisation's rules once, not for each of them."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from scimserver.db.pool import Database, DatabaseSettings
from scimserver.db.queries import Query
from scimserver.directory import domains, organizations, users
from scimserver.kernel.actor import Actor, Origin, operator
from scimserver.work import WorkRoom

ORIGIN = Origin(request_id="tests")


class Listening(Database):
    """A database that keeps the names of what it is asked."""

    asked: list[str]

    async def fetchrow(self, query: Query, *arguments: object) -> Any:
        """The first row."""
        self.asked.append(query.name)
        return await super().fetchrow(query, *arguments)


@pytest.fixture
async def listening(database_dsn: str) -> AsyncGenerator[Listening]:
    """The database."""
    async with Listening.open(DatabaseSettings(dsn=database_dsn)) as opened:
        opened.asked = []
        yield opened


@pytest.fixture
async def acme(listening: Listening) -> Actor:
    """An operator in an organisation whose Email Domain is example.com."""
    async with WorkRoom(listening).open(operator("tests"), ORIGIN) as work:
        made = await organizations.create(work, name="acme")
    async with WorkRoom(listening).open(operator("tests", made.id), ORIGIN) as work:
        await domains.add(work, "example.com")
    listening.asked.clear()
    return operator("tests", made.id)


async def test_rules_are_asked_for_once(listening: Listening, acme: Actor):
    room = WorkRoom(listening)
    for number in range(3):
        async with room.open(acme, ORIGIN) as work:
            await users.create(work, {"userName": f"user{number}@example.com"})
    assert listening.asked == ["writing_context"]


async def test_rules_are_asked_for_anew_by_whoever_holds_rows(listening: Listening, acme: Actor):
    room = WorkRoom(listening)
    for number in range(2):
        async with room.open(acme, ORIGIN, lock=number == 1) as work:
            await users.create(work, {"userName": f"user{number}@example.com"})
    async with room.open(acme, ORIGIN) as work:
        await users.create(work, {"userName": "user2@example.com"})
    assert listening.asked == ["writing_context"], "the second asked in its transaction"
