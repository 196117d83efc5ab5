"""Adding users asks for the organisation's rules once, not for each of them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest

from scimserver.db.pool import Database, DatabaseSettings
from scimserver.db.queries import Query
from scimserver.directory import domains, organizations, users
from scimserver.directory.organizations import Addresses
from scimserver.directory.users import Document, User
from scimserver.kernel.actor import Actor, Origin, operator
from scimserver.kernel.errors import Conflicted, DomainNotAllowed
from scimserver.work import Work, WorkRoom

ORIGIN = Origin(request_id="tests")
Write = Callable[[Work, User], Awaitable[None]]
_SOMEBODY_WAITS = Query(
    "waits",
    "",
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
)
_USERS = Query("users", "", "SELECT count(*) FROM users")


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


async def test_private_mail_of_a_new_user_is_no_other_question(listening: Listening, acme: Actor):
    room = WorkRoom(listening)
    for number in range(3):
        mail: Document = {"emails": [{"value": f"user@private{number}.test", "primary": True}]}
        async with room.open(acme, ORIGIN) as work:
            await users.create(work, {"userName": f"user{number}@example.com", **mail})
    assert listening.asked == ["writing_context"]


async def test_rules_of_free_names_are_asked_for_once_too(listening: Listening):
    room = WorkRoom(listening)
    async with room.open(operator("tests"), ORIGIN) as work:
        made = await organizations.create(work, name="free", addresses=Addresses.FREE)
    listening.asked.clear()
    for number in range(3):
        async with room.open(operator("tests", made.id), ORIGIN) as work:
            await users.create(work, {"userName": f"user{number}"})
    assert listening.asked == ["writing_context"]


async def changed_address(work: Work, user: User) -> None:
    current = await users.get(work, user.id)
    await users.update(work, current, {**current.document, "userName": "new@example.com"})


async def added(work: Work, _: User) -> None:
    await users.create(work, {"userName": "new@example.com"})


@pytest.mark.parametrize("write", [changed_address, added])
async def test_user_is_not_written_by_rules_that_are_gone(listening: Listening, acme: Actor, write: Write):
    room = WorkRoom(listening)
    async with room.open(acme, ORIGIN) as work:
        user = await users.create(work, {"userName": "user@example.com"})

    async def attempt(*, lock: bool) -> None:
        async with room.open(acme, ORIGIN, lock=lock) as work:
            await write(work, user)
            await _removed(WorkRoom(listening), acme)

    with pytest.raises(Conflicted):
        await attempt(lock=False)
    with pytest.raises(DomainNotAllowed):
        await attempt(lock=True)


async def test_rules_stay_as_they_are_while_somebody_writes_who_holds_rows(listening: Listening, acme: Actor):
    room = WorkRoom(listening)
    async with room.open(acme, ORIGIN, lock=True) as work:
        await users.create(work, {"userName": "user@example.com"})
        change = asyncio.create_task(_removed(room, acme))
        while not await listening.fetchval(_SOMEBODY_WAITS):
            pass
    await change
    assert await listening.fetchval(_USERS) == 1


async def _removed(room: WorkRoom, acme: Actor) -> None:
    async with room.open(acme, ORIGIN) as work:
        await domains.remove(work, "example.com")
