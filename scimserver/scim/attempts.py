"""Attempts to change that were refused, on record: what was asked for, by whom, why it was not done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from scim2_models import SCIMException

from scimserver.audit.entry import Entry
from scimserver.kernel.actor import Actor, Origin
from scimserver.kernel.errors import Refused
from scimserver.kernel.facts import Outcome, PasswordSetByAdministrator, TargetKind, UserCloned
from scimserver.kernel.ids import EntryId, new_uuid, parse_uuid
from scimserver.scim.actions import Action
from scimserver.scim.errors import reason_of
from scimserver.work import Trace

_VERBS: Final[Mapping[str, str]] = {
    "POST": "create",
    "PUT": "update",
    "PATCH": "update",
    "DELETE": "delete",
}
_KINDS: Final[Mapping[str, TargetKind]] = {
    "users": TargetKind.USER,
    "groups": TargetKind.GROUP,
    "roles": TargetKind.ROLE,
    "cases": TargetKind.CASE,
}
_ACTIONS: Final[Mapping[str, str]] = {
    Action.CLONE: UserCloned.attempt,
    Action.PASSWORD: PasswordSetByAdministrator.attempt,
}

UNKNOWN_EVENT: Final = "request.refuse"
"""The event of an attempt that names nothing of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What a request tries to change, as far as its method and path say."""

    event: str
    kind: TargetKind | None
    target: UUID | None


def attempt_of(method: str, path: str, event: str | None = None) -> Attempt | None:
    """What a request below the base URL tries to change; None for one that only reads.

    `event` is what its body says, where the path leaves it open.
    """
    segments = path.strip("/").split("/")
    searches = method == "POST" and segments[-1] == ".search" and len(segments) <= 2
    if method not in _VERBS or searches:
        return None
    kind = _KINDS.get(segments[0].lower())
    if method == "POST" and kind is TargetKind.USER and len(segments) == 3 and segments[2] in _ACTIONS:
        return Attempt(event=event or _ACTIONS[segments[2]], kind=kind, target=parse_uuid(segments[1]))
    if kind is None or len(segments) > 2:
        return Attempt(event=UNKNOWN_EVENT, kind=None, target=None)
    target = parse_uuid(segments[1]) if len(segments) == 2 else None
    return Attempt(event=f"{kind.lower()}.{_VERBS[method]}", kind=kind, target=target)


def route_of(path: str) -> str:
    """The path without identifiers, one of a few: what logs and metrics call it."""
    segments = path.strip("/").split("/")
    known = _ENDPOINTS.get(segments[0].lower(), "{unknown}")
    if len(segments) == 1:
        return f"/{known}" if segments[0] else "/"
    last = segments[1] if segments[1] == ".search" else "{id}"
    if known == "Users" and len(segments) == 3 and segments[2] in _ACTIONS:
        return f"/Users/{{id}}/{segments[2]}"
    return f"/{known}/{last}" if len(segments) == 2 else "/{unknown}"


_NAMES: Final = (
    "Users",
    "Groups",
    "Roles",
    "Cases",
    "Me",
    "Bulk",
    ".search",
    "Schemas",
    "ResourceTypes",
    "ServiceProviderConfig",
)
_ENDPOINTS: Final[Mapping[str, str]] = {name.lower(): name for name in _NAMES}


def refusal(
    attempt: Attempt,
    failure: Exception,
    error: SCIMException | None,
    *,
    entry_id: EntryId | None = None,
    actor: Actor,
    origin: Origin,
    now: datetime,
    trace: Trace,
) -> Entry:
    """The log entry of an attempt that failed, under the id of its operation where it has one."""
    refused = failure if isinstance(failure, Refused) else None
    return Entry(
        id=entry_id or EntryId(new_uuid()),
        organization=actor.organization,
        occurred=now,
        event=attempt.event,
        outcome=Outcome.FAILURE,
        actor=actor,
        origin=origin,
        target_kind=attempt.kind.value if attempt.kind else None,
        target=attempt.target,
        display=refused.display if refused else "",
        reason=reason_of(failure, error),
        detail=(error.to_error().detail or "") if error else "",
        status=error.status if error else 500,
        changes=refused.attempted if refused else (),
        steps=trace.steps,
        microseconds=trace.microseconds,
    )
