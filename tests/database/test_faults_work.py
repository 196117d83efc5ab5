"""An operation over several tries: whichever entry is committed first decides."""

from datetime import UTC, datetime

import asyncpg
import pytest

from scimserver.audit.entry import Entry
from scimserver.kernel.facts import Fact, Outcome
from scimserver.work import AlreadyRecorded, Operation, WorkRoom
from tests.works import (
    ACTOR,
    DELETED,
    MAKE,
    ORGANIZATION,
    ORIGIN,
    RENAMED,
    UNCHANGED,
    Rows,
)


@pytest.fixture
def operation() -> Operation:
    """What the tries have in common."""
    return Operation()


async def tried(
    room: WorkRoom, operation: Operation, *names: str, facts: tuple[Fact, ...] = (RENAMED,)
) -> None:
    """One try of an operation: it makes things and notes facts."""
    async with room.open(ACTOR, ORIGIN, operation=operation) as work:
        for name in names:
            work.change(MAKE, name)
        for fact in facts:
            work.note(fact)


def failure(operation: Operation) -> Entry:
    """The entry of an operation that failed."""
    return Entry(
        id=operation.id,
        organization=ORGANIZATION,
        occurred=datetime(2026, 1, 2, tzinfo=UTC),
        event="user.update",
        outcome=Outcome.FAILURE,
        actor=ACTOR,
        origin=ORIGIN,
    )


@pytest.mark.parametrize("names", [("again",), ("again", "more")], ids=["one-statement", "transaction"])
async def test_second_try_changes_nothing_when_the_first_was_committed(
    room: WorkRoom, operation: Operation, rows: Rows, names: tuple[str, ...]
):
    await tried(room, operation, "one")
    with pytest.raises(AlreadyRecorded):
        await tried(room, operation, *names)
    assert [row["name"] for row in await rows("things")] == ["one"]
    assert len(await rows("log_entries")) == 1


async def test_second_try_that_finds_nothing_to_change_is_told_of_the_first(
    room: WorkRoom, operation: Operation, rows: Rows
):
    await tried(room, operation, "one")
    with pytest.raises(AlreadyRecorded):
        await tried(room, operation, facts=(UNCHANGED,))
    assert [row["outcome"] for row in await rows("log_entries")] == ["success"]


async def test_failure_is_not_recorded_when_a_try_was_committed(
    room: WorkRoom, operation: Operation, rows: Rows
):
    await tried(room, operation, "one")
    with pytest.raises(AlreadyRecorded):
        await room.record(failure(operation))
    assert [row["outcome"] for row in await rows("log_entries")] == ["success"]


async def test_no_try_changes_anything_once_the_failure_is_recorded(
    room: WorkRoom, operation: Operation, rows: Rows
):
    await room.record(failure(operation))
    with pytest.raises(AlreadyRecorded):
        await tried(room, operation, "late")
    assert await rows("things") == []


async def test_first_of_several_entries_carries_the_operation(
    room: WorkRoom, operation: Operation, rows: Rows
):
    await tried(room, operation, "one", "two", facts=(RENAMED, DELETED))
    first, second = await rows("log_entries")
    assert (first["id"], first["event"]) == (operation.id, "user.update")
    assert second["id"] > first["id"]


async def test_operation_remembers_the_text_that_its_latest_try_sent(
    room: WorkRoom, operation: Operation, rows: Rows
):
    await tried(room, operation, "one")
    assert [row["entry"] for row in await rows("log_entries")] == [operation.written]


async def test_works_without_an_operation_are_independent(room: WorkRoom, rows: Rows):
    for name in ("one", "two"):
        async with room.open(ACTOR, ORIGIN) as work:
            work.change(MAKE, name)
            work.note(RENAMED)
    assert len(await rows("log_entries")) == 2


async def test_what_is_recorded_can_be_asked(room: WorkRoom, operation: Operation):
    await tried(room, operation, "one")
    recorded = await room.recorded(ORGANIZATION, operation.id)
    assert recorded is not None
    assert (recorded.outcome, recorded.text) == (Outcome.SUCCESS, operation.written)


async def test_nothing_is_recorded_of_an_operation_that_was_never_tried(room: WorkRoom, operation: Operation):
    assert await room.recorded(ORGANIZATION, operation.id) is None


async def test_asking_what_is_recorded_writes_ahead_so_that_a_standby_has_it_too(
    room: WorkRoom, operation: Operation, connection: asyncpg.Connection
):
    await tried(room, operation, "one")
    settled = "SELECT pg_current_wal_flush_lsn() > $1::pg_lsn"
    before = await connection.fetchval("SELECT pg_current_wal_insert_lsn()")
    await room.recorded(ORGANIZATION, operation.id)
    assert await connection.fetchval(settled, before)
