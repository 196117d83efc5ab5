"""Refused credentials on record: every one is counted, few are listed.

Nobody may fill a log with failed calls. The first refusal of a kind is logged at once; like ones
within the same minute are counted, and one entry then tells how many there were. Kinds beyond a
bound fall together into one, so that memory is bounded too.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from scimserver.audit.entry import Entry
from scimserver.kernel.actor import Actor, Origin
from scimserver.kernel.facts import Outcome
from scimserver.kernel.ids import EntryId, OrganizationId, TokenId, new_uuid

WINDOW = timedelta(minutes=1)
MOST_KINDS = 200
"""How many different refusals one process tells apart within a window."""

_Kind = tuple[OrganizationId, TokenId | None, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tally:
    first: Entry
    more: int


class Refusals:
    """What one process has seen of refused credentials in the current window."""

    def __init__(self) -> None:
        self._tallies: dict[_Kind, _Tally] = {}

    def seen(self, actor: Actor, origin: Origin, *, reason: str, now: datetime) -> Entry | None:
        """Count a refusal; the entry to log now if it is the first of its kind in the window."""
        kind: _Kind = (actor.organization, actor.credential, origin.client_address)
        if kind not in self._tallies and len(self._tallies) >= MOST_KINDS:
            kind = (actor.organization, None, None)
        known = self._tallies.get(kind)
        if known is not None:
            self._tallies[kind] = replace(known, more=known.more + 1)
            return None
        entry = Entry(
            id=EntryId(new_uuid()),
            organization=actor.organization,
            occurred=now,
            event="credential.refuse",
            outcome=Outcome.FAILURE,
            actor=actor,
            origin=origin,
            reason=reason,
            status=401,
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
