"""The unit of work: change, log entry and outbox are there together, or not at all."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

import pytest

from scimserver.db.pool import Database
from scimserver.db.queries import Query
from scimserver.db.violations import ConstraintViolated
from scimserver.kernel.actor import NOBODY
from scimserver.kernel.errors import AlreadyTaken, Conflicted, NotPermitted, Unavailable
from scimserver.kernel.facts import UserCreated
from scimserver.kernel.ids import OrganizationId
from scimserver.kernel.permissions import Permission
from scimserver.work import Operation, Work, WorkRoom
from tests.works import (
    ACTOR,
    DELETED,
    MAKE,
    ORIGIN,
    READ,
    RENAME,
    RENAMED,
    SEIZE,
    TABLES,
    TAKEN,
    TARGET,
    UNCHANGED,
    Rows,
    commit,
    counts,
    written_by,
)


async def test_work_writes_change_log_and_outbox_in_one_statement_when_one_row_changes(
    open_work: Callable[..., Work], rows: Rows
):
    async with open_work() as work:
        work.change(MAKE, "one")
        work.note(RENAMED)
    assert await counts(rows) == {"things": 1, "log_entries": 1, "log_values": 5, "outbox": 1}
    assert len(await written_by(rows, "by_transaction")) == 1
    assert len(await written_by(rows, "by_statement")) == 1


async def test_work_writes_several_rows_in_one_transaction(open_work: Callable[..., Work], rows: Rows):
    async with open_work() as work:
        work.change(MAKE, "one")
        work.change(MAKE, "two")
        work.note(UserCreated(target=TARGET, display="one"))
        work.note(DELETED)
    assert await counts(rows) == {"things": 2, "log_entries": 2, "log_values": 3, "outbox": 2}
    assert len(await written_by(rows, "by_transaction")) == 1


async def test_last_change_of_several_is_one_statement_with_the_log(
    open_work: Callable[..., Work], rows: Rows
):
    async with open_work() as work:
        work.change(MAKE, "one")
        work.change(MAKE, "two")
        work.note(RENAMED)
    one, two = await rows("things")
    [entry] = await rows("log_entries")
    assert one["by_statement"] != two["by_statement"] == entry["by_statement"]


async def test_work_writes_what_ran_at_once_and_the_log_in_one_transaction(
    open_work: Callable[..., Work], rows: Rows
):
    async with open_work() as work:
        assert await work.run(MAKE, "one") == 1
        work.note(DELETED)
    assert await counts(rows) == {"things": 1, "log_entries": 1, "log_values": 1, "outbox": 1}
    assert len(await written_by(rows, "by_transaction")) == 1


async def test_work_writes_what_was_flushed_with_the_rest(room: WorkRoom, rows: Rows):
    operation = Operation()
    async with room.open(ACTOR, ORIGIN, operation=operation) as work:
        for fact in (RENAMED, DELETED):
            work.note(fact)
            await work.flush()
        work.change(MAKE, "one")
        work.note(UNCHANGED)
    entries = await rows("log_entries")
    assert [row["event"] for row in entries] == ["user.update", "user.delete", "user.update"]
    assert (entries[0]["id"], entries[0]["entry"]) == (operation.id, operation.written)
    assert len(await written_by(rows, "by_transaction")) == 1


async def test_work_keeps_nothing_that_was_flushed_when_its_block_fails(
    open_work: Callable[..., Work], rows: Rows
):
    async def fail() -> None:
        async with open_work() as work:
            work.note(RENAMED)
            await work.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await counts(rows) == dict.fromkeys(TABLES, 0)


async def test_work_is_handed_over_with_what_was_done_so_far(open_work: Callable[..., Work], rows: Rows):
    async with open_work() as work:
        work.change(MAKE, "one")
        work.note(RENAMED)
        await work.hand_over(replace(ACTOR, name="another"))
        work.change(MAKE, "two")
        work.note(DELETED)
    entries = [json.loads(row["entry"]) for row in await rows("log_entries")]
    assert [(each["event"], each["actor"]["name"]) for each in entries] == [
        ("user.update", "tests"),
        ("user.delete", "another"),
    ]
    assert (await counts(rows))["things"] == 2
    assert len(await written_by(rows, "by_transaction")) == 1


async def test_work_that_is_handed_over_keeps_nothing_when_its_block_fails(
    open_work: Callable[..., Work], rows: Rows
):
    async def fail() -> None:
        async with open_work() as work:
            work.change(MAKE, "one")
            work.note(RENAMED)
            await work.hand_over(replace(ACTOR, name="another"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await counts(rows) == dict.fromkeys(TABLES, 0)


async def test_work_is_handed_over_within_one_organisation(open_work: Callable[..., Work]):
    async with open_work() as work:
        with pytest.raises(AssertionError, match="two organisations"):
            await work.hand_over(replace(ACTOR, organization=OrganizationId(UUID(int=2))))


async def test_work_says_how_many_rows_a_change_hit(open_work: Callable[..., Work]):
    async with open_work() as work:
        assert await work.run(RENAME, "nobody", "x", 1) == 0


async def test_work_keeps_nothing_when_its_block_fails(open_work: Callable[..., Work], rows: Rows):
    async def fail() -> None:
        async with open_work() as work:
            await work.run(MAKE, "one")
            work.change(MAKE, "two")
            work.note(RENAMED)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await counts(rows) == dict.fromkeys(TABLES, 0)


async def test_work_keeps_nothing_when_a_later_change_fails(open_work: Callable[..., Work], rows: Rows):
    with pytest.raises(ConstraintViolated):
        await commit(open_work(), (MAKE, "one"), (MAKE, "one"))
    assert await counts(rows) == dict.fromkeys(TABLES, 0)


async def test_work_writes_nothing_when_nothing_happened(open_work: Callable[..., Work], rows: Rows):
    async with open_work() as work:
        work.require(Permission.USERS_READ)
    assert await counts(rows) == dict.fromkeys(TABLES, 0)


@pytest.mark.parametrize("others", [(), ("other",)], ids=["alone", "among-several"])
async def test_work_conflicts_and_logs_nothing_when_its_row_moved(
    open_work: Callable[..., Work], rows: Rows, thing: str, others: tuple[str, ...]
):
    with pytest.raises(Conflicted):
        await commit(open_work(), *((MAKE, other) for other in others), (RENAME, thing, "new", 2))
    assert await counts(rows) == {"things": 1, "log_entries": 0, "log_values": 0, "outbox": 0}


async def test_work_loses_against_a_faster_one(open_work: Callable[..., Work], rows: Rows, thing: str):
    async def lose() -> None:
        async with open_work() as slow:
            slow.change(RENAME, thing, "slow", 1)
            slow.note(RENAMED)
            await commit(open_work(), (RENAME, thing, "fast", 1))

    with pytest.raises(Conflicted):
        await lose()
    assert [(row["title"], row["version"]) for row in await rows("things")] == [("fast", 2)]
    assert len(await rows("log_entries")) == 1


async def rename_after(work: Work, thing: str, meanwhile: Callable[[], Awaitable[None]]) -> None:
    async with work:
        row = await work.fetchrow(SEIZE if work.locking else READ, thing)
        assert row is not None
        await meanwhile()
        work.change(RENAME, thing, "mine", row["version"])
        work.note(RENAMED)


async def test_work_done_again_under_lock_keeps_others_away_and_succeeds(
    open_work: Callable[..., Work], database: Database, rows: Rows, thing: str
):
    async def interfere() -> None:
        await database.fetchval(SEIZE, thing)
        async with open_work() as other:
            other.change(RENAME, thing, "theirs", 1)

    async def fail_to_interfere() -> None:
        with pytest.raises(Unavailable):
            await database.fetchval(SEIZE, thing)

    with pytest.raises(Conflicted):
        await rename_after(open_work(), thing, interfere)
    await rename_after(open_work(lock=True), thing, fail_to_interfere)
    assert [(row["title"], row["version"]) for row in await rows("things")] == [("mine", 3)]
    assert [row["event"] for row in await rows("log_entries")] == ["user.update"]


async def test_work_reads_its_own_changes(open_work: Callable[..., Work]):
    async with open_work() as work:
        await work.run(MAKE, "one")
        assert [row["version"] for row in await work.fetch(READ, "one")] == [1]


async def test_work_logs_an_attempt_without_effect_and_announces_nothing(
    open_work: Callable[..., Work], rows: Rows
):
    async with open_work() as work:
        work.note(UNCHANGED)
    assert [(row["event"], row["outcome"]) for row in await rows("log_entries")] == [("user.update", "noop")]
    assert await rows("outbox") == []


@pytest.mark.parametrize("others", [(), ("other",)], ids=["alone", "among-several"])
async def test_work_refuses_a_taken_value_and_says_what_was_attempted(
    open_work: Callable[..., Work], rows: Rows, thing: str, others: tuple[str, ...]
):
    with pytest.raises(AlreadyTaken) as caught:
        await commit(open_work(), *((MAKE, other) for other in others), (MAKE, thing), broken=TAKEN)
    assert (caught.value.attempted, caught.value.display) == (RENAMED.changes, RENAMED.display)
    assert await counts(rows) == {"things": 1, "log_entries": 0, "log_values": 0, "outbox": 0}


async def test_work_refuses_a_taken_value_at_once_when_the_change_runs_at_once(
    open_work: Callable[..., Work], rows: Rows, thing: str
):
    async def take() -> None:
        async with open_work() as work:
            await work.run(MAKE, "one")
            await work.run(MAKE, thing, broken=TAKEN)

    with pytest.raises(AlreadyTaken):
        await take()
    assert [row["name"] for row in await rows("things")] == [thing]


async def test_work_passes_on_a_broken_constraint_that_nobody_foresaw(
    open_work: Callable[..., Work], thing: str
):
    with pytest.raises(ConstraintViolated, match="things_pkey"):
        await commit(open_work(), (MAKE, thing), broken={"another_key": lambda: AlreadyTaken("no")})


async def test_work_requires_permissions_and_names_the_missing_one(room: WorkRoom):
    with pytest.raises(NotPermitted, match=r"users\.delete"):
        room.open(NOBODY, ORIGIN).require(Permission.USERS_DELETE)


async def test_work_that_fails_gives_its_connection_back(database: Database, open_work: Callable[..., Work]):
    async def fail() -> None:
        async with open_work(lock=True):
            raise ZeroDivisionError

    for _ in range(10):
        with pytest.raises(ZeroDivisionError):
            await fail()
    assert await database.fetchval(Query("one", "", "SELECT 1")) == 1
