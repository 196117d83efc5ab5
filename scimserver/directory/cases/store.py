"""Cases' rows."""

from typing import NamedTuple

import orjson

from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.directory.cases.model import Case
from scimserver.directory.views import VIEW_CASE, Reference, View, view_of
from scimserver.kernel.ids import CaseId, OrganizationId, UserId
from scimserver.work import Work

_QUERIES = load("cases")
INSERT = _QUERIES.change("insert_case")
UPDATE = _QUERIES.change("update_case")
DELETE = _QUERIES.change("delete_case")
_LOCK = _QUERIES["lock_case"]
_OWNER = _QUERIES["read_owner"]
_UNASSIGN = _QUERIES["unassign_cases"]
_COUNT_OWNED = _QUERIES["count_owned"]


class Owner(NamedTuple):
    """A user as somebody who is to own a case."""

    reference: Reference
    active: bool


class Unassigned(NamedTuple):
    """A case that is nobody's from now on."""

    id: CaseId
    subject: str


async def get(work: Work, case: CaseId) -> Case | None:
    """The case as committed, held until the work ends if the work is locking."""
    organization = work.actor.organization
    if work.locking and await work.fetchrow(_LOCK, organization, case) is None:
        return None
    row = await work.fetchrow(VIEW_CASE, organization, case)
    return _case(view_of(row)) if row else None


async def owner(work: Work, user: UserId) -> Owner | None:
    """The user, if there is such a one."""
    row = await work.fetchrow(_OWNER, work.actor.organization, user)
    return Owner(Reference(id=row["id"], name=row["name"]), row["active"]) if row else None


async def unassign(work: Work, user: UserId, most: int) -> list[Unassigned]:
    """Make some of a user's cases nobody's, `most` of them; fewer where no more are left."""
    transaction = await work.begin()
    rows = await transaction.fetch(_UNASSIGN, work.actor.organization, user, work.now, most)
    return [Unassigned(id=CaseId(row["id"]), subject=row["subject"]) for row in rows]


async def count_owned(database: Database, organization: OrganizationId, user: UserId) -> int:
    """How many cases a user owns: shown before the user is deleted."""
    return await database.fetchval(_COUNT_OWNED, organization, user)


def _case(view: View) -> Case:
    return Case(
        id=CaseId(view.id),
        version=view.version,
        created=view.created,
        last_modified=view.last_modified,
        document=orjson.loads(view.stored),
        stored=view.stored,
        owner=view.related[0] if view.related else None,
    )
