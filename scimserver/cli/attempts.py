"""Operators' attempts on record, the refused ones too (rule P10).

What was done is in the log because `Work` puts it there; what was refused is put there here.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from scimserver.cli.runtime import Session
from scimserver.kernel.errors import Refused
from scimserver.kernel.facts import Fact
from scimserver.kernel.ids import INSTALLATION, OrganizationId
from scimserver.work import Trace, Work, refusal


@asynccontextmanager
async def attempt(
    session: Session, fact: type[Fact], display: str, organization: OrganizationId = INSTALLATION
) -> AsyncGenerator[Work]:
    """A unit of work that attempts what `fact` tells of, on something people call `display`.

    A refusal is logged, then raised as it is.
    """
    trace = Trace()
    work = session.work(organization, trace)
    try:
        async with work:
            yield work
    except Refused as refused:
        entry = refusal(
            fact, refused, trace, actor=work.actor, origin=work.origin, now=work.now, display=display
        )
        await session.room.record(entry)
        raise
