"""A rehearsal: everything happens in one transaction and is taken back, by the same code as ever.

Each unit is taken back as soon as it is over, so that nobody waits long for what it held. A unit that
later ones have to see is kept until the end.
Proven by tests/database/test_rehearsal.py.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

from asyncpg import Record

from scimserver.db.pool import Database, Transaction
from scimserver.db.queries import Query

_SET_UP: Final = Query("set_up", "Before the first unit.", "SAVEPOINT rehearsal")
_CLEAR: Final = Query("clear", "Take everything back.", "ROLLBACK TO SAVEPOINT rehearsal")
_BEGIN: Final = Query("begin_unit", "Where a unit begins.", "SAVEPOINT unit")
_KEEP: Final = Query("keep_unit", "Let what a unit did stand.", "RELEASE SAVEPOINT unit")
_TAKE_BACK: Final = Query(
    "take_back_unit",
    "Take back what a unit did, and let go of what it held.",
    "ROLLBACK TO SAVEPOINT unit; RELEASE SAVEPOINT unit",
)


class Rehearsal(Database):
    """A database for units of work that change nothing in the end. Made by `rehearsing`."""

    def __init__(self, stage: Transaction, database: Database) -> None:
        self.patience = database.patience
        self._stage = stage
        self._is_kept = False

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[None]:
        """What happens in the block is taken back at its end, unless it calls `keep` and does not fail."""
        self._is_kept = False
        await self._stage.execute(_BEGIN)
        try:
            yield
        except Exception:
            await self._stage.execute(_TAKE_BACK)
            raise
        await self._stage.execute(_KEEP if self._is_kept else _TAKE_BACK)

    def keep(self) -> None:
        """Let later units see what this one does."""
        self._is_kept = True

    async def fetch(self, query: Query, *arguments: object) -> list[Record]:
        """All rows."""
        return await self._stage.fetch(query, *arguments)

    async def fetchrow(self, query: Query, *arguments: object) -> Record | None:
        """The first row, or None."""
        return await self._stage.fetchrow(query, *arguments)

    async def search(self, query: Query, *arguments: object) -> list[Record]:
        """All rows."""
        return await self._stage.fetch(query, *arguments)

    async def write(self, query: Query, *arguments: object) -> Any:
        """Change something within the unit; the first column of the first row."""
        return await self._stage.fetchval(query, *arguments)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        """The transaction of all units: what fails in it ends with its unit."""
        yield self._stage


@asynccontextmanager
async def rehearsing(database: Database) -> AsyncGenerator[Rehearsal]:
    """A rehearsal in the database, for the time of the block. Raises what a transaction does."""
    async with database.transaction() as stage:
        await stage.execute(_SET_UP)
        yield Rehearsal(stage, database)
        await stage.execute(_CLEAR)
