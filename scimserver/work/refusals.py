"""A refused attempt, as the log has it: written by whoever hears of the refusal, once all is rolled back."""

from uuid import UUID

from scimserver.audit.entry import Entry
from scimserver.kernel.errors import Refused
from scimserver.kernel.facts import Fact, Outcome
from scimserver.kernel.ids import EntryId, new_uuid
from scimserver.work.trace import Trace
from scimserver.work.work import Work


def refusal(
    work: Work, fact: type[Fact], display: str, refused: Refused, trace: Trace, *, target: UUID | None = None
) -> Entry:
    """The entry of an attempt at what `fact` tells of, on something people call `display`."""
    return Entry(
        id=EntryId(new_uuid()),
        organization=work.actor.organization,
        occurred=work.now,
        event=fact.attempt,
        outcome=Outcome.FAILURE,
        actor=work.actor,
        origin=work.origin,
        target_kind=fact.target_kind.value,
        target=target,
        display=refused.display or display,
        reason=refused.reason,
        detail=refused.detail,
        changes=refused.attempted,
        microseconds=trace.microseconds,
    )
