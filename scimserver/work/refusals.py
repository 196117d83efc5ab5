"""A refused attempt, as the log has it: written by whoever hears of the refusal, once all is rolled back."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from scimserver.audit.entry import Entry
from scimserver.kernel.actor import Actor, Origin
from scimserver.kernel.errors import Refused
from scimserver.kernel.facts import Change, Fact, Outcome
from scimserver.kernel.ids import EntryId, new_uuid
from scimserver.work.trace import Trace


@contextmanager
def telling(display: str, *changes: Change, target: UUID | None = None) -> Generator[tuple[Change, ...]]:
    """Let a refusal in the block say for the log what it is about, and what would have changed."""
    try:
        yield changes
    except Refused as refused:
        refused.display, refused.attempted, refused.target = display, changes, target
        raise


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

    `display` is what people call the thing, and `target` is its id, where the refusal does not say so itself.
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
        target=refused.target or target,
        display=refused.display or display,
        reason=refused.reason,
        detail=refused.detail,
        changes=refused.attempted,
        steps=trace.steps,
        microseconds=trace.microseconds,
    )
