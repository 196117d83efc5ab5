"""What people attempt on pages, on record: the refused attempts too (rule P10)."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from scimserver.console import forms
from scimserver.console.forms import BadForm
from scimserver.console.visit import Visit
from scimserver.kernel.actor import Actor
from scimserver.kernel.errors import Refused
from scimserver.kernel.facts import Fact
from scimserver.work import Trace, Work, refusal


@asynccontextmanager
async def attempt(
    visit: Visit, fact: type[Fact], actor: Actor, *, target: UUID | None = None
) -> AsyncGenerator[Work]:
    """A unit of work that attempts what `fact` tells of; without a `target`, it is about whoever acts.

    A refusal is logged, then raised as it is.
    """
    trace = Trace()
    work = visit.services.room.open(actor, visit.origin, trace=trace)
    try:
        async with work:
            yield work
    except Refused as refused:
        await record(visit, fact, actor, refused, trace, target=target)
        raise


async def record(
    visit: Visit,
    fact: type[Fact],
    actor: Actor,
    refused: Refused,
    trace: Trace,
    *,
    target: UUID | None = None,
) -> None:
    """Log what somebody who is known was refused."""
    room = visit.services.room
    entry = refusal(
        fact, refused, trace, actor=actor, origin=visit.origin, now=room.clock(), target=target or actor.user
    )
    await room.record(entry)


async def count(
    visit: Visit, fact: type[Fact], reason: str, status: int, *, actor: Actor | None = None
) -> None:
    """Log what nobody known, or another site, was refused: like ones within a minute by their number.

    `actor` says whose log it belongs in, where that is not whoever is signed in.
    """
    services = visit.services
    entry = services.refusals.seen(
        actor or visit.actor,
        visit.origin,
        reason=reason,
        now=services.room.clock(),
        status=status,
        event=fact.attempt,
    )
    if entry is not None:
        await services.room.record(entry)


async def require_own_link(visit: Visit, fact: type[Fact]) -> None:
    """Raise `BadForm`, on record, where another site sends a browser to a link that begins something.

    The session's cookie comes along with any link. Every browser since 2023 says by `Sec-Fetch-Site` whose
    link it is. An older one says nothing, and is let go: a token for it would stand in the address, and so
    in histories and in logs of proxies. So a link may begin only what can do no harm, such as a trial, which
    signs nobody in, is shown and is on record.
    """
    place = visit.services.place
    try:
        forms.require_same_site(visit.request, place)
    except BadForm as foreign:
        await count(visit, fact, "foreign_form", foreign.status)
        here = place.url(visit.request.path)
        sentence = f"Another site sent you here. Nothing was begun: go to {here} yourself."
        raise BadForm(foreign.status, sentence) from foreign
