"""Users' rows."""

import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Self
from uuid import UUID

import orjson
from asyncpg import Record

from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.directory.domains import parents
from scimserver.directory.organizations import Addresses
from scimserver.directory.users.model import User
from scimserver.directory.views import EDIT_USER, Reference, provider_of, view_of
from scimserver.kernel.addresses import address_key
from scimserver.kernel.errors import AlreadyTaken, Conflicted
from scimserver.kernel.ids import OrganizationId, RoleId, UserId, parse_uuid
from scimserver.kernel.permissions import Permission
from scimserver.kernel.providers import IdentityProvider
from scimserver.work import Broken, Work

_QUERIES = load("users")
INSERT = _QUERIES.change("insert_user")
UPDATE = _QUERIES.change("update_user")
LEAVE_GROUPS = _QUERIES.change("leave_groups")
RESTORE = _QUERIES.change("restore_user")
UNLINK = _QUERIES.change("unlink")
UNLINK_ADDRESSES = _QUERIES.change("unlink_addresses")
JOIN_GROUPS = _QUERIES.change("join_groups")
DELETE = _QUERIES.change("delete_user")
_GROUPS_OF = _QUERIES["groups_of"]
LOCK = _QUERIES["lock_user"]
_HOLD_RULES = _QUERIES["hold_rules"]
_CONTEXT = _QUERIES["writing_context"]
_LOCK_MANAGING_ROLES = _QUERIES["lock_managing_roles"]
_HAS_OTHER_ADMINISTRATOR = _QUERIES["has_other_administrator"]
_MANAGER = _QUERIES["read_manager"]
_FIND = _QUERIES["find_user"]
_FIND_INACTIVE = _QUERIES["find_inactive"]
_LIST = _QUERIES["list_users"]


def taken() -> AlreadyTaken:
    """The refusal of a `userName` that another user has."""
    return AlreadyTaken(
        "Another user of the organisation has this userName (letter case does not count)."
        ' Find it with filter=userName eq "…", and update it or choose another address.',
        attribute="userName",
    )


BROKEN: Final[Broken] = {"users_user_name_key": taken, "users_role_id_fkey": Conflicted}
"""A role that is gone was deleted a moment ago: looked at again, it is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingContext:
    """What the rules need to know of the organisation before a user is written."""

    rules: UUID
    """What these rules are known by: others are known by another one."""
    addresses: Addresses
    timezone: str
    covered: bool
    """Whether the Email Domains cover the domain asked about."""
    parent: str | None
    """A listed domain of which the one asked about is a sub-domain, for the refusal."""
    role: RoleId | None
    permissions: frozenset[Permission]
    """What the role permits that was asked about."""
    role_names: tuple[str, ...]
    """Where there is no such role, some that there are."""
    default_role: RoleId
    enforced: IdentityProvider | None
    """By what all sign in whose addresses are in the domain asked about (P8)."""
    in_use: IdentityProvider | None
    """By what somebody can sign in, where the domain says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A user as one of a list."""

    id: UserId
    user_name: str
    display_name: str | None
    active: bool
    role: str
    last_modified: datetime


class Asked(NamedTuple):
    """What the rules ask of the organisation.

    `address` is the domain of the user name, `mail` that of the primary e-mail: which of them has
    to be covered depends on the organisation.
    """

    organization: OrganizationId
    address: str | None
    mail: str | None
    role: str

    @property
    def of_addresses(self) -> Self:
        """The question where user names are addresses: then nobody looks at the primary e-mail."""
        return self._replace(mail=None)


def remembered_context(work: Work, asked: Asked) -> WritingContext | None:
    """What was found the last time, if it lets users in; None where rows are held, which is for certain."""
    if work.locking:
        return None
    return work.memory.get(WritingContext, asked.of_addresses) or work.memory.get(WritingContext, asked)


async def writing_context(work: Work, asked: Asked) -> WritingContext:
    """Ask once for everything that the rules need; it stays so where the work is one that holds rows."""
    if work.locking:
        await work.fetchrow(_HOLD_RULES, asked.organization)
    row = await work.fetchrow(
        _CONTEXT,
        asked.organization,
        asked.address,
        parents(asked.address) if asked.address else [],
        asked.role,
        asked.mail,
        parents(asked.mail) if asked.mail else [],
    )
    assert row is not None, "an actor's organisation exists and has its built-in roles"
    context = WritingContext(
        rules=row["rules"],
        addresses=Addresses(row["addresses"]),
        timezone=row["timezone"],
        covered=row["covered"],
        parent=row["parent"],
        role=row["role_id"],
        permissions=frozenset(map(Permission, row["permissions"] or ())),
        role_names=tuple(row["role_names"] or ()),
        default_role=row["default_role_id"],
        enforced=provider_of(columns) if (columns := row["enforced"]) else None,
        in_use=provider_of(columns) if (columns := row["in_use"]) else None,
    )
    _remember(work, asked, context)
    return context


def _remember(work: Work, asked: Asked, context: WritingContext) -> None:
    """Keep what lets users in, by what mattered of the question."""
    is_required = context.addresses is Addresses.REQUIRED
    question = asked.of_addresses if is_required else asked
    domain = asked.address if is_required else asked.mail
    if (context.covered or domain is None) and context.role is not None:
        work.memory.keep(question, context)
    else:
        work.memory.forget(WritingContext, question)


async def get(work: Work, user: UserId) -> User | None:
    """The user as committed, held until the work ends if the work is locking."""
    organization = work.actor.organization
    if work.locking and await work.fetchrow(LOCK, organization, user) is None:
        return None
    row = await work.fetchrow(EDIT_USER, organization, user)
    return _user(row) if row else None


async def find_inactive(work: Work, user_name_key: str) -> User | None:
    """The deactivated user of that name."""
    row = await work.fetchrow(_FIND_INACTIVE, work.actor.organization, user_name_key)
    return await get(work, UserId(row["id"])) if row else None


async def manager(work: Work, user: UserId) -> Reference | None:
    """The user as somebody's manager, if there is such a user."""
    row = await work.fetchrow(_MANAGER, work.actor.organization, user)
    return Reference(id=row["id"], name=row["name"]) if row else None


