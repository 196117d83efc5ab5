"""The bin (rule P5): deleted users, kept for thirty days so that a mistake can be undone.

Whoever is in it is nobody to everything else: over SCIM there is no such user, and the address is free.
Coming back, a user has the same id, and what is still there of role and Teams; neither a password nor Cases.
Proven by tests/api/test_bin.py, tests/database/test_bin.py and tests/database/test_cli_user.py.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, cast

import orjson
from asyncpg import Record

from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.directory import roles, users
from scimserver.directory.differences import difference
from scimserver.directory.limits import shown
from scimserver.directory.organizations import Addresses
from scimserver.directory.users import Document, Former, User
from scimserver.directory.views import Reference
from scimserver.kernel.addresses import address_key
from scimserver.kernel.errors import AlreadyTaken, InvalidValue, NotFound
from scimserver.kernel.facts import Change, Json, UserPurged, UserRestored
from scimserver.kernel.ids import OrganizationId, UserId, parse_uuid
from scimserver.kernel.permissions import Permission
from scimserver.work import Work

_QUERIES = load("bin")
_LIST = _QUERIES["list_deleted"]
_FIND = _QUERIES["find_deleted"]
_LOCK = _QUERIES["lock_deleted"]
_HOLD_GROUPS = _QUERIES["hold_groups"]
_TAKE_OUT = _QUERIES.change("take_out")
_PURGE = _QUERIES["purge_deleted"]
_OVERDUE = _QUERIES["overdue"]

KEPT_FOR: Final = timedelta(days=30)
"""How long a deleted user can be had back."""

AT_ONCE: Final = 500
"""How many users whose time is over are purged in one round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """A user in the bin. `request_id` is that of the deletion, by which the log tells of it."""

    id: UserId
    user_name: str
    deleted: datetime
    request_id: str
    role: str | None
    """The name of the role, where it is still there."""

    @property
    def until(self) -> datetime:
        """When the user's time is over."""
        return self.deleted + KEPT_FOR


async def every(database: Database, organization: OrganizationId) -> list[Deleted]:
    """Who is in an organisation's bin, the latest first."""
    return [_deleted(row) for row in await database.fetch(_LIST, organization)]


async def find(work: Work, name: str) -> Deleted:
    """Whom in the bin somebody names by address (letter case does not count) or by id.

    Raises `NotFound`, and `InvalidValue` where several deleted users had that address.
    """
    rows = await work.fetch(_FIND, work.actor.organization, address_key(name), parse_uuid(name))
    found = [_deleted(row) for row in rows]
    if not found:
        raise NotFound(f'There is no user "{shown(name)}" in the bin.')
    if len(found) > 1:
        ids = ", ".join(str(each.id) for each in found)
        raise InvalidValue(
            f'Several deleted users had the address "{shown(name)}": name one by its id: {ids}.'
        )
    return found[0]


async def restore(work: Work, user: Deleted) -> User:
    """Have a deleted user back, as the rules are now: same id, role and Teams as far as they are there.

    Raises `NotFound` for who is not in the bin any more, `DomainNotAllowed`, `InvalidValue`, `NotPermitted`
    also where the caller may not give the role; when the work ends, `AlreadyTaken`.
    """
    work.require(Permission.USERS_DELETE)
    row = await _held(work, user)
    wanted = wanted_again(
        orjson.loads(row["document"]),
        mail_stand_in=row["mail_stand_in"],
        role=row["role"],
        addresses=Addresses(row["addresses"]),
    )
    former = Former(
        id=user.id,
        version=row["version"],
        created=row["created"],
        managed=row["saml_connection_id"] is not None,
    )
    groups = await _held_groups(work, row["group_ids"])
    made = await users.add_again(work, wanted, former, {"users_user_name_key": _taken})
    if groups:
        users.join(work, made, groups)
    work.change(_TAKE_OUT, work.actor.organization, user.id)
    changes = (
        _deleted_at(row["deleted"]),
        *difference({}, made.document),
        *users.changes_of(None, made),
    )
    work.note(UserRestored(target=made.id, display=made.user_name, changes=changes))
    return replace(made, groups=groups)


async def purge(work: Work, user: Deleted) -> None:
    """Forget a deleted user at once. Raises `NotFound` for who is not in the bin any more."""
    work.require(Permission.USERS_DELETE)
    row = await _held(work, user)
    work.change(_TAKE_OUT, work.actor.organization, user.id)
    work.note(_purged(user.id, row["deleted"]))


async def purge_overdue(work: Work, overdue: Collection[UserId]) -> int:
    """Forget those of the users whose time is over; how many there were. Doing it twice is harmless."""
    work.require(Permission.USERS_DELETE)
    transaction = await work.begin()
    rows = await transaction.fetch(_PURGE, work.actor.organization, list(overdue), work.now - KEPT_FOR)
    for row in rows:
        work.note(_purged(UserId(row["id"]), row["deleted"]))
    return len(rows)


async def overdue(database: Database, now: datetime) -> Mapping[OrganizationId, Sequence[UserId]]:
    """Some of those whose time is over, by organisation: housekeeping of the installation."""
    found: dict[OrganizationId, list[UserId]] = defaultdict(list)
    for row in await database.fetch(_OVERDUE, now - KEPT_FOR, AT_ONCE):
        found[OrganizationId(row["org_id"])].append(UserId(row["id"]))
    return found


def wanted_again(
    document: Document, *, mail_stand_in: bool, role: str | None, addresses: Addresses
) -> Document:
    """What the document of a user who comes back begins as. Pure.

    `role` is the name that the user's role has now, None where it is gone: then the rules give the least.
    """
    wanted = dict(document)
    if mail_stand_in:
        # It was made from the address, and is made anew.
        wanted.pop("emails", None)
    if addresses is Addresses.REQUIRED and not _names(wanted.get("roles"), role):
        wanted.pop("roles", None)
        if role is not None:
            wanted["roles"] = roles.entries_of(role)
    return wanted


def _names(entries: Json, role: str | None) -> bool:
    """Whether the one entry of `roles` is the name of the role, as the user's rules read it."""
    for entry in cast("Sequence[Mapping[str, Json]]", entries or ()):
        named = str(entry.get("value") or entry.get("display") or "")
        return role is not None and roles.role_key(named) == roles.role_key(role)
    return False


async def _held(work: Work, user: Deleted) -> Record:
    """All that is kept of a deleted user, held until the work ends. Raises `NotFound`."""
    transaction = await work.begin()
    row = await transaction.fetchrow(_LOCK, work.actor.organization, user.id)
    if row is None:
        raise NotFound(f'"{shown(user.user_name)}" is not in the bin any more.')
    return row


async def _held_groups(work: Work, ids: Sequence[object]) -> tuple[Reference, ...]:
    rows = await work.fetch(_HOLD_GROUPS, work.actor.organization, ids) if ids else []
    return tuple(Reference(id=row["id"], name=row["name"]) for row in rows)


def _taken() -> AlreadyTaken:
    return AlreadyTaken(
        "Another user of the organisation has the address by now: give that user another one first.",
        attribute="userName",
    )


def _purged(user: UserId, deleted: datetime) -> UserPurged:
    """The fact, without a name: what is forgotten is not written down once more."""
    return UserPurged(target=user, changes=(_deleted_at(deleted),))


def _deleted_at(moment: datetime) -> Change:
    return Change(path="deleted", old=moment.isoformat())


def _deleted(row: Record) -> Deleted:
    return Deleted(
        id=UserId(row["id"]),
        user_name=row["user_name"],
        deleted=row["deleted"],
        request_id=row["request_id"],
        role=row["role"],
    )
