"""Operators' attempts on record, the refused ones too (rule P10).

What was done is in the log because `Work` puts it there; what was refused is put there here.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from scimserver.audit.entry import Entry
from scimserver.cli.runtime import Session
from scimserver.kernel.errors import Refused
from scimserver.kernel.facts import Fact, Outcome
from scimserver.kernel.ids import INSTALLATION, EntryId, OrganizationId, new_uuid
from scimserver.work import Work
from scimserver.work.trace import Trace


@asynccontextmanager
async def attempt(
    session: Session, fact: type[Fact], display: str, organization: OrganizationId = INSTALLATION
) -> AsyncGenerator[Work]:
    """A unit of work that attempts what `fact` tells of, on something people call `display`.

    A refusal is logged, then raised as it is.
    """
    trace = Trace()
    work = session.work(organization)
    try:
        async with work:
            yield work
    except Refused as refused:
        await session.room.record(_refusal(work, fact, display, refused, trace))
        raise


def _refusal(work: Work, fact: type[Fact], display: str, refused: Refused, trace: Trace) -> Entry:
    return Entry(
        id=EntryId(new_uuid()),
        organization=work.actor.organization,
        occurred=work.now,
        event=fact.attempt,
        outcome=Outcome.FAILURE,
        actor=work.actor,
        origin=work.origin,
        target_kind=fact.target_kind.value,
        display=refused.display or display,
        reason=refused.reason,
        detail=refused.detail,
        changes=refused.attempted,
        microseconds=trace.microseconds,
    )
