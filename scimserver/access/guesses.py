"""Where guesses come from: an address may fail so often, at passwords and at links alike.

Proven by tests/console/test_sign_in_limits.py and test_reset_page.py.
"""

import hashlib
import hmac
import math
from dataclasses import dataclass

from scimserver.access.refusals import Refusals
from scimserver.access.throttle.addresses import account_of
from scimserver.db.pool import Database
from scimserver.directory import tries
from scimserver.kernel.actor import NOBODY, Origin
from scimserver.kernel.errors import TooManyFailures
from scimserver.work import WorkRoom


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """Something that may be a guess: it counts as one until it is taken back."""

    database: Database
    source: bytes

    async def take_back(self) -> None:
        """It was none."""
        await tries.give_back_to_source(self.database, self.source)


class Guesses:
    """Counts guesses by where they come from. `secret` keys what stands for an address."""

    def __init__(self, room: WorkRoom, refusals: Refusals, secret: bytes) -> None:
        self._room = room
        self._refusals = refusals
        self._key = hmac.digest(secret, b"scimserver guesses", hashlib.sha256)

    async def count(self, origin: Origin, event: str) -> Guess:
        """Count a guess; `event` says at what. Raises `TooManyFailures` where no more is looked at."""
        source, now = self._source(origin), self._room.clock()
        wait = await tries.take_from_source(self._room.database, source, now)
        if not wait:
            return Guess(database=self._room.database, source=source)
        reason = TooManyFailures.reason
        entry = self._refusals.seen(NOBODY, origin, reason=reason, now=now, status=429, event=event)
        if entry is not None:
            await self._room.record(entry)
        raise TooManyFailures(
            "Too many tries that failed came from your network address: wait as Retry-After says.",
            retry_after=math.ceil(wait.total_seconds()),
        )

    def _source(self, origin: Origin) -> bytes:
        return hmac.digest(self._key, account_of(origin.client_address), hashlib.sha256)[:16]
