"""Groups' rows, and a row for each member."""

from collections.abc import Collection
from uuid import UUID

import orjson

from scimserver.db.queries import load
from scimserver.directory.groups.model import Group
from scimserver.directory.views import VIEW_GROUP, Reference, View, view_of
from scimserver.kernel.ids import GroupId, UserId
from scimserver.work import Work

_QUERIES = load("groups")
INSERT = _QUERIES.change("insert_group")
UPDATE = _QUERIES.change("update_group")
ADD_MEMBERS = _QUERIES.change("add_members")
REMOVE_MEMBERS = _QUERIES.change("remove_members")
DELETE = _QUERIES.change("delete_group")
ENTER = _QUERIES.change("enter_groups")
QUIT = _QUERIES.change("quit_groups")
_LOCK = _QUERIES["lock_group"]
_LOCK_SOME = _QUERIES["lock_groups"]
_NAMED = _QUERIES["named_groups"]
_MEMBERS = _QUERIES["members"]


async def get(work: Work, group: GroupId) -> Group | None:
    """The group as committed, held until the work ends if the work is locking."""
    organization = work.actor.organization
    if work.locking and await work.fetchrow(_LOCK, organization, group) is None:
        return None
    row = await work.fetchrow(VIEW_GROUP, organization, group)
    return _group(view_of(row)) if row else None


async def members(work: Work, users: Collection[UserId]) -> tuple[Reference, ...]:
    """The users as members: those of the ids that are users of the organisation, by id."""
    rows = await work.fetch(_MEMBERS, work.actor.organization, list(users))
    return tuple(Reference(id=row["id"], name=row["name"]) for row in rows)


async def named(work: Work, keys: Collection[str], ids: Collection[UUID]) -> list[tuple[Reference, str]]:
    """The groups of these keys of names, or ids; each with its key."""
    rows = await work.fetch(_NAMED, work.actor.organization, list(keys), list(ids))
    return [(Reference(id=row["id"], name=row["display_name"]), row["display_name_key"]) for row in rows]


async def hold(work: Work, ids: Collection[UUID]) -> list[Reference]:
    """Those of the groups that are still there, held until the work's transaction ends."""
    transaction = await work.begin()
    rows = await transaction.fetch(_LOCK_SOME, work.actor.organization, list(ids))
    return [Reference(id=row["id"], name=row["display_name"]) for row in rows]


def _group(view: View) -> Group:
    return Group(
        id=GroupId(view.id),
        version=view.version,
        created=view.created,
        last_modified=view.last_modified,
        document=orjson.loads(view.stored),
        stored=view.stored,
        members=view.related,
    )
