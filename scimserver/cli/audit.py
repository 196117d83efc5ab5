"""`scimserver audit`: the provisioning log (rule P10). Reading it is on record too.

Proven by tests/database/test_cli_audit.py.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import click

from scimserver.access import connections
from scimserver.audit.store import Filter, Logged
from scimserver.cli import show
from scimserver.cli.entry_text import COLUMNS, as_cells, as_object
from scimserver.cli.following import Log
from scimserver.cli.moments import ago, moment_or_ago
from scimserver.cli.runtime import Session, run
from scimserver.directory import organizations
from scimserver.kernel.facts import LogRead, Outcome
from scimserver.kernel.ids import INSTALLATION, OrganizationId
from scimserver.kernel.permissions import Permission

_PAUSE_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to read, as the command line says it."""

    org: str | None
    since: datetime | timedelta | None
    until: datetime | timedelta | None
    events: Sequence[str]
    outcomes: Sequence[str]
    target: UUID | None
    connection: str | None
    request_id: str | None


@click.group()
def audit() -> None:
    """The provisioning log."""


@audit.command("list")
@click.argument("org", required=False)
@click.option("--installation", is_flag=True, help="What belongs to no organisation.")
@click.option(
    "--since", callback=moment_or_ago, metavar="TIME", help="From this time on, or so long ago: 2h, 7d."
)
@click.option("--until", callback=moment_or_ago, metavar="TIME", help="Before this time, or so long ago.")
@click.option("--event", multiple=True, help="Only this event, such as user.create; repeatable.")
@click.option(
    "--outcome",
    type=click.Choice([each.value for each in Outcome]),
    multiple=True,
    help="Only this outcome; repeatable.",
)
@click.option("--target", type=click.UUID, help="Only what was aimed at this id.")
@click.option("--connection", metavar="NAME", help="Only what came over this connection.")
@click.option("--request", metavar="ID", help="Only this request.")
@click.option("--last", type=click.IntRange(min=0), default=50, show_default=True, help="At most so many.")
@click.option("--follow", is_flag=True, help="Then go on with what is logged, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines: an entry on each line.")
def list_entries(
    org: str | None,
    *,
    installation: bool,
    since: datetime | timedelta | None,
    until: datetime | timedelta | None,
    event: Sequence[str],
    outcome: Sequence[str],
    target: UUID | None,
    connection: str | None,
    request: str | None,
    last: int,
    follow: bool,
    as_json: bool,
) -> None:
    """The log of ORG, oldest entry first. That it was read is logged in it."""
    if (org is None) != installation:
        raise click.UsageError("Give an organisation, or --installation.")
    if installation and connection is not None:
        raise click.UsageError("The installation has no connections.")
    asked = Asked(
        org=org,
        since=since,
        until=until,
        events=event,
        outcomes=outcome,
        target=target,
        connection=connection,
        request_id=request,
    )
    if follow:
        _follow(asked, last, as_json=as_json)
    else:
        run(partial(_list, asked=asked, last=last, as_json=as_json))


def _follow(asked: Asked, last: int, *, as_json: bool) -> None:
    async def command(session: Session) -> None:
        log = await _opened(session, asked)
        batches = log.follow(last, pause=partial(asyncio.sleep, _PAUSE_S))
        # Ctrl-C is how following ends.
        with suppress(asyncio.CancelledError):
            async with aclosing(batches):
                async for batch in batches:
                    for logged in batch:
                        _print_line(logged, as_json=as_json)

    run(command)


async def _list(session: Session, *, asked: Asked, last: int, as_json: bool) -> None:
    log = await _opened(session, asked)
    found = await log.latest(last + 1)
    entries = found[-last:] if last else []
    if as_json:
        for logged in entries:
            _print_line(logged, as_json=True)
    else:
        show.table(COLUMNS, map(as_cells, entries), empty="No entry fits.")
    if len(found) > last:
        click.echo(f"Earlier entries fit too; these are the last {last} (--last).", err=True)


def _print_line(logged: Logged, *, as_json: bool) -> None:
    if as_json:
        show.line(as_object(logged))
    else:
        show.sentence("  ".join(as_cells(logged)))


async def _opened(session: Session, asked: Asked) -> Log:
    """The log as asked for; that it is read is on record from here on."""
    organization, display = await _organization(session, asked.org)
    narrow = await _filter(session, organization, asked)
    async with session.work(organization) as work:
        work.require(Permission.LOG_READ)
        work.note(LogRead(target=organization, display=display))
    return Log(
        database=session.database,
        organization=organization,
        narrow=narrow,
        left_out=work.origin.request_id,
    )


async def _organization(session: Session, name: str | None) -> tuple[OrganizationId, str]:
    if name is None:
        return INSTALLATION, ""
    return (await organizations.find(session.database, name)).id, name


async def _filter(session: Session, organization: OrganizationId, asked: Asked) -> Filter:
    now = session.room.clock()
    connection = None
    if asked.connection is not None:
        connection = (await connections.find(session.database, organization, asked.connection)).id
    return Filter(
        since=ago(asked.since, now),
        until=ago(asked.until, now),
        events=asked.events or None,
        outcomes=asked.outcomes or None,
        target=asked.target,
        connection=connection,
        request_id=asked.request_id,
    )
