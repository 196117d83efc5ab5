"""Reading the provisioning log: filters, order, pages, and entries whose values were erased."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from scimserver.audit import store
from scimserver.audit.entry import write
from scimserver.audit.store import OLDEST, Entry, Filter
from scimserver.db.pool import Database
from scimserver.db.queries import standing
from scimserver.kernel.actor import Actor, ActorKind, Origin, operator
from scimserver.kernel.facts import Change, Outcome
from scimserver.kernel.ids import INSTALLATION, ConnectionId, EntryId, OrganizationId
from scimserver.work import WorkRoom

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACME = OrganizationId(UUID(int=1))
OTHER = OrganizationId(UUID(int=2))
ADA, BOB = UUID(int=100), UUID(int=101)
OKTA = ConnectionId(UUID(int=200))
BY_OKTA = Actor(
    kind=ActorKind.CONNECTION, organization=ACME, permissions=frozenset(), connection=OKTA, name="Okta"
)

Log = Callable[..., Awaitable[EntryId]]


@pytest.fixture
def log(database: Database) -> Log:
    """Puts an entry on record: its number is its id and the minutes after noon."""
    room = WorkRoom(database)

    async def put(number: int, organization: OrganizationId = ACME, **given: Any) -> EntryId:
        described: dict[str, Any] = {
            "event": "user.update",
            "outcome": Outcome.SUCCESS,
            "actor": operator("tests", organization),
            "origin": Origin(request_id=f"r-{number}"),
        }
        entry = EntryId(UUID(int=number))
        occurred = NOON + timedelta(minutes=number)
        await room.record(Entry(id=entry, organization=organization, occurred=occurred, **described | given))
        return entry

    return put


@pytest.fixture
async def connection(database_dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """Another connection to the same database."""
    opened = await asyncpg.connect(database_dsn)
    yield opened
    await opened.close()


async def read(
    database: Database,
    *,
    organization: OrganizationId = ACME,
    after: EntryId = OLDEST,
    count: int = 100,
    **narrow: Any,
) -> list[int]:
    """The numbers of the entries of a page."""
    page = await store.page(database, organization, Filter(**narrow), after=after, count=count)
    return [logged.id.int for logged in page]


async def test_page_is_in_order_of_ids_whenever_entries_were_committed(database: Database, log: Log):
    for number in (3, 1, 2):
        await log(number)
    assert await read(database) == [1, 2, 3]


async def test_page_ends_after_so_many_and_the_next_begins_there(database: Database, log: Log):
    entries = [await log(number) for number in (1, 2, 3)]
    assert await read(database, count=2) == [1, 2]
    assert await read(database, count=2, after=entries[1]) == [3]


async def test_page_is_empty_after_the_youngest_entry(database: Database, log: Log):
    assert await read(database, after=await log(1)) == []


async def test_page_holds_one_organisation_only(database: Database, log: Log):
    await log(1)
    await log(2, OTHER)
    await log(3, INSTALLATION)
    assert await read(database) == [1]
    assert await read(database, organization=INSTALLATION) == [3]


@pytest.mark.parametrize(
    "narrow,found",
    [
        ({}, [1, 2, 3, 4]),
        ({"since": NOON + timedelta(minutes=2)}, [2, 3, 4]),
        ({"until": NOON + timedelta(minutes=2)}, [1]),
        ({"since": NOON + timedelta(minutes=2), "until": NOON + timedelta(minutes=4)}, [2, 3]),
        ({"events": ["user.create"]}, [1]),
        ({"events": ["user.create", "user.delete"]}, [1, 4]),
        ({"events": ["user"]}, []),
        ({"outcomes": ["failure"]}, [3]),
        ({"outcomes": ["failure", "noop"]}, [2, 3]),
        ({"target": ADA}, [1, 2]),
        ({"connection": OKTA}, [2, 4]),
        ({"request_id": "r-3"}, [3]),
        ({"target": ADA, "connection": OKTA}, [2]),
        ({"target": BOB, "outcomes": ["noop"]}, []),
    ],
)
async def test_page_holds_what_the_filter_lets_through(
    database: Database, log: Log, narrow: dict[str, Any], found: list[int]
):
    await log(1, event="user.create", target=ADA)
    await log(2, outcome=Outcome.NOOP, target=ADA, actor=BY_OKTA)
    await log(3, outcome=Outcome.FAILURE, target=BOB)
    await log(4, event="user.delete", target=BOB, actor=BY_OKTA)
    assert await read(database, **narrow) == found


async def test_page_counts_only_what_the_filter_lets_through(database: Database, log: Log):
    for number in range(1, 7):
        await log(number, target=ADA if number % 2 else BOB)
    assert await read(database, target=BOB, count=2) == [2, 4]


async def test_page_gives_personal_values_as_they_were(database: Database, log: Log):
    await log(
        1,
        target=ADA,
        display="ada@example.com",
        detail='says "no"',
        changes=(
            Change(path="active", old=True, new=False),
            Change(path="emails", new=[{"value": "é\u2028\x00"}]),
        ),
    )
    [logged] = await store.page(database, ACME, Filter(), after=OLDEST, count=1)
    assert logged.personal == {
        "target.display": "ada@example.com",
        "detail": 'says "no"',
        "changes.0.old": True,
        "changes.0.new": False,
        "changes.1.new": [{"value": "é\u2028\x00"}],
    }


async def test_page_gives_no_personal_values_for_an_entry_without_any(database: Database, log: Log):
    await log(1)
    [logged] = await store.page(database, ACME, Filter(), after=OLDEST, count=1)
    assert logged.personal == {}


async def test_page_still_gives_an_entry_whose_values_were_erased(
    database: Database, log: Log, connection: asyncpg.Connection
):
    await log(1, target=ADA, display="ada@example.com", changes=(Change(path="title", new="Dr"),))
    [before] = await store.page(database, ACME, Filter(), after=OLDEST, count=1)
    await connection.execute("DELETE FROM log_values WHERE org_id = $1 AND subject = $2", ACME, ADA)
    [after] = await store.page(database, ACME, Filter(), after=OLDEST, count=1)
    assert before.personal == {"target.display": "ada@example.com", "changes.0.new": "Dr"}
    assert (after.entry, after.personal) == (before.entry, {})


async def test_page_keeps_what_is_about_others_when_one_is_erased(
    database: Database, log: Log, connection: asyncpg.Connection
):
    await log(1, target=ADA, display="ada@example.com")
    await log(2, target=BOB, display="bob@example.com")
    await connection.execute("DELETE FROM log_values WHERE org_id = $1 AND subject = $2", ACME, ADA)
    page = await store.page(database, ACME, Filter(), after=OLDEST, count=2)
    assert [logged.personal for logged in page] == [{}, {"target.display": "bob@example.com"}]


@pytest.mark.parametrize("count,number", [(0, 3), (1, 2), (2, 1), (3, 0), (50, 0)])
async def test_before_last_is_where_the_last_entries_begin(
    database: Database, log: Log, count: int, number: int
):
    for each in (1, 2, 3):
        await log(each)
    await log(4, OTHER)
    assert (await store.before_last(database, ACME, count)).int == number


async def test_tally_counts_by_event_and_outcome(database: Database, log: Log):
    await asyncio.gather(
        log(1, event="user.create"),
        log(2, event="user.create"),
        log(3, event="user.create", outcome=Outcome.FAILURE),
        log(4, OTHER, event="user.create"),
    )
    assert await store.tally(database, ACME) == {
        ("user.create", "success"): 2,
        ("user.create", "failure"): 1,
    }


async def test_tally_counts_one_connection_only_when_asked(database: Database, log: Log):
    await log(1)
    await log(2, actor=BY_OKTA)
    assert await store.tally(database, ACME, OKTA) == {("user.update", "success"): 1}


async def test_entry_is_stored_the_same_alone_as_among_others(
    database: Database, connection: asyncpg.Connection
):
    room = WorkRoom(database, salt=bytes)
    full: dict[str, Any] = {
        "organization": ACME,
        "occurred": NOON,
        "event": "user.update",
        "outcome": Outcome.FAILURE,
        "actor": BY_OKTA,
        "origin": Origin(request_id="r-1", client_address="192.0.2.1", method="PATCH", path="/Users/{id}"),
        "target_kind": "User",
        "target": ADA,
        "display": "ada@example.com",
        "reason": "taken",
        "detail": "Another user has it.",
        "changes": (Change(path="title", old="a", new="b"),),
    }
    bare = full | {"target": None, "display": "", "detail": "", "changes": (), "reason": None}
    of_nobody: dict[str, Any] = full | {"target": store.NOBODY}
    for described, first in ((full, 901), (bare, 911), (of_nobody, 921)):
        ids = [EntryId(UUID(int=number)) for number in (first, first + 1, first + 2)]
        alone, *others = [Entry(id=entry, **described) for entry in ids]
        await room.record(alone)
        await room.record(*others)
        stored = [await _stored(connection, entry) for entry in ids]
        assert stored[0] == stored[1] == stored[2]
        assert len(stored[0]) > 1


async def _stored(connection: asyncpg.Connection, entry: EntryId) -> list[str]:
    """The rows of an entry, as text without its id."""
    rows = [
        *await connection.fetch("SELECT * FROM log_entries WHERE id = $1", entry),
        *await connection.fetch("SELECT * FROM log_values WHERE entry_id = $1 ORDER BY subject", entry),
    ]
    return [str(dict(row)).replace(str(entry), "") for row in rows]


async def test_message_is_stored_the_same_alone_as_among_others(
    database: Database, connection: asyncpg.Connection
):
    alone, *others = [
        store.Message(id=UUID(int=number), topic="user.created", payload='{"id":"1"}', created=NOON)
        for number in (901, 902, 903)
    ]
    for messages in ([alone], others):
        entries = [_entry(message.id.int + 10) for message in messages]
        written = [write(entry, bytes) for entry in entries]
        record = store.appending(ACME, entries, written, messages)
        assert await database.write(standing(record.clause), *record.arguments) == 1
    rows = await connection.fetch("SELECT org_id, topic, payload, created FROM outbox")
    assert [tuple(row) for row in rows] == [(ACME, "user.created", '{"id":"1"}', NOON)] * 3


def _entry(number: int) -> Entry:
    return Entry(
        id=EntryId(UUID(int=number)),
        organization=ACME,
        occurred=NOON,
        event="user.create",
        outcome=Outcome.SUCCESS,
        actor=BY_OKTA,
        origin=Origin(request_id="r-1"),
        target=ADA,
    )
