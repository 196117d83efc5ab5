"""Housekeeping that no request waits for: totals folded, counts written, what is old dropped.

Every process runs it; an advisory lock in the transaction lets one at a time do the shared part.
Proven by tests/database/test_tidying.py.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import Final

from scimserver.access.refusals import Refusals
from scimserver.access.usage import Usage
from scimserver.audit.entry import Entry
from scimserver.db.queries import load
from scimserver.db.violations import ConstraintViolated
from scimserver.directory import bin, removals
from scimserver.kernel.actor import Origin, system
from scimserver.kernel.ids import new_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work import WorkRoom
from scimserver.workers.rounds import one_round, rounds
from scimserver.workers.sweeping import Broom

_QUERIES = load("tidying")
_TRY = _QUERIES["try_tidying"]
_FOLD = _QUERIES["fold_totals"]
_DROP = _QUERIES["drop_old_messages"]
_DROP_REMOVALS = _QUERIES["drop_old_removals"]

_REMOVALS_KEPT: Final = 2 * removals.WINDOW
"""How long removals are kept: a clock that is behind still counts those of its last hour."""

_Batch = tuple[Entry, ...]
"""Entries of one organisation, written by one statement or not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidying:
    """The housekeeping of one process."""

    room: WorkRoom
    refusals: Refusals
    usage: Usage
    outbox_retention: timedelta
    every: float = 5.0
    """Seconds between two rounds."""
    broom: Broom = field(default_factory=Broom)
    _unwritten: list[_Batch] = field(default_factory=list[_Batch])

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Tidy during the block; after it, write what was only counted."""
        try:
            async with rounds("tidying", self.once, self.every):
                yield
        finally:
            await one_round("tidying", partial(self.once, last=True))

    async def once(self, *, last: bool = False) -> None:
        """One round; `last` also writes the counts of windows that are still open.

        Raises `Unavailable` and `Conflicted`; what could not be written then is kept for the next round.
        """
        await self.usage.write(self.room.database)
        await self._write_counts()
        due = self.refusals.due(self.room.clock(), everything=last)
        due.sort(key=lambda entry: entry.organization)
        self._unwritten.extend(
            tuple(entries) for _, entries in groupby(due, key=lambda entry: entry.organization)
        )
        await self._write_counts()
        await self._tidy_database()
        await self._empty_bin()

    async def _write_counts(self) -> None:
        while self._unwritten:
            # An earlier try of the same batch may have been stored although its answer was lost.
            with suppress(ConstraintViolated):
                await self.room.record(*self._unwritten[0])
            del self._unwritten[0]

    async def _tidy_database(self) -> None:
        async with self.room.database.transaction() as transaction:
            if await transaction.fetchval(_TRY):
                await transaction.execute(_FOLD)
                now = self.room.clock()
                await transaction.execute(_DROP, now - self.outbox_retention)
                await transaction.execute(_DROP_REMOVALS, now - _REMOVALS_KEPT)
                await self.broom.sweep(transaction, now)

    async def _empty_bin(self) -> None:
        """Forget deleted users whose time is over, some of them; those of one organisation or none."""
        for organization, users in (await bin.overdue(self.room.database, self.room.clock())).items():
            actor = system(organization, frozenset({Permission.USERS_DELETE}))
            async with self.room.open(actor, Origin(request_id=str(new_uuid()))) as work:
                await bin.purge_overdue(work, users)
