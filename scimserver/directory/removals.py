"""How many users a connection may remove in an hour (rule P11): a careless provider cannot empty the house.

Deactivations and deletions count, over all processes, in the transaction in which they happen; what
is refused, rolled back or without effect does not. Whoever wants one more than there may be pauses the
connection: from then on it removes nobody until an administrator agrees. Nobody else is held up.
Proven by tests/database/test_removals.py and tests/api/test_removals*.py.
"""

import shlex
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from asyncpg import Record

from scimserver.audit import store as log
from scimserver.db.queries import load
from scimserver.kernel.actor import ActorKind
from scimserver.kernel.errors import InvalidValue, ProviderPaused
from scimserver.kernel.facts import Change, ConnectionNotPaused, ConnectionPaused, ConnectionResumed
from scimserver.kernel.ids import ConnectionId
from scimserver.kernel.permissions import Permission
from scimserver.work import Work

_QUERIES = load("removals")
_HOLD_LIMIT = _QUERIES["hold_limit"]
_TAKE = _QUERIES["take"]
_PAUSE = _QUERIES.change("pause")
_RESUME = _QUERIES.change("resume")
_HOLD_PAUSED = _QUERIES["hold_paused"]

WINDOW: Final = timedelta(hours=1)
"""How long a removal counts."""

HIGHEST_COUNT: Final = 2**31 - 1
"""The highest number that a limit can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalLimit:
    """How many users a connection may remove in an hour: a number or a part of all, whichever is more."""

    count: int | None = 20
    """None: as many as it likes, whatever `percent` is."""
    percent: int = 10

    def check(self) -> None:
        """Raise `InvalidValue` for what is no limit."""
        if not 0 <= (self.count or 0) <= HIGHEST_COUNT:
            raise InvalidValue(
                f"A limit of removals is a number from 0 to {HIGHEST_COUNT}, or off.",
                attribute="removal_limit",
            )
        if not 0 <= self.percent <= 100:
            raise InvalidValue("A percentage is a number from 0 to 100.", attribute="removal_percent")


USUAL_LIMIT: Final = RemovalLimit()
"""That of a connection about which nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """What an administrator agreed to: how many users stayed, and how often somebody tried to remove them."""

    paused: datetime
    users: int
    attempts: int


async def count(work: Work, user_name: str, changes: tuple[Change, ...], *, is_deletion: bool) -> None:
    """Count that the work's connection removes one more user; nothing for an actor of another kind.

    Until the work ends, nobody else removes for the connection: use this last, holding the user. Raises
    `ProviderPaused`, which says of what user and with what changes.
    """
    connection = work.actor.connection
    if work.actor.kind is not ActorKind.CONNECTION or connection is None:
        return
    transaction = await work.begin()
    limit = await transaction.fetchrow(_HOLD_LIMIT, work.actor.organization, connection)
    if limit is None:
        return
    made = limit["removals_made"]
    if limit["removals_paused"] is None:
        counted = await transaction.fetchrow(
            _TAKE,
            work.actor.organization,
            connection,
            work.now,
            work.now - WINDOW,
            limit["removal_limit"],
            limit["removal_percent"],
            is_deletion,
        )
        assert counted is not None, "the question has one answer"
        if counted["taken"]:
            return
        made = counted["made"]
        _pause(work, connection, counted)
    refused = ProviderPaused(_explained(work.actor.name, limit["organization"], made))
    refused.attempted, refused.display = changes, user_name
    raise refused


async def resume(work: Work, connection: ConnectionId, name: str) -> HeldBack | None:
    """Let a connection remove users again, counted from now on; None where it was not paused."""
    work.require(Permission.CONNECTIONS_MANAGE)
    organization = work.actor.organization
    transaction = await work.begin()
    paused = await transaction.fetchval(_HOLD_PAUSED, organization, connection)
    if paused is None:
        work.note(ConnectionNotPaused(target=connection, display=name))
        return None
    refusals = await log.count_refusals(
        transaction, organization, connection, reason=ProviderPaused.reason, since=paused
    )
    held = HeldBack(paused=paused, users=refusals.targets, attempts=refusals.attempts)
    work.change(_RESUME, organization, connection)
    changes = (
        Change(path="removals_paused", old=paused.isoformat()),
        Change(path="held_back", new=held.users),
    )
    work.note(ConnectionResumed(target=connection, display=name, changes=changes))
    return held


def _pause(work: Work, connection: ConnectionId, counted: Record) -> None:
    """Have the connection paused, once the work that wanted too much is rolled back."""
    made, latest = counted["made"], counted["latest"]
    changes = (
        Change(path="removals_paused", new=work.now.isoformat()),
        Change(path="removals_made", new=made),
    )
    fact = ConnectionPaused(target=connection, display=work.actor.name, changes=changes)
    work.leave(fact, _PAUSE, work.actor.organization, connection, work.now, made, latest)


def _explained(connection: str, organization: str, made: int) -> str:
    return (
        f'The connection "{connection}" removed as many users within an hour as it may: {made} (deactivations'
        " and deletions count). Nothing was changed, and no more are removed until an administrator looked"
        " at what the identity provider is doing, and agreed to it with"
        f" `scimserver connection resume {organization} {shlex.quote(connection)}`."
    )
