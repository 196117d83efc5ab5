"""Housekeeping that no request waits for: totals folded, old messages dropped, counts written.

Every process runs it; an advisory lock in the transaction lets one at a time do the shared part.
Proven by tests/database/test_tidying.py.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Final

import structlog

from scimserver.access.refusals import Refusals
from scimserver.access.usage import Usage
from scimserver.audit.entry import Entry
from scimserver.db.queries import load
from scimserver.db.violations import ConstraintViolated
from scimserver.kernel.errors import Conflicted, Unavailable
from scimserver.work import WorkRoom

_QUERIES = load("tidying")
_TRY = _QUERIES["try_tidying"]
_FOLD = _QUERIES["fold_totals"]
_DROP = _QUERIES["drop_old_messages"]
_DROP_MAIL = _QUERIES["drop_failed_mail"]
_DROP_LINKS = _QUERIES["drop_dead_links"]
_DROP_ALLOWANCES = _QUERIES["drop_idle_allowances"]

FAILED_MAIL_KEPT: Final = timedelta(days=30)
"""How long operators can see what could not be mailed."""

_COUNTED: Final = timedelta(days=1)
"""What is older counts for no allowance, and a link that was dead before is asked for by nobody."""

_log = structlog.get_logger(__name__)

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
    _unwritten: list[_Batch] = field(default_factory=list[_Batch])

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Tidy during the block; after it, write what was only counted."""
        task = asyncio.create_task(self._rounds())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self._round(last=True)

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

    async def _rounds(self) -> None:
        while True:
            await asyncio.sleep(self.every)
            await self._round()

    async def _round(self, *, last: bool = False) -> None:
        try:
            await self.once(last=last)
        except (Unavailable, Conflicted) as failure:
            _log.warning("tidying.postponed", failure=type(failure).__name__)
        except Exception as failure:  # noqa: BLE001 - one bad round must not be the last one
            _log.error("tidying.failed", exc_info=failure)

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
                await transaction.execute(_DROP_MAIL, now - FAILED_MAIL_KEPT)
                await transaction.execute(_DROP_LINKS, now - _COUNTED)
                await transaction.execute(_DROP_ALLOWANCES, now - _COUNTED)
