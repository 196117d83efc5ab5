"""Refused credentials, and requests beyond a limit, on record: every one is counted, few are listed.

Nobody may fill a log with failed calls. The first refusal of a kind is logged at once; like ones
within the same minute are counted, and one entry then tells how many there were. Kinds beyond a
bound fall together, so that memory is bounded too. Proven by tests/unit/test_refusals.py.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from scimserver.audit.entry import Entry
from scimserver.kernel.actor import Actor, Origin
from scimserver.kernel.facts import Outcome
from scimserver.kernel.ids import EntryId, OrganizationId, TokenId, new_uuid

WINDOW = timedelta(minutes=1)
MOST_KINDS = 200
"""How many different refusals one process tells apart within a window."""

CREDENTIAL_EVENT: Final = "credential.refuse"
"""The event of a refusal that looked at nothing but the credential."""

_Kind = tuple[OrganizationId, TokenId | None, str | None, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tally:
    first: Entry
    more: int


class Refusals:
    """What one process has seen of such refusals in the current window."""

    def __init__(self) -> None:
        self._tallies: dict[_Kind, _Tally] = {}

    def seen(
        self,
        actor: Actor,
        origin: Origin,
        *,
        reason: str,
        now: datetime,
        status: int | None = 401,
        event: str = CREDENTIAL_EVENT,
    ) -> Entry | None:
        """Count a refusal; the entry to log now if it is the first of its kind in the window.

        `event` says what was attempted, where the credential was good.
        """
        kind: _Kind = (actor.organization, actor.credential, origin.client_address, event, reason)
        if kind not in self._tallies and len(self._tallies) >= MOST_KINDS:
            kind = (actor.organization, None, None, event, reason)
        known = self._tallies.get(kind)
        if known is not None:
            self._tallies[kind] = replace(known, more=known.more + 1)
            return None
        entry = Entry(
            id=EntryId(new_uuid()),
            organization=actor.organization,
            occurred=now,
            event=event,
            outcome=Outcome.FAILURE,
            actor=actor,
            origin=origin,
            reason=reason,
            status=status,
        )
        self._tallies[kind] = _Tally(first=entry, more=0)
        return entry

    def due(self, now: datetime, *, everything: bool = False) -> list[Entry]:
        """Close the windows that are over (or all); the entries that tell of what was only counted."""
        over = [
            kind
            for kind, tally in self._tallies.items()
            if everything or now - tally.first.occurred >= WINDOW
        ]
        tallies = [self._tallies.pop(kind) for kind in over]
        return [
            replace(tally.first, id=EntryId(new_uuid()), occurred=now, count=tally.more)
            for tally in tallies
            if tally.more
        ]
