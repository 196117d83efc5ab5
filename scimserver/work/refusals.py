"""A refused attempt, as the log has it: written by whoever hears of the refusal, once all is rolled back."""

from datetime import datetime
from uuid import UUID

from scimserver.audit.entry import Entry
from scimserver.kernel.actor import Actor, Origin
from scimserver.kernel.errors import Refused
from scimserver.kernel.facts import Fact, Outcome
from scimserver.kernel.ids import EntryId, new_uuid
from scimserver.work.trace import Trace


def refusal(
    fact: type[Fact],
    refused: Refused,
    trace: Trace,
    *,
    actor: Actor,
    origin: Origin,
    now: datetime,
    display: str = "",
    target: UUID | None = None,
) -> Entry:
    """The entry of an attempt at what `fact` tells of, which came as far as `trace` says.

    `display` is what people call the thing, where the refusal does not say so itself.
    """
    return Entry(
        id=EntryId(new_uuid()),
        organization=actor.organization,
        occurred=now,
        event=fact.attempt,
        outcome=Outcome.FAILURE,
        actor=actor,
        origin=origin,
        target_kind=fact.target_kind.value,
        target=target,
        display=refused.display or display,
        reason=refused.reason,
        detail=refused.detail,
        changes=refused.attempted,
        steps=trace.steps,
        microseconds=trace.microseconds,
    )
