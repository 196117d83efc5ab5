"""Recovery accounts' rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scimserver.db.pool import Database
from scimserver.db.queries import load
from scimserver.directory.recovery.model import OWNER, Account
from scimserver.kernel.errors import Conflicted
from scimserver.kernel.ids import OrganizationId, RoleId, UserId
from scimserver.kernel.permissions import Permission, known_permissions
from scimserver.work import Broken, Work

_QUERIES = load("recovery")
PREPARE = _QUERIES.change("prepare")
CONFIRM = _QUERIES.change("confirm")
WITHDRAW = _QUERIES.change("withdraw")
USE = _QUERIES.change("use_code")
_HOLD = _QUERIES["hold_organization"]
_HOLD_USER = _QUERIES["hold_user"]
_LOOK = _QUERIES["look"]
_IS_ACCOUNT = _QUERIES["is_account"]
_IS_ENFORCED = _QUERIES["is_enforced"]
_IS_LEFT = _QUERIES["is_left"]
_LIST = _QUERIES["list_accounts"]
_OWNERS = _QUERIES["owners"]

BROKEN: Final[Broken] = {"recovery_accounts_user_id_fkey": Conflicted}
_OWNER: Final = sorted(OWNER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A user as somebody who may have a recovery account, and the account."""

    active: bool
    is_managed: bool
    has_password: bool
    permissions: frozenset[Permission]
    secret: bytes | None
    confirmed: datetime | None


async def hold(work: Work) -> None:
    """Keep everybody else from the organisation's recovery accounts, until the work ends.

    A statement of its own: the next one sees what others committed while this one waited.
    """
    transaction = await work.begin()
    await transaction.fetch(_HOLD, work.actor.organization)


async def look(work: Work, user: UserId) -> Looked | None:
    """A user who is held until the work ends; None where there is none."""
    transaction = await work.begin()
    await transaction.fetch(_HOLD_USER, work.actor.organization, user)
    row = await transaction.fetchrow(_LOOK, work.actor.organization, user)
    if row is None:
        return None
    return Looked(
        active=row["active"],
        is_managed=row["is_managed"],
        has_password=row["has_password"],
        permissions=known_permissions(row["permissions"]),
        secret=row["secret"],
        confirmed=row["confirmed"],
    )


async def is_account(work: Work, user: UserId) -> bool:
    """Whether a user has a recovery account."""
    return await work.fetchrow(_IS_ACCOUNT, work.actor.organization, user) is not None


async def is_enforced(work: Work) -> bool:
    """Whether SAML is enforced in one of the organisation's domains."""
    transaction = await work.begin()
    return await transaction.fetchval(_IS_ENFORCED, work.actor.organization)


async def is_left(work: Work, *, user: UserId | None = None, role: RoleId | None = None) -> bool:
    """Whether somebody gets in by a recovery account, beside a user or those who have a role."""
    transaction = await work.begin()
    return await transaction.fetchval(_IS_LEFT, work.actor.organization, user, role, _OWNER)


async def every(database: Database, organization: OrganizationId) -> list[Account]:
    """The organisation's recovery accounts, by address."""
    return [
        Account(
            user=UserId(row["user_id"]),
            user_name=row["user_name"],
            confirmed=row["confirmed"],
            gets_in=row["gets_in"],
            enrolled_by=row["enrolled_by"],
            created=row["created"],
        )
        for row in await database.fetch(_LIST, organization, _OWNER)
    ]


async def owners(work: Work, most: int) -> list[UserId]:
    """The organisation's owners who are active."""
    rows = await work.fetch(_OWNERS, work.actor.organization, _OWNER, most)
    return [UserId(row["id"]) for row in rows]
