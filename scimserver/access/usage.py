"""When tokens were last used, gathered in memory and written in batches: no write per request."""

from datetime import datetime

from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.kernel.actor import Actor
from scimserver.kernel.ids import OrganizationId, TokenId

_TOUCH = load("access")["touch_tokens"]


class Usage:
    """What one process has seen of tokens since the last batch."""

    def __init__(self) -> None:
        self._used: dict[tuple[OrganizationId, TokenId], datetime] = {}

    def saw(self, actor: Actor, now: datetime) -> None:
        """Remember that the actor's token was used."""
        if actor.credential is not None:
            self._used[actor.organization, actor.credential] = now

    async def write(self, database: Database) -> None:
        """Write what was gathered; what cannot be written now is kept for the next time."""
        if not self._used:
            return
        batch = dict(self._used)
        organizations, tokens = zip(*batch, strict=True)
        await database.fetch(_TOUCH, list(organizations), list(tokens), list(batch.values()))
        for key, moment in batch.items():
            if self._used.get(key) == moment:
                del self._used[key]
