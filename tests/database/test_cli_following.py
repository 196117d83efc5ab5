"""Following a log: every entry once, also one that is committed after a younger one."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from scimserver.audit.entry import Entry
from scimserver.audit.store import Filter
from scimserver.cli.following import Log
from scimserver.db.pool import Database
from scimserver.kernel.actor import Origin, operator
from scimserver.kernel.facts import Outcome
from scimserver.kernel.ids import EntryId, OrganizationId
from scimserver.work import WorkRoom

ORGANIZATION = OrganizationId(UUID(int=1))
EPOCH_MS = 1_800_000_000_000

Put = Callable[..., Awaitable[None]]


def entry_at(seconds: float, number: int = 0) -> EntryId:
    """The id of an entry that was made so many seconds after the epoch of these tests."""
    return EntryId(UUID(int=(EPOCH_MS + int(seconds * 1000)) << 80 | 0x7 << 76 | number))


@pytest.fixture
def put(database: Database) -> Put:
    """Commits an entry that was made at a second."""
    room = WorkRoom(database)

    async def commit(
        seconds: float, number: int = 0, *, event: str = "user.update", request: str = "r"
    ) -> None:
        await room.record(
            Entry(
                id=entry_at(seconds, number),
                organization=ORGANIZATION,
                occurred=datetime.fromtimestamp(EPOCH_MS / 1000 + seconds, UTC),
                event=event,
                outcome=Outcome.SUCCESS,
                actor=operator("tests", ORGANIZATION),
                origin=Origin(request_id=request),
            )
        )

    return commit


class Followed:
    """What a follower has seen, round by round; each round begins when it is asked for."""

    def __init__(self, batches: AsyncGenerator[list[Any]]) -> None:
        self._batches = batches

    async def next(self) -> list[float]:
        """The seconds of the entries of the next batch."""
        batch = await anext(self._batches)
        return [((logged.id.int >> 80) - EPOCH_MS) / 1000 for logged in batch]


@asynccontextmanager
async def following(
    database: Database, last: int, narrow: Filter | None = None, left_out: str = ""
) -> AsyncGenerator[Followed]:
    async def go_on() -> None:
        """No pause: the test decides what happens between two rounds."""

    log = Log(database=database, organization=ORGANIZATION, narrow=narrow or Filter(), left_out=left_out)
    batches = log.follow(last, pause=go_on)
    try:
        yield Followed(batches)
    finally:
        await batches.aclose()


async def test_follow_begins_with_the_last_entries(database: Database, put: Put):
    for second in (1, 2, 3):
        await put(second)
    async with following(database, 2) as followed:
        assert await followed.next() == [2, 3]
        assert await followed.next() == []


async def test_follow_begins_with_nothing_when_the_log_is_empty(database: Database, put: Put):
    async with following(database, 50) as followed:
        assert await followed.next() == []
        await put(1)
        assert await followed.next() == [1]


async def test_follow_begins_with_nothing_of_the_last_zero(database: Database, put: Put):
    await put(1)
    async with following(database, 0) as followed:
        assert await followed.next() == []
        await put(2)
        assert await followed.next() == [2]


async def test_follow_gives_each_entry_once_and_in_order(database: Database, put: Put):
    async with following(database, 50) as followed:
        assert await followed.next() == []
        await put(2)
        await put(1)
        assert await followed.next() == [1, 2]
        await put(3)
        assert await followed.next() == [3]
        assert await followed.next() == []


@pytest.mark.parametrize("late", [0.5, 14.9])
async def test_follow_gives_an_entry_that_is_committed_after_a_younger_one(
    database: Database, put: Put, late: float
):
    await put(100)
    async with following(database, 50) as followed:
        assert await followed.next() == [100]
        await put(120)
        assert await followed.next() == [120]
        await put(120 - late)
        assert await followed.next() == [120 - late]
        assert await followed.next() == []


async def test_follow_gives_one_that_was_late_when_following_began(database: Database, put: Put):
    await put(100)
    await put(101)
    async with following(database, 1) as followed:
        assert await followed.next() == [101]
        await put(100.5)
        assert await followed.next() == [100.5]


async def test_follow_gives_nothing_twice_over_many_rounds(database: Database, put: Put):
    seen: list[float] = []
    async with following(database, 50) as followed:
        for second in range(0, 60, 4):
            await put(second)
            seen += await followed.next()
    assert seen == list(range(0, 60, 4))


async def test_follow_keeps_to_its_filter(database: Database, put: Put):
    await put(1)
    await put(2, event="user.create")
    async with following(database, 50, Filter(events=["user.create"])) as followed:
        assert await followed.next() == [2]
        await put(3)
        await put(40)
        await put(41, event="user.create")
        assert await followed.next() == [41]


async def test_follow_leaves_its_own_reading_out(database: Database, put: Put):
    await put(1, request="mine")
    async with following(database, 50, left_out="mine") as followed:
        assert await followed.next() == []
        await put(2, request="mine")
        await put(3)
        assert await followed.next() == [3]


async def test_follow_reads_more_than_a_page(database: Database):
    room = WorkRoom(database)
    entries = [
        Entry(
            id=entry_at(1, number),
            organization=ORGANIZATION,
            occurred=datetime.fromtimestamp(EPOCH_MS / 1000, UTC),
            event="user.update",
            outcome=Outcome.SUCCESS,
            actor=operator("tests", ORGANIZATION),
            origin=Origin(request_id="r"),
        )
        for number in range(1100)
    ]
    async with following(database, 50) as followed:
        assert await followed.next() == []
        await room.record(*entries)
        assert len(await followed.next()) == 1100
        assert await followed.next() == []


@pytest.mark.parametrize("count,found", [(0, []), (1, [10]), (3, [2, 6, 10]), (50, [2, 6, 10])])
async def test_latest_looks_back_until_it_has_enough(
    database: Database, put: Put, count: int, found: list[int]
):
    for second in range(1, 12):
        await put(second, event="user.create" if second % 4 == 2 else "user.update")
    log = Log(database=database, organization=ORGANIZATION, narrow=Filter(events=["user.create"]))
    assert [logged.id for logged in await log.latest(count)] == [entry_at(second) for second in found]
