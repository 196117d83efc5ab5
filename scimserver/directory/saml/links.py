"""Links: as whom an identity provider knows a user. The key is the connection and the name, never an address.

All is a part of signing somebody in, which `access.saml.login` decides; what is found here is held until its
transaction ends. Proven by tests/console/test_saml_linking.py.
"""

from dataclasses import dataclass
from typing import Final

from asyncpg import Record

from scimserver.db.queries import load
from scimserver.directory.domains import parents
from scimserver.directory.saml.model import SamlConnection, State
from scimserver.kernel.addresses import Address, address_key
from scimserver.kernel.errors import Conflicted
from scimserver.kernel.facts import Change, SamlLinked
from scimserver.kernel.ids import SamlConnectionId, UserId
from scimserver.work import Broken, Work

_QUERIES = load("saml")
_HOLD = _QUERIES["hold_connection"]
_HOLD_RULES = _QUERIES["hold_rules"]
_LINKED = _QUERIES["hold_linked"]
_NAMED = _QUERIES["hold_named"]
_PROVISIONED = _QUERIES["hold_provisioned"]
_KNOWN_AS = _QUERIES["known_as"]
_IS_PROVEN = _QUERIES["is_proven_domain"]
_INSERT = _QUERIES.change("insert_link")

_BROKEN: Final[Broken] = {
    "saml_links_pkey": Conflicted,
    "saml_links_user_key": Conflicted,
    "saml_links_user_id_fkey": Conflicted,
}
"""Somebody else was faster: looked at again, the link is there, or another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """A user whom an identity provider may mean."""

    id: UserId
    user_name: str
    active: bool
    external_id: str | None
    connection: SamlConnectionId | None
    """By which the user signs in; None for who has a password."""
    is_new: bool = False
    """Whether the user is added by this very sign-in, and written when it ends."""


async def hold(work: Work, connection: SamlConnection) -> bool:
    """Keep a connection as it is until the work ends; whether it is in use, and the one that was read."""
    transaction = await work.begin()
    if work.locking:
        # Whoever is added holds them later, and whoever changes the connection did so first.
        await transaction.fetch(_HOLD_RULES, work.actor.organization)
    held = await transaction.fetchrow(_HOLD, work.actor.organization, connection.id)
    return held is not None and held["version"] == connection.version and held["state"] == State.ACTIVE


async def linked(work: Work, connection: SamlConnectionId, name_id: str) -> Meant | None:
    """Whom the identity provider has signed in by that name before."""
    row = await (await work.begin()).fetchrow(_LINKED, work.actor.organization, connection, name_id)
    return _meant(row) if row else None


async def named(work: Work, address: str) -> Meant | None:
    """The user of that address, letter case does not count."""
    row = await (await work.begin()).fetchrow(_NAMED, work.actor.organization, address_key(address))
    return _meant(row) if row else None


async def provisioned(work: Work, connection: SamlConnectionId, external_id: str) -> list[Meant]:
    """Whom the connection signs in who has that `externalId`: of several, two, active ones first."""
    transaction = await work.begin()
    rows = await transaction.fetch(_PROVISIONED, work.actor.organization, connection, external_id)
    return list(map(_meant, rows))


async def known_as(work: Work, connection: SamlConnectionId, user: UserId) -> str | None:
    """By which name the identity provider knows a user, who is held, already."""
    return await (await work.begin()).fetchval(_KNOWN_AS, work.actor.organization, connection, user)


async def is_proven(work: Work, address: Address) -> bool:
    """Whether the organisation has proved that an address's domain is its own."""
    transaction = await work.begin()
    domain = address.domain
    return await transaction.fetchval(_IS_PROVEN, work.actor.organization, domain, parents(domain))


async def link(
    work: Work, connection: SamlConnectionId, user: Meant, name_id: str, name_format: str | None
) -> None:
    """Remember by which name the identity provider knows a user. Raises `Conflicted` where it was known."""
    await work.run(
        _INSERT,
        work.actor.organization,
        connection,
        name_id,
        name_format,
        user.id,
        work.now,
        broken=_BROKEN,
    )
    changes = (Change(path="connection", new=str(connection)), Change(path="nameId", new=name_id))
    work.note(SamlLinked(target=user.id, display=user.user_name, changes=changes))


def _meant(row: Record) -> Meant:
    by = row["saml_connection_id"]
    return Meant(
        id=UserId(row["id"]),
        user_name=row["user_name"],
        active=row["active"],
        external_id=row["external_id"],
        connection=SamlConnectionId(by) if by else None,
    )
