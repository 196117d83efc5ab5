"""What people attempt on pages, on record: the refused attempts too (rule P10)."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from scimserver.audit.entry import Entry
from scimserver.console.visit import Visit
from scimserver.kernel.actor import Actor
from scimserver.kernel.errors import Refused
from scimserver.kernel.facts import Fact, Outcome
from scimserver.kernel.ids import EntryId, new_uuid
from scimserver.work import Trace, Work


@asynccontextmanager
async def attempt(visit: Visit, fact: type[Fact], actor: Actor) -> AsyncGenerator[Work]:
    """A unit of work that attempts what `fact` tells of. A refusal is logged, then raised as it is."""
    trace = Trace()
    work = visit.services.room.open(actor, visit.origin, trace=trace)
    try:
        async with work:
            yield work
    except Refused as refused:
        await record(visit, fact, actor, refused, trace)
        raise


async def record(visit: Visit, fact: type[Fact], actor: Actor, refused: Refused, trace: Trace) -> None:
    """Log what somebody who is known was refused."""
    entry = Entry(
        id=EntryId(new_uuid()),
        organization=actor.organization,
        occurred=visit.services.room.clock(),
        event=fact.attempt,
        outcome=Outcome.FAILURE,
        actor=actor,
        origin=visit.origin,
        target_kind=fact.target_kind.value,
        target=actor.user,
        display=refused.display,
        reason=refused.reason,
        detail=refused.detail,
        changes=refused.attempted,
        steps=trace.steps,
        microseconds=trace.microseconds,
    )
    await visit.services.room.record(entry)


async def count(visit: Visit, fact: type[Fact], reason: str, status: int) -> None:
    """Log what nobody known, or another site, was refused: like ones within a minute by their number."""
    services = visit.services
    entry = services.refusals.seen(
        visit.actor,
        visit.origin,
        reason=reason,
        now=services.room.clock(),
        status=status,
        event=fact.attempt,
    )
    if entry is not None:
        await services.room.record(entry)
