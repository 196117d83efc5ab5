"""What a refused unit of work leaves behind: what it said it would, by itself and on record."""

from collections.abc import Callable

import pytest

from scimserver.kernel.errors import AlreadyTaken, Conflicted, InvalidValue
from scimserver.work import Work
from tests.works import DELETED, MAKE, RENAME, RENAMED, TABLES, TAKEN, Rows, counts, written_by


async def refused(work: Work, failure: Exception, *, beside: str = "") -> None:
    """Work that says what stays, changes something, and fails."""
    async with work:
        if beside:
            await work.run(MAKE, beside)
        work.leave(DELETED, MAKE, "left")
        work.note(RENAMED)
        raise failure


@pytest.mark.parametrize("lock", [False, True])
async def test_refused_work_leaves_what_it_said_and_nothing_else(
    open_work: Callable[..., Work], rows: Rows, lock: bool
):
    with pytest.raises(InvalidValue):
        await refused(open_work(lock=lock), InvalidValue("no"), beside="undone")
    assert [row["name"] for row in await rows("things")] == ["left"]
    assert [(row["event"], row["outcome"]) for row in await rows("log_entries")] == [
        ("user.delete", "success")
    ]
    assert len(await written_by(rows, "by_statement")) == 1


async def test_work_that_is_refused_when_it_ends_leaves_what_it_said(
    open_work: Callable[..., Work], rows: Rows, thing: str
):
    async def end() -> None:
        async with open_work() as work:
            work.leave(DELETED, MAKE, "left")
            work.change(MAKE, thing, broken=TAKEN)
            work.note(RENAMED)

    with pytest.raises(AlreadyTaken):
        await end()
    assert [row["name"] for row in await rows("things")] == ["left", thing]


@pytest.mark.parametrize("failure", [ZeroDivisionError(), Conflicted()])
async def test_work_that_fails_otherwise_leaves_nothing(
    open_work: Callable[..., Work], rows: Rows, failure: Exception
):
    with pytest.raises(type(failure)):
        await refused(open_work(), failure)
    assert await counts(rows) == dict.fromkeys(TABLES, 0)


async def test_work_that_is_done_leaves_nothing_but_its_own(open_work: Callable[..., Work], rows: Rows):
    async with open_work() as work:
        work.leave(DELETED, MAKE, "left")
        work.change(MAKE, "own")
        work.note(RENAMED)
    assert [row["name"] for row in await rows("things")] == ["own"]


async def test_what_hits_no_row_is_not_put_on_record(open_work: Callable[..., Work], rows: Rows, thing: str):
    async def fail() -> None:
        async with open_work() as work:
            work.leave(DELETED, RENAME, thing, "left", 7)
            raise InvalidValue("no")

    with pytest.raises(InvalidValue):
        await fail()
    assert await rows("log_entries") == []