async def groups_of(work: Work, user: UserId) -> tuple[Reference, ...]:
    """The groups that a user is in, held until the work's transaction ends."""
    transaction = await work.begin()
    rows = await transaction.fetch(_GROUPS_OF, work.actor.organization, user)
    return tuple(Reference(id=row["id"], name=row["display_name"]) for row in rows)


async def find(work: Work, name: str) -> User | None:
    """The user of that `userName` or id."""
    return await _found(work, name, parse_uuid(name))


async def find_named(work: Work, user_name: str) -> User | None:
    """The user of that `userName`."""
    return await _found(work, user_name, None)


async def _found(work: Work, user_name: str, user: UUID | None) -> User | None:
    row = await work.fetchrow(_FIND, work.actor.organization, address_key(user_name), user)
    return await get(work, UserId(row["id"])) if row else None


async def beginning(
    database: Database, organization: OrganizationId, text: str, after: str, most: int
) -> list[Listed]:
    """The first users whose address begins with a text, after another address, by address.

    Letter case does not count; both texts may be empty.
    """
    first = address_key(text)
    # No key goes beyond: it is compared octet by octet, and no character is greater.
    last = first + chr(sys.maxunicode)
    rows = await database.fetch(_LIST, organization, first, last, address_key(after), most)
    return [Listed(**dict(row)) for row in rows]


async def has_other_administrator(work: Work, user: UserId) -> bool:
    """Whether somebody else is active who may manage users; it stays so until the work ends."""
    transaction = await work.begin()
    organization = work.actor.organization
    # A statement of its own: the next one sees what others committed while this one waited.
    await transaction.fetch(_LOCK_MANAGING_ROLES, organization)
    return await transaction.fetchval(_HAS_OTHER_ADMINISTRATOR, organization, user)


def _user(row: Record) -> User:
    view = view_of(row)
    return User(
        id=UserId(view.id),
        active=row["active"],
        role=RoleId(row["role_id"]),
        permissions=frozenset(map(Permission, row["permissions"])),
        mail_stand_in=row["mail_stand_in"],
        mail_domain=row["mail_domain"],
        version=view.version,
        created=view.created,
        last_modified=view.last_modified,
        document=orjson.loads(view.stored),
        stored=view.stored,
        groups=view.related,
        manager=view.manager,
        provider=view.provider,
        mark=view.mark,
        recovers=row["recovers"],
    )
