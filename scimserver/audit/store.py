"""The rows of the provisioning log: appended beside the change they tell of, and read in pages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from scimserver.audit.entry import Entry as Entry
from scimserver.audit.entry import Salt, write
from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.kernel.facts import Json
from scimserver.kernel.ids import ConnectionId, EntryId, OrganizationId

_QUERIES = load("audit")
APPEND = _QUERIES.record("append_entries")
_LIST = _QUERIES["list_entries"]
_LATEST = _QUERIES["latest_entries"]
_COUNT = _QUERIES["count_entries"]

OLDEST = EntryId(UUID(int=0))
"""Before every entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What the outbox carries: a topic, and a payload without personal data."""

    id: UUID
    topic: str
    payload: str
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries to read; what is None does not narrow."""

    since: datetime | None = None
    until: datetime | None = None
    events: Sequence[str] | None = None
    outcomes: Sequence[str] | None = None
    target: UUID | None = None
    connection: UUID | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """An entry as read back: what was sealed, and the personal values not yet erased, by field."""

    id: EntryId
    entry: dict[str, Any]
    personal: dict[str, Json]


def append_arguments(
    organization: OrganizationId, entries: Sequence[Entry], messages: Sequence[Message], salt: Salt
) -> tuple[object, ...]:
    """The arguments of the record clause `append_entries`."""
    written = [write(entry, salt) for entry in entries]
    values = [
        (entry.id, value) for entry, half in zip(entries, written, strict=True) for value in half.values
    ]
    return (
        organization,
        [entry.id for entry in entries],
        [entry.occurred for entry in entries],
        [entry.event for entry in entries],
        [entry.outcome.value for entry in entries],
        [entry.reason for entry in entries],
        [entry.actor.connection for entry in entries],
        [entry.origin.request_id for entry in entries],
        [entry.target for entry in entries],
        [half.text for half in written],
        [entry_id for entry_id, _ in values],
        [value.field for _, value in values],
        [value.subject for _, value in values],
        [value.salt for _, value in values],
        [value.value for _, value in values],
        [message.id for message in messages],
        [message.topic for message in messages],
        [message.payload for message in messages],
        [message.created for message in messages],
    )


async def page(
    database: Database, organization: OrganizationId, narrow: Filter, *, after: EntryId, count: int
) -> list[Logged]:
    """The next `count` entries after one, oldest first."""
    rows = await database.fetch(
        _LIST,
        organization,
        after,
        narrow.since,
        narrow.until,
        narrow.events,
        narrow.outcomes,
        narrow.target,
        narrow.connection,
        narrow.request_id,
        count,
    )
    return [
        Logged(
            id=EntryId(row["id"]),
            entry=json.loads(row["entry"]),
            personal={
                field: json.loads(value) for field, value in json.loads(row["personal"] or "{}").items()
            },
        )
        for row in rows
    ]


async def before_last(database: Database, organization: OrganizationId, count: int) -> EntryId:
    """The entry before the last `count`, or `OLDEST`: reading after it gives those."""
    row = await database.fetchrow(_LATEST, organization, count)
    return EntryId(row["id"]) if row else OLDEST


async def tally(
    database: Database, organization: OrganizationId, connection: ConnectionId | None = None
) -> dict[tuple[str, str], int]:
    """How many entries there are of each event and outcome; of all connections, or of one."""
    rows = await database.fetch(_COUNT, organization, connection)
    return {(row["event"], row["outcome"]): row["entries"] for row in rows}
