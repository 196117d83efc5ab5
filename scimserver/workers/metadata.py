"""Looking after SAML connections: each is looked at once a day, by one process of the installation.

A connection is claimed for as long as looking may take. An identity provider that does not answer is on
record with its own connection, and keeps no other one waiting for more than a moment.
Proven by tests/database/test_saml_looking.py.
"""

import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from scimserver.access.saml.refresh import Fetch, found_at
from scimserver.directory import saml
from scimserver.directory.saml import LOOKED_AT_EVERY
from scimserver.kernel.actor import Origin, system
from scimserver.kernel.errors import Conflicted, Unavailable
from scimserver.kernel.ids import new_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work import WorkRoom
from scimserver.workers.rounds import rounds

LEASE: Final = timedelta(minutes=5)
"""How long a claimed connection is left to whoever claimed it."""

MOST_AT_ONCE: Final = 20
"""How many are looked at in one round."""

_SPREAD_S: Final = 3600
"""Within how many seconds the moments lie at which connections are looked at that were made at once."""

_log = structlog.get_logger(__name__)


def some_time() -> timedelta:
    """A moment that differs each time."""
    return timedelta(seconds=secrets.randbelow(_SPREAD_S))


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataWorker:
    """Looks at what is due, for one process."""

    room: WorkRoom
    fetch: Fetch
    every: float = 30.0
    """Seconds between two looks for what is due."""
    spread: Callable[[], timedelta] = some_time

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Look after connections during the block."""
        async with rounds("saml_metadata", self.once, self.every):
            yield

    async def once(self) -> None:
        """Look at what is due, some of it. Raises `Unavailable`."""
        for _ in range(MOST_AT_ONCE):
            now = self.room.clock()
            claimed = await saml.claim_look(self.room.database, now, now + LEASE)
            if claimed is None:
                return
            try:
                await self._look(claimed)
            except Conflicted:
                _log.info("saml_metadata.looked_elsewhere")
            except Unavailable:
                raise
            except Exception as failure:  # noqa: BLE001 - one bad connection must not keep others waiting
                _log.error("saml_metadata.look_failed", exc_info=failure)

    async def _look(self, claimed: saml.Claimed) -> None:
        found = await saml.get(self.room.database, claimed.organization, claimed.connection)
        if found is None:
            return
        there = await found_at(self.fetch, found, self.room.clock())
        if there.failure is not None:
            # Whose it is, and why, stands with the connection: lines of the server name nobody.
            _log.warning("saml_metadata.not_read")
        actor = system(claimed.organization, frozenset({Permission.SAML_MANAGE}))
        async with self.room.open(actor, Origin(request_id=str(new_uuid()))) as work:
            due = work.now + LOOKED_AT_EVERY + self.spread()
            await saml.finish_look(work, found, there.provider, there.failure, due)
