"""The rows of the provisioning log: appended beside the change they tell of, and read in pages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from scimserver.audit.entry import Entry as Entry
from scimserver.audit.entry import Written
from scimserver.db.pool import Database, Reader
from scimserver.db.queries import RecordClause, load
from scimserver.kernel.facts import Json, Outcome
from scimserver.kernel.ids import ConnectionId, EntryId, OrganizationId, oldest_uuid

_QUERIES = load("audit")
APPEND = _QUERIES.record("append_entries")
APPEND_ONE = _QUERIES.record("append_entry")
_LIST = _QUERIES["list_entries"]
_LATEST = _QUERIES["latest_entries"]
_COUNT = _QUERIES["count_entries"]
_CONFIRM = _QUERIES["confirm_entry"]
_COUNT_REFUSALS = _QUERIES["count_refusals"]

NOBODY = UUID(int=0)
"""Whom a value belongs to that is about no known person."""

OLDEST = EntryId(UUID(int=0))
"""Before every entry."""

_EARLIER: Final = timedelta(minutes=1)
"""How much older than its moment an entry's id may be: it is kept over all tries of a request."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """How many attempts were refused, and how many things they were aimed at."""

    attempts: int
    targets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """How the attempt of an entry ended, and the entry's text as it was sealed."""

    outcome: Outcome
    text: str


class Appending(NamedTuple):
    """What puts entries on record: a clause, and its arguments."""

    clause: RecordClause
    arguments: tuple[object, ...]


def appending(
    organization: OrganizationId,
    entries: Sequence[Entry],
    written: Sequence[Written],
    messages: Sequence[Message],
) -> Appending:
    """What puts the entries, as they are written, on record, and messages beside them."""
    if len(entries) == 1 and len(messages) <= 1:
        message = messages[0] if messages else None
        return Appending(APPEND_ONE, _one(organization, entries[0], written[0], message))
    halves = list(zip(entries, written, strict=True))
    by_person = [
        {"entry_id": entry.id, "subject": subject, "kept": kept}
        for entry, half in halves
        for subject, kept in _by_person(half).items()
    ]
    rows = [_entry_row(entry, half) for entry, half in halves]
    return Appending(APPEND, (organization, _json(rows), _json(by_person), _json(messages)))


def _one(
    organization: OrganizationId, entry: Entry, written: Written, message: Message | None
) -> tuple[object, ...]:
    kept = _by_person(written)
    # Somebody may try to change who has the id of nobody.
    of_nobody, own = kept.pop(NOBODY, None), kept.pop(entry.target, None) if entry.target else None
    assert not kept, "values belong to the target or to nobody known"
    announced = (message.id, message.topic, message.payload) if message else (None, None, None)
    return (organization, *_entry_row(entry, written).values(), of_nobody, own, *announced)


def _entry_row(entry: Entry, written: Written) -> dict[str, object]:
    return {
        "id": entry.id,
        "occurred": entry.occurred,
        "event": entry.event,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "connection_id": entry.actor.connection,
        "request_id": entry.origin.request_id,
        "target_id": entry.target,
        "entry": written.text,
    }


def _by_person(written: Written) -> dict[UUID, str]:
    """Each person's values, as JSON: a row each, which is what will be erased at once."""
    kept: dict[UUID, dict[str, tuple[str, str]]] = {}
    for value in written.values:
        of_person = kept.setdefault(value.subject or NOBODY, {})
        of_person[value.field] = (value.salt.hex(), value.value)
    return {subject: _json(fields) for subject, fields in kept.items()}


def _json(rows: object) -> str:
    # The driver's own UUIDs are none that orjson knows.
    return orjson.dumps(rows, default=str).decode()


async def page(
    database: Database, organization: OrganizationId, narrow: Filter, *, after: EntryId, count: int
) -> list[Logged]:
    """The next `count` entries after one, oldest first."""
    # What it is narrowed by decides how to find it: planned for these values.
    rows = await database.search(
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
                field: json.loads(value)
                for kept in row["personal"] or ()
                for field, (_, value) in json.loads(kept).items()
            },
        )
        for row in rows
    ]


async def confirmed(database: Database, organization: OrganizationId, entry: EntryId) -> Recorded | None:
    """The entry of that id; once this has answered, it is as durable as what was just written."""
    row = await database.fetchrow(_CONFIRM, organization, entry)
    return Recorded(outcome=Outcome(row["outcome"]), text=row["entry"]) if row else None


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


async def count_refusals(
    reader: Reader, organization: OrganizationId, connection: ConnectionId, *, reason: str, since: datetime
) -> Refusals:
    """What of a connection was refused for a reason since a moment."""
    # Ids are in the order of time, so that only what is younger is looked at; some are made a little earlier.
    older = oldest_uuid(since - _EARLIER)
    row = await reader.fetchrow(_COUNT_REFUSALS, organization, older, connection, reason, since)
    assert row is not None, "counting has one answer"
    return Refusals(attempts=row["attempts"], targets=row["targets"])
