"""Users as they are exported: pages in the order of their ids."""

from typing import Final
from uuid import UUID

import orjson
from asyncpg import Record

from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.directory.transfer.columns import COLUMNS
from scimserver.kernel.facts import Json
from scimserver.kernel.ids import OrganizationId, parse_uuid
from scimserver.work import Work

_QUERIES = load("transfer")
_PAGE = _QUERIES["export_page"]
_COUNT = _QUERIES["count_users"]

FIRST: Final = UUID(int=0)


async def count(work: Work) -> int:
    """How many users the organisation has."""
    row = await work.fetchrow(_COUNT, work.actor.organization)
    assert row is not None, "counting has one answer"
    return row["users"]


async def page(
    database: Database, organization: OrganizationId, after: UUID, count: int
) -> list[tuple[UUID, dict[str, Json]]]:
    """The next users: each one's id, and what there is in each column."""
    rows = await database.fetch(_PAGE, organization, after, count)
    return [(row["id"], _values(row)) for row in rows]


def _values(row: Record) -> dict[str, Json]:
    document = orjson.loads(row["document"])
    values = {column.name: column.of(document) for column in COLUMNS}
    teams = zip(row["ids"] or (), row["names"] or (), row["shared"] or (), strict=True)
    values["id"] = str(row["id"])
    values["teams"] = [_called(*team) for team in teams] or None
    if row["mail_stand_in"]:
        # It was made from userName, and is made anew wherever the row comes in.
        values["emails"] = None
    return values


def _called(team: UUID, name: str, shared: bool) -> str:
    """What a Team is called in a file: by its id where its name would not lead back to it."""
    is_plain = bool(name.strip()) and name == name.strip() and parse_uuid(name) is None
    return name if is_plain and not shared else str(team)
