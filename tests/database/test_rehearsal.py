"""A rehearsal: units of work do what they always do, and nothing of it stays."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from scimserver.db.pool import Database
from scimserver.db.rehearsal import Rehearsal, rehearsing
from scimserver.db.violations import ConstraintViolated
from scimserver.kernel.errors import InvalidValue
from scimserver.work import WorkRoom
from tests.works import ACTOR, DELETED, MAKE, ORIGIN, READ, RENAME, RENAMED, SEIZE, TABLES, Rows, counts


@pytest.fixture
async def stage(database: Database, thing: str) -> AsyncGenerator[Rehearsal]:
    """A rehearsal where there is a thing."""
    async with rehearsing(database) as stage:
        yield stage


async def make(stage: Rehearsal, *names: str) -> None:
    """Make things in a unit of work, on record."""
    async with WorkRoom(stage).open(ACTOR, ORIGIN) as work:
        for name in names:
            work.change(MAKE, name)
        work.note(RENAMED)


@pytest.mark.parametrize("names", [("one",), ("one", "two")])
async def test_unit_is_taken_back_when_it_is_over(stage: Rehearsal, rows: Rows, names: tuple[str, ...]):
    async with stage.unit():
        await make(stage, *names)
        assert await stage.fetchrow(READ, "one") is not None
    assert await stage.fetchrow(READ, "one") is None
    assert await counts(rows) == {**dict.fromkeys(TABLES, 0), "things": 1}


async def test_unit_that_is_kept_is_seen_by_later_ones_until_the_end(
    database: Database, rows: Rows, thing: str
):
    async with rehearsing(database) as stage:
        async with stage.unit():
            await make(stage, "kept")
            stage.keep()
        async with stage.unit():
            await make(stage, "later")
        assert await stage.fetchval(READ, "kept") is None  # its title
        assert await stage.fetchrow(READ, "kept") is not None
        assert await stage.fetchrow(READ, "later") is None
    assert await counts(rows) == {**dict.fromkeys(TABLES, 0), "things": 1}


async def test_unit_that_fails_is_taken_back_and_the_next_one_works(stage: Rehearsal, thing: str):
    async def fail() -> None:
        async with stage.unit():
            stage.keep()
            await make(stage, "one", thing)

    with pytest.raises(ConstraintViolated):
        await fail()
    async with stage.unit():
        await make(stage, "one")


async def test_unit_lets_go_of_what_it_held(stage: Rehearsal, database: Database, thing: str):
    async with stage.unit(), WorkRoom(stage).open(ACTOR, ORIGIN, lock=True) as work:
        assert await work.fetchrow(SEIZE, thing) is not None
        work.change(RENAME, thing, "new", 1)
        work.note(DELETED)
    async with asyncio.timeout(5):
        assert await database.fetchrow(SEIZE, thing) is not None


async def test_refusal_passes_through_a_unit(stage: Rehearsal):
    with pytest.raises(InvalidValue):
        async with stage.unit():
            raise InvalidValue("no")


async def test_nothing_stays_when_the_rehearsal_fails(database: Database, rows: Rows, thing: str):
    async def fail() -> None:
        async with rehearsing(database) as stage, stage.unit():
            await make(stage, "one")
            stage.keep()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await counts(rows) == {**dict.fromkeys(TABLES, 0), "things": 1}
