"""The last entries of a provisioning log, and those that come after, each once.

An entry gets its id (a UUIDv7, RFC 9562) before it is committed, so an older one can appear after a
younger one. Whoever follows the log therefore reads its last seconds again each time.
Proven by tests/database/test_cli_audit.py.
"""

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from scimserver.audit import store
from scimserver.audit.store import OLDEST, Filter, Logged
from scimserver.db.pool import Database
from scimserver.kernel.ids import EntryId, OrganizationId

_PAGE: Final = 500
_WINDOW_MS: Final = 40_000
"""How much later than a younger entry one may be committed. An entry keeps its id over all tries of
its request, 25 seconds (`db.pool.Patience`), and the last statement may run for ten more; the rest
is for clocks that differ."""

_TIME_SHIFT: Final = 80
"""A UUIDv7 begins with its milliseconds; this many bits follow."""

Pause = Callable[[], Awaitable[None]]
"""Waits before the log is looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One organisation's log, seen through a filter; `left_out` is a request not to be shown."""

    database: Database
    organization: OrganizationId
    narrow: Filter
    left_out: str = ""

    async def latest(self, count: int) -> list[Logged]:
        """The last `count` entries, oldest first; looks back no further than it must."""
        reach = max(count, 1)
        while True:
            start = await store.before_last(self.database, self.organization, reach)
            found = deque([logged async for logged in self._after(start)], maxlen=count)
            if len(found) == count or start == OLDEST:
                return list(found)
            reach *= 4

    async def follow(self, count: int, *, pause: Pause) -> AsyncGenerator[list[Logged]]:
        """The last `count` entries, then a batch after each pause; each entry once."""
        floor = _window_before(await self._head())
        shown = {logged.id async for logged in self._after(floor)}
        batch = await self.latest(count)
        while True:
            yield batch
            shown.update(logged.id for logged in batch)
            await pause()
            head = await self._head()
            batch = [logged async for logged in self._after(floor) if logged.id not in shown]
            # What is below the new floor by now was read in this round, or came too late.
            floor = max(floor, _window_before(head))
            shown = {entry for entry in shown if entry > floor}

    async def _head(self) -> EntryId:
        """The youngest entry, whether the filter lets it through or not."""
        return await store.before_last(self.database, self.organization, 0)

    async def _after(self, entry: EntryId) -> AsyncGenerator[Logged]:
        while True:
            page = await store.page(self.database, self.organization, self.narrow, after=entry, count=_PAGE)
            for logged in page:
                if logged.entry["request"]["id"] != self.left_out:
                    yield logged
            if len(page) < _PAGE:
                return
            entry = page[-1].id


def _window_before(entry: EntryId) -> EntryId:
    """Before every entry that may still be committed although that one was."""
    milliseconds = max((entry.int >> _TIME_SHIFT) - _WINDOW_MS, 0)
    return EntryId(UUID(int=milliseconds << _TIME_SHIFT))
