"""Who calls with a secret: one indexed lookup by digest, trusted for a moment (RFC 6750).

A busy client asks many times a second, and its credential hardly ever changes: what was found is
kept, by digest, for about a second. So a revoked token, or a connection that is treated
differently, takes that long to be noticed by every process; an end that is known beforehand is
kept to the instant. Unknown secrets are never kept.
Proven by tests/database/test_credentials.py and tests/api/test_credentials.py.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from asyncpg import Record

from scimserver.access.connections import Connection, connection_of
from scimserver.db.pool import Reader
from scimserver.db.queries import load
from scimserver.kernel.actor import Actor, ActorKind
from scimserver.kernel.errors import Unauthenticated
from scimserver.kernel.ids import ConnectionId, OrganizationId, TokenId
from scimserver.kernel.permissions import Scope, permissions_of

_CALLER = load("access")["caller_of_token"]

MOST_KEPT: Final = 10_000
"""How many credentials one process keeps at most; the oldest look-up goes first."""

_UNKNOWN = "The bearer token is unknown, expired or revoked. Issue a new one: `scimserver token create`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: an actor, and the connection whose dialect it speaks."""

    actor: Actor
    connection: Connection


class Ended(Unauthenticated):
    """The token is ours but has expired or was revoked; `actor` is whose it was."""

    reason = "credential_ended"

    def __init__(self, detail: str, actor: Actor) -> None:
        super().__init__(detail)
        self.actor = actor


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    caller: Caller
    ends: datetime | None
    """When the token expires or was revoked, whichever is first."""
    asked: datetime
    until: datetime
    """Until when this may be repeated."""


class Credentials:
    """Answers who calls. `trusted_for` is how long an answer may be repeated without asking again."""

    def __init__(self, database: Reader, *, trusted_for: timedelta) -> None:
        self._database = database
        self._trusted_for = trusted_for
        self._kept: dict[bytes, _Found] = {}

    async def caller(self, digest: bytes, now: datetime) -> Caller:
        """Who calls with the secret of that digest.

        Raises `Unauthenticated` for an unknown secret, `Ended` for one that has run out. Both say
        the same to the caller.
        """
        kept = self.kept(digest, now)
        if kept is not None:
            return kept
        found = await self._ask(digest, now)
        if found.ends is not None and found.ends <= now:
            raise Ended(_UNKNOWN, found.caller.actor)
        return found.caller

    def kept(self, digest: bytes, now: datetime) -> Caller | None:
        """The same, if it was asked lately and the secret has not run out since; else None."""
        found = self._kept.get(digest)
        return found.caller if found is not None and found.asked <= now < found.until else None

    async def _ask(self, digest: bytes, now: datetime) -> _Found:
        self._kept.pop(digest, None)
        row = await self._database.fetchrow(_CALLER, digest)
        if row is None:
            raise Unauthenticated(_UNKNOWN)
        found = _found(row, now, self._trusted_for)
        if self._trusted_for:
            if len(self._kept) >= MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[digest] = found
        return found


def _found(row: Record, now: datetime, trusted_for: timedelta) -> _Found:
    scopes = frozenset(Scope(scope) for scope in row["scopes"])
    actor = Actor(
        kind=ActorKind.CONNECTION,
        organization=OrganizationId(row["org_id"]),
        permissions=permissions_of(scopes),
        connection=ConnectionId(row["id"]),
        credential=TokenId(row["token_id"]),
        name=row["name"],
    )
    ends = min((moment for moment in (row["expires"], row["revoked"]) if moment is not None), default=None)
    return _Found(
        caller=Caller(actor=actor, connection=connection_of(row)),
        ends=ends,
        asked=now,
        until=min(now + trusted_for, ends or datetime.max.replace(tzinfo=UTC)),
    )
