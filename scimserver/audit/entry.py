"""One entry of the provisioning log, and its two halves.

The entry itself is canonical JSON (sorted keys, no spaces, RFC 8785 in spirit) and holds no
personal data: where a value is personal it holds a salted commitment, and the value with its salt
stands in a row of its own, from which it can be erased without breaking any proof.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from scimserver.kernel.actor import Actor, Origin
from scimserver.kernel.facts import Change, Json, Outcome
from scimserver.kernel.ids import EntryId, OrganizationId

ENTRY_VERSION = 1
SALT_BYTES = 32
_COMMITMENT = b"scimserver log value v1"

Salt = Callable[[int], bytes]
"""Says so many random bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stage of handling a request: what it was, how it ended, how long it took."""

    name: str
    outcome: Outcome
    microseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One attempt. `detail` and `display` are personal data; `reason` is stable vocabulary."""

    id: EntryId
    organization: OrganizationId
    occurred: datetime
    event: str
    outcome: Outcome
    actor: Actor
    origin: Origin
    target_kind: str | None = None
    target: UUID | None = None
    display: str = ""
    reason: str | None = None
    detail: str = ""
    status: int | None = None
    changes: tuple[Change, ...] = ()
    steps: tuple[Step, ...] = ()
    microseconds: int = 0
    count: int = 1
    """How many like attempts this entry stands for (refused credentials are counted, not listed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A personal value to which an entry commits. `value` is its JSON text."""

    field: str
    subject: UUID | None
    salt: bytes
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An entry as it is stored: its text, and the personal values kept apart."""

    text: str
    values: tuple[Value, ...]


def canonical(value: Json) -> str:
    """The one JSON text of a value, in ASCII: whatever a client sent can be stored in it."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def commitment(field: str, salt: bytes, value: str) -> str:
    """The hexadecimal SHA-256 commitment to a value's JSON text under a field's name."""
    parts = (_COMMITMENT, field.encode(), salt, value.encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def write(entry: Entry, salt: Salt) -> Written:
    """Split an entry into its text and its personal values; `salt` makes 32 random bytes a value."""
    values: list[Value] = []

    def commit(field: str, value: Json, subject: UUID | None) -> str | None:
        if value is None or value == "":
            return None
        kept = Value(field=field, subject=subject, salt=salt(SALT_BYTES), value=canonical(value))
        values.append(kept)
        return commitment(field, kept.salt, kept.value)

    origin = entry.origin
    body: dict[str, Json] = {
        "v": ENTRY_VERSION,
        "id": str(entry.id),
        "organization": str(entry.organization),
        "occurred": entry.occurred.isoformat(),
        "event": entry.event,
        "outcome": entry.outcome.value,
        "reason": entry.reason,
        "status": entry.status,
        "actor": _actor(entry.actor),
        "request": {
            "id": origin.request_id,
            "method": origin.method,
            "path": origin.path,
            "client": commit("client", origin.client_address, None),
            "user_agent": origin.user_agent,
        },
        "target": {
            "kind": entry.target_kind,
            "id": str(entry.target) if entry.target else None,
            "display": commit("target.display", entry.display, entry.target),
        },
        "detail": commit("detail", entry.detail, entry.target),
        "changes": [
            _assigned(
                {
                    "path": change.path,
                    "old": commit(f"changes.{index}.old", change.old, entry.target),
                    "new": commit(f"changes.{index}.new", change.new, entry.target),
                }
            )
            for index, change in enumerate(entry.changes)
        ],
        "steps": [[step.name, step.outcome.value, step.microseconds] for step in entry.steps],
        "microseconds": entry.microseconds,
        "count": entry.count,
    }
    return Written(text=canonical(_assigned(body)), values=tuple(values))


def _actor(actor: Actor) -> dict[str, Json]:
    return {
        "kind": actor.kind.value,
        "name": actor.name,
        "connection": str(actor.connection) if actor.connection else None,
        "credential": str(actor.credential) if actor.credential else None,
    }


def _assigned(value: Mapping[str, Json]) -> dict[str, Json]:
    """The same object without members that say nothing."""
    return dict(_pairs(value))


def _pairs(value: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    for key, item in value.items():
        kept = _assigned(item) if isinstance(item, Mapping) else item
        if kept is not None and kept not in ("", [], {}):
            yield key, kept
