"""One entry of the provisioning log, and its two halves.

The entry itself is canonical JSON (sorted keys, no spaces, RFC 8785 in spirit) and holds no
personal data: where a value is personal it holds a salted commitment, and the value with its salt
stands in a row of its own, from which it can be erased without breaking any proof.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import orjson

from scimserver.kernel.actor import Actor, Origin
from scimserver.kernel.facts import Change, Json, Outcome
from scimserver.kernel.ids import EntryId, OrganizationId

ENTRY_VERSION = 1
SALT_BYTES = 32
_COMMITMENT = b"scimserver log value v1"
_PERSONAL_FIELDS: Final = 3
"""The client's address, the target's display name and the detail; and two for each change."""

_NOTHING: Final[tuple[Json, ...]] = ("", [], {})

_Commit = Callable[[str, Json, "UUID | None"], "str | None"]
Salt = Callable[[int], bytes]
"""Says so many random bytes."""


class Step(NamedTuple):
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


class Value(NamedTuple):
    """A personal value to which an entry commits. `value` is its JSON text.

    A tuple, because a new user's entry has twenty, and a frozen dataclass takes four times as long.
    """

    field: str
    subject: UUID | None
    salt: bytes
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An entry as it is stored: its text, and the personal values kept apart."""

    text: str
    values: tuple[Value, ...]


_encode: Final = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode
_quoted: Final = json.encoder.encode_basestring_ascii


def canonical(value: Json) -> str:
    """The one JSON text of a value, in ASCII: whatever a client sent can be stored in it."""
    return _quoted(value) if type(value) is str else _encode(value)


def _text(entry: dict[str, Json]) -> str:
    """The same for an entry, where all numbers are whole: orjson writes others in a way of its own."""
    try:
        text = orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # Half a surrogate pair, which the encoder escapes.
        return canonical(entry)
    # Beyond ASCII, and of DEL, it leaves what the encoder escapes.
    return text.decode() if text.isascii() and b"\x7f" not in text else canonical(entry)


def commitment(field: str, salt: bytes, value: str) -> str:
    """The hexadecimal SHA-256 commitment to a value's JSON text under a field's name."""
    return hashlib.sha256(b"%b\0%b\0%b\0%b" % (_COMMITMENT, field.encode(), salt, value.encode())).hexdigest()


def write(entry: Entry, salt: Salt) -> Written:
    """Split an entry into its text and its personal values; `salt` makes random bytes, 32 a value."""
    values: list[Value] = []
    # One call for all of them: the kernel is asked once instead of thirty times.
    salts = salt(SALT_BYTES * (_PERSONAL_FIELDS + 2 * len(entry.changes)))

    def commit(field: str, value: Json, subject: UUID | None) -> str | None:
        if value is None or value == "":
            return None
        begin = SALT_BYTES * len(values)
        own, text = salts[begin : begin + SALT_BYTES], canonical(value)
        values.append(Value(field, subject, own, text))
        return commitment(field, own, text)

    origin, target = entry.origin, entry.target
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
        "request": _assigned(
            {
                "id": origin.request_id,
                "method": origin.method,
                "path": origin.path,
                "client": commit("client", origin.client_address, None),
                "user_agent": origin.user_agent,
            }
        ),
        "target": _assigned(
            {
                "kind": entry.target_kind,
                "id": str(target) if target else None,
                "display": commit("target.display", entry.display, target),
            }
        ),
        "detail": commit("detail", entry.detail, target),
        "changes": [_change(index, change, target, commit) for index, change in enumerate(entry.changes)],
        "steps": [[step.name, step.outcome.value, step.microseconds] for step in entry.steps],
        "microseconds": entry.microseconds,
        "count": entry.count,
    }
    return Written(text=_text(_assigned(body)), values=tuple(values))


def _change(index: int, change: Change, target: UUID | None, commit: _Commit) -> dict[str, Json]:
    """A change with commitments for its values; most changes of a new user have no old one."""
    body: dict[str, Json] = {"path": change.path}
    for when, value in (("old", change.old), ("new", change.new)):
        if value is not None and (committed := commit(f"changes.{index}.{when}", value, target)):
            body[when] = committed
    return body


def _actor(actor: Actor) -> dict[str, Json]:
    return _assigned(
        {
            "kind": actor.kind.value,
            "name": actor.name,
            "connection": str(actor.connection) if actor.connection else None,
            "credential": str(actor.credential) if actor.credential else None,
            "user": str(actor.user) if actor.user else None,
        }
    )


def _assigned(value: Mapping[str, Json]) -> dict[str, Json]:
    """The same object without members that say nothing."""
    return {key: item for key, item in value.items() if item is not None and item not in _NOTHING}
