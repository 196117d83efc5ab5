"""Housekeeping that no request waits for: totals folded, old messages dropped, counts written.

Every process runs it; an advisory lock in the transaction lets one at a time do the shared part.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

import structlog

from scimserver.access.refusals import Refusals
from scimserver.access.usage import Usage
from scimserver.db.queries import load
from scimserver.kernel.errors import Conflicted, Unavailable
from scimserver.work import WorkRoom

_QUERIES = load("tidying")
_TRY = _QUERIES["try_tidying"]
_FOLD = _QUERIES["fold_totals"]
_DROP = _QUERIES["drop_old_messages"]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidying:
    """The housekeeping of one process."""

    room: WorkRoom
    refusals: Refusals
    usage: Usage
    outbox_retention: timedelta
    every: float = 5.0
    """Seconds between two rounds."""

    async def run(self) -> None:
        """Tidy until cancelled; then write what was only counted."""
        try:
            while True:
                await asyncio.sleep(self.every)
                await self._round()
        finally:
            await self._round(last=True)

    async def _round(self, *, last: bool = False) -> None:
        try:
            await self.once(last=last)
        except (Unavailable, Conflicted) as failure:
            # The next round does it: nothing was lost.
            _log.warning("tidying.postponed", failure=type(failure).__name__)

    async def once(self, *, last: bool = False) -> None:
        """One round; `last` also writes the counts of windows that are still open."""
        await self.usage.write(self.room.database)
        due = self.refusals.due(self.room.clock(), everything=last)
        due.sort(key=lambda entry: entry.organization)
        for _, entries in groupby(due, key=lambda entry: entry.organization):
            await self.room.record(*entries)
        async with self.room.database.transaction() as transaction:
            if await transaction.fetchval(_TRY):
                await transaction.execute(_FOLD)
                await transaction.execute(_DROP, self.room.clock() - self.outbox_retention)
