"""Rows of passwords, and what organisations ask of them."""

from typing import Final, Protocol

from asyncpg import Record

from scimserver.db.queries import Query, load
from scimserver.directory.passwords.context import words_of_organization
from scimserver.directory.passwords.model import Credential, SetBy
from scimserver.directory.passwords.policy import Policy
from scimserver.kernel.errors import Conflicted
from scimserver.kernel.ids import OrganizationId, UserId
from scimserver.kernel.profiles import Profile
from scimserver.work import Broken

_QUERIES = load("passwords")
_POLICY = _QUERIES["policy"]
_FIND = _QUERIES["find_credential"]
SET = _QUERIES.change("set_password")
USE = _QUERIES.change("use_password")
CLEAR = _QUERIES.change("clear_password")
DROP = _QUERIES.change("drop_password")

BROKEN: Final[Broken] = {"credentials_user_id_fkey": Conflicted}
"""Where the user was deleted meanwhile: looking again tells."""


class Reader(Protocol):
    """What reads: the database, or a unit of work."""

    async def fetchrow(self, query: Query, *arguments: object) -> Record | None:
        """The first row."""
        ...


async def policy_of(reader: Reader, organization: OrganizationId) -> Policy:
    """What an organisation asks of passwords."""
    row = await reader.fetchrow(_POLICY, organization)
    assert row is not None, "an actor's organisation exists"
    return Policy(
        profile=Profile(row["password_profile"]),
        support_contact=row["support_contact"],
        must_change_locked=row["must_change_locked"],
        words=tuple(words_of_organization(row["name"], row["title"], row["domains"])),
    )


async def find(reader: Reader, organization: OrganizationId, user: UserId) -> Credential | None:
    """A user's password as it is stored, if there is one."""
    row = await reader.fetchrow(_FIND, organization, user)
    if row is None:
        return None
    return Credential(
        user=user,
        phc=row["password_hash"],
        changed=row["changed"],
        must_change=row["must_change"],
        expires=row["expires"],
        set_by=SetBy(row["set_by"]),
        former=tuple(row["former"]),
    )
