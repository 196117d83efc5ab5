"""Roles' rows, and what becomes of the users who have one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson
from asyncpg import Record

from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.directory.roles.model import Role, role_key
from scimserver.kernel.errors import AlreadyTaken, Conflicted
from scimserver.kernel.facts import Json
from scimserver.kernel.ids import OrganizationId, RoleId, UserId, parse_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work import Broken, Work

_QUERIES = load("roles")
INSERT = _QUERIES.change("insert_role")
UPDATE = _QUERIES.change("update_role")
DELETE = _QUERIES.change("delete_role")
RENAME_IN_USERS = _QUERIES.change("rename_in_users")
RENEW_RULES = _QUERIES.change("renew_rules")
GIVE = _QUERIES.change("give_role")
_GET = _QUERIES["get_role"]
_LOCK = _QUERIES["lock_role"]
_FIND = _QUERIES["find_role"]
_LIST = _QUERIES["list_roles"]
_LOCK_MANAGING = _QUERIES["lock_managers"]
_MANAGERS_BESIDE = _QUERIES["managers_beside"]
_HOLDERS = _QUERIES["lock_holders"]
_USERS = _QUERIES["lock_users"]
_IS_HELD = _QUERIES["is_held"]
_IS_FREE = _QUERIES["has_free_names"]

MOST_AT_ONCE: Final = 1000
"""Users who are looked at and changed by one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A user who has a role, held until the transaction ends."""

    id: UserId
    user_name: str
    active: bool
    role: RoleId
    permissions: frozenset[Permission]
    roles: Json
    """The user's `roles`, as they are answered."""


def taken() -> AlreadyTaken:
    """The refusal of a name that another role has."""
    return AlreadyTaken(
        "Another role of the organisation has this displayName (letter case does not count).",
        attribute="displayName",
    )


BROKEN: Final[Broken] = {"roles_name_key": taken}


async def get(work: Work, role: RoleId) -> Role | None:
    """The role as committed, held until the work ends if the work is locking."""
    organization = work.actor.organization
    if work.locking and await work.fetchrow(_LOCK, organization, role) is None:
        return None
    row = await work.fetchrow(_GET, organization, role)
    return _role(row) if row else None


async def find(work: Work, name: str) -> Role | None:
    """The role of that name or id."""
    row = await work.fetchrow(_FIND, work.actor.organization, role_key(name), parse_uuid(name))
    return await get(work, RoleId(row["id"])) if row else None


async def every(database: Database, organization: OrganizationId) -> list[tuple[Role, int]]:
    """The organisation's roles, the built-in ones first, each with how many users have it."""
    return [(_role(row), row["users"]) for row in await database.fetch(_LIST, organization)]


async def hold(work: Work, role: Role) -> None:
    """Keep a role until the work's transaction ends: nobody changes it, or is given it.

    Raises `Conflicted` where it is no longer as it was read.
    """
    transaction = await work.begin()
    held = await transaction.fetchrow(_LOCK, work.actor.organization, role.id)
    if held is None or held["version"] != role.version:
        raise Conflicted


async def lock_managers(work: Work) -> None:
    """Until the work ends, nobody else takes away somebody who manages users.

    A statement of its own: the next one sees what others committed while this one waited.
    """
    transaction = await work.begin()
    await transaction.fetch(_LOCK_MANAGING, work.actor.organization)


async def is_held(work: Work, role: RoleId) -> bool:
    """Whether somebody active has the role."""
    transaction = await work.begin()
    return await transaction.fetchval(_IS_HELD, work.actor.organization, role)


async def managers_beside(work: Work, role: RoleId | None = None) -> bool:
    """Whether somebody is active who may manage users without that role."""
    transaction = await work.begin()
    return await transaction.fetchval(_MANAGERS_BESIDE, work.actor.organization, role)


async def holders(work: Work, role: RoleId, after: UUID) -> list[Holder]:
    """The next users who have a role, by their ids, held until the work ends."""
    transaction = await work.begin()
    organization = work.actor.organization
    return [
        _holder(row) for row in await transaction.fetch(_HOLDERS, organization, role, after, MOST_AT_ONCE)
    ]


async def users(work: Work, ids: Sequence[UUID]) -> list[Holder]:
    """Those of the ids that are users of the organisation, held until the work ends."""
    transaction = await work.begin()
    return [_holder(row) for row in await transaction.fetch(_USERS, work.actor.organization, list(ids))]


async def has_free_names(work: Work) -> bool:
    """Whether the organisation stores `roles` as they come."""
    row = await work.fetchrow(_IS_FREE, work.actor.organization)
    return row is not None


def _role(row: Record) -> Role:
    return Role(
        id=RoleId(row["id"]),
        name=row["name"],
        start_page=row["start_page"],
        permissions=frozenset(map(Permission, row["permissions"])),
        external_id=row["external_id"],
        built_in=row["built_in"],
        version=row["version"],
        created=row["created"],
        last_modified=row["last_modified"],
    )


def _holder(row: Record) -> Holder:
    return Holder(
        id=UserId(row["id"]),
        user_name=row["user_name"],
        active=row["active"],
        role=RoleId(row["role_id"]),
        permissions=frozenset(map(Permission, row["permissions"])),
        roles=orjson.loads(row["roles"]) if row["roles"] else None,
    )
