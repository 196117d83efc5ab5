"""`scimserver import`: users from a file, with a verdict on each row.

Exit codes: 0 all rows are as the file says, 1 the file was refused (nothing was changed), 4 some rows had
errors, 3 the database did not answer, 130 it was interrupted: then a sentence says how to go on.
Proven by tests/database/test_cli_import.py.
"""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, TextIO

import click

from scimserver.cli import files, show
from scimserver.cli.attempts import attempt
from scimserver.cli.runtime import PARTLY, Session, run
from scimserver.db.rehearsal import rehearsing
from scimserver.directory import organizations, transfer
from scimserver.directory.organizations import Organization
from scimserver.directory.transfer import Format, Importing, Row, RowOutcome, Verdict
from scimserver.kernel.actor import Origin
from scimserver.kernel.facts import Json, UsersImported
from scimserver.kernel.ids import new_uuid
from scimserver.work import WorkRoom

_QUIET = (RowOutcome.UNCHANGED, RowOutcome.SKIPPED)
_EACH = 50
"""Rows after which the bar moves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    org: str
    text: TextIO
    written: Format
    first: int
    dry_run: bool
    as_json: bool
    tell: Callable[[int], None]
    binary: BinaryIO


@click.command("import")
@click.argument("org")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@files.format_option
@click.option("--dry-run", is_flag=True, help="Say what would become of each row, and change nothing.")
@click.option(
    "--from",
    "first",
    type=click.IntRange(min=1),
    default=1,
    metavar="ROW",
    help="Leave out the rows before this one.",
)
@show.json_option
def import_(org: str, file: Path, *, written: str | None, dry_run: bool, first: int, as_json: bool) -> None:
    """Add to ORG, and change, the users that FILE lists; "-" is standard input."""
    form = files.format_of(file, written)
    with files.opened(file) as (text, binary, size), files.progress("Importing", size) as tell:
        asked = _Asked(
            org=org,
            text=text,
            written=form,
            first=first,
            dry_run=dry_run,
            as_json=as_json,
            tell=tell,
            binary=binary,
        )
        counts = run(lambda session: _import(session, asked))
    if counts[RowOutcome.ERROR]:
        raise SystemExit(PARTLY)


async def _import(session: Session, asked: _Asked) -> dict[RowOutcome, int]:
    organization = await organizations.find(session.database, asked.org)
    rows = await _begun(session, organization, asked)
    async with _importing(session, organization, asked) as importing:
        number = asked.first
        try:
            for row in rows:
                number = max(row.number, asked.first)
                await _taken(importing, row, asked)
            await importing.finish(organization.name)
        except BaseException:
            click.echo(_stopped(number, asked), err=True)
            raise
    _summarize(importing, asked)
    return importing.counts


async def _begun(session: Session, organization: Organization, asked: _Asked) -> Iterator[Row]:
    """The rows of the file; that it is none of users is on record, unless this is a dry run."""
    rows = transfer.read(asked.text, asked.written)
    if asked.dry_run:
        first = next(rows, None)
    else:
        async with attempt(session, UsersImported, organization.name, organization.id):
            first = next(rows, None)
    return rows if first is None else chain((first,), rows)


@asynccontextmanager
async def _importing(
    session: Session, organization: Organization, asked: _Asked
) -> AsyncGenerator[Importing]:
    actor = session.actor(organization.id)
    origin = Origin(request_id=str(new_uuid()), method="CLI")
    if not asked.dry_run:
        yield Importing(room=session.room, actor=actor, origin=origin)
        return
    async with rehearsing(session.database) as stage:
        yield Importing(room=WorkRoom(stage), actor=actor, origin=origin, rehearsal=stage)


async def _taken(importing: Importing, row: Row, asked: _Asked) -> None:
    if row.number % _EACH == 0 and asked.binary.seekable():
        asked.tell(asked.binary.tell())
    if row.number < asked.first:
        importing.skip()
    else:
        _print(await importing.take(row), asked)


def _stopped(number: int, asked: _Asked) -> str:
    if asked.dry_run:
        return f"The dry run stopped at row {number}. Nothing was changed."
    return (
        f"Stopped at row {number}: whatever was done before stays. Import the file again, or go on"
        f" with --from {number}."
    )


def _print(verdict: Verdict, asked: _Asked) -> None:
    if asked.as_json:
        show.line(_as_object(verdict, asked))
    elif verdict.warning or verdict.outcome not in _QUIET:
        said = (verdict.outcome.value, verdict.user_name, verdict.detail, verdict.warning)
        show.sentence(f"row {verdict.row}: {'  '.join(part for part in said if part)}")


def _as_object(verdict: Verdict, asked: _Asked) -> Json:
    is_real = not (asked.dry_run and verdict.outcome is RowOutcome.CREATED)
    values: dict[str, Json] = {
        "row": verdict.row,
        "outcome": verdict.outcome.value,
        "id": str(verdict.user) if verdict.user and is_real else None,
        "userName": verdict.user_name or None,
        "reason": verdict.reason or None,
        "detail": verdict.detail or None,
        "warning": verdict.warning or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _summarize(importing: Importing, asked: _Asked) -> None:
    counts = {outcome.value: count for outcome, count in importing.counts.items()}
    if asked.as_json:
        request = None if asked.dry_run else importing.origin.request_id
        show.line({"dryRun": asked.dry_run, "request": request, **counts, "warnings": importing.warnings})
        return
    if importing.warnings:
        counts["with a warning"] = importing.warnings
    listed = ", ".join(f"{outcome} {count}" for outcome, count in counts.items())
    if asked.dry_run:
        show.sentence(f"A dry run, nothing was changed. Rows: {listed}.")
    else:
        show.sentence(f"Rows: {listed}. In the log: --request {importing.origin.request_id}.")
