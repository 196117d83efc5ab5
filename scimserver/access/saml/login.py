"""Signing in by what an identity provider asserts (rule P8).

One transaction: connection and user are held, request and assertion are used up, the user is linked where it
is the first time, the session begins. Whoever is refused leaves nothing behind, no link, no user, and the
request waits on: the same response is taken, in the same browser and until its request runs out, once an
administrator has done what was missing.
Proven by tests/console/test_saml_sign_in.py, test_saml_linking.py, test_saml_external_id.py,
test_saml_names.py and test_saml_jit.py.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, cast

from scimserver.access.saml.asserted import Asserted
from scimserver.access.saml.checks import REMEMBERED
from scimserver.access.saml.person import address_of, names_of
from scimserver.access.saml.refusal import ResponseRefused, Why
from scimserver.directory import saml, sessions, users
from scimserver.directory.saml import Asked, Meant, SamlConnection
from scimserver.directory.sessions import Method, Started
from scimserver.directory.shadow import exact
from scimserver.directory.users import Document
from scimserver.kernel.actor import Actor, ActorKind, Origin
from scimserver.kernel.addresses import Address, is_written_alike, parse_placeholder
from scimserver.kernel.errors import AlreadyTaken, Conflicted, Refused
from scimserver.kernel.ids import OrganizationId, SessionId, new_uuid
from scimserver.kernel.permissions import Permission
from scimserver.kernel.providers import IdentityProvider
from scimserver.work import Work, WorkRoom

_MAY: Final = frozenset({Permission.USERS_CREATE, Permission.USERS_UPDATE})
"""What a connection may do that signs somebody in: add them, with Minimal Permissions; change their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """A response that was judged, and nothing spoke against it."""

    organization: OrganizationId
    connection: SamlConnection
    """As it was when the response was judged."""
    asserted: Asserted
    asked: Asked | None
    """The request that it answers; None where nobody asked."""


class SamlLogin:
    """Lets people in for whom an identity provider vouches."""

    def __init__(self, room: WorkRoom) -> None:
        self._room = room

    async def sign_in(self, vouched: Vouched, origin: Origin) -> Started:
        """Let somebody in, in a session of their own.

        Raises `ResponseRefused`, and what `saml.use_up` and `users.create` refuse; `Conflicted` where others
        were faster twice.
        """
        try:
            return await self._try(vouched, origin, lock=False)
        except (AlreadyTaken, Conflicted):
            # The user, the link or the organisation's rules have come to be meanwhile: now they are held.
            return await self._try(vouched, origin, lock=True)

    async def _try(self, vouched: Vouched, origin: Origin, *, lock: bool) -> Started:
        connection, asserted = vouched.connection, vouched.asserted
        acting = Actor(
            kind=ActorKind.SYSTEM,
            organization=vouched.organization,
            permissions=_MAY,
            name=connection.wanted.name,
        )
        with _about(asserted.name_id):
            async with self._room.open(acting, origin, lock=lock) as work:
                if not await saml.hold(work, connection):
                    raise ResponseRefused(Why.CONNECTION, "The connection was changed meanwhile.")
                until = work.now + REMEMBERED
                await saml.use_up(work, connection, vouched.asked, asserted.id, until)
                return await _begun(work, vouched)


async def _begun(work: Work, vouched: Vouched) -> Started:
    """The session of whoever is meant."""
    connection, asserted = vouched.connection, vouched.asserted
    user = await saml.linked(work, connection.id, asserted.name_id)
    is_first = False
    if user is None:
        user = await _first_time(work, vouched)
        is_first = await _is_first(work, vouched, user)
    _check(user, connection)
    if connection.wanted.takes_names and not user.is_new:
        await _take_names(work, user, asserted)
    session = SessionId(new_uuid())
    owner = Actor(
        kind=ActorKind.USER,
        organization=vouched.organization,
        permissions=frozenset(),
        user=user.id,
        session=session,
    )
    await work.hand_over(owner)
    if is_first:
        await saml.link(work, connection.id, user, asserted.name_id, asserted.name_id_format)
    return await sessions.start(
        work,
        user.id,
        user.user_name,
        Method.SAML,
        session,
        connection=connection.id,
        until=asserted.session_ends,
    )


def _check(user: Meant, connection: SamlConnection) -> None:
    """Raise `ResponseRefused` unless somebody, who is held, is one whom the connection signs in."""
    with _about(user.user_name, user):
        if parse_placeholder(user.user_name):
            raise ResponseRefused(Why.UNKNOWN, "The user's address is a clone's, which nobody has.")
        if not user.active:
            raise ResponseRefused(Why.INACTIVE, "The user is deactivated.")
        if user.connection != connection.id:
            raise ResponseRefused(Why.NOT_MANAGED, "The user does not sign in by this connection.")


async def _first_time(work: Work, vouched: Vouched) -> Meant:
    """Whoever is to be linked: the user of the address, or one who is added. Raises `ResponseRefused`.

    Where the connection names an attribute, it is the user of the `externalId` in it, whatever the address.
    """
    connection = vouched.connection
    attribute = connection.wanted.external_id_attribute
    external_id = None if attribute is None else _external_id(vouched.asserted, attribute)
    if external_id is not None:
        user = await _provisioned(work, connection, external_id)
        if user is not None:
            return user
    address, parts = await _proven_address(work, vouched.asserted)
    user = await saml.named(work, address)
    if user is None:
        return await _added(work, vouched, address, parts, external_id)
    if not is_written_alike(address, user.user_name):
        with _about(user.user_name, user):
            raise ResponseRefused(Why.UNKNOWN, "The user's address is written with other letters.")
    if external_id not in (None, user.external_id):
        with _about(user.user_name, user):
            raise ResponseRefused(Why.UNKNOWN, f"The user's externalId is not {external_id}.")
    # Somebody who has that one, and was looked for before, has come in by another window meanwhile.
    return user


def _external_id(asserted: Asserted, attribute: str) -> str:
    """The one value of an attribute, as an `externalId` is compared. Raises `ResponseRefused`."""
    told = {exact(value) for value in asserted.attributes.get(attribute, ()) if value}
    if len(told) != 1:
        raise ResponseRefused(Why.UNKNOWN, f"The name is new, and {attribute} has not one value.")
    return told.pop()


async def _provisioned(work: Work, connection: SamlConnection, external_id: str) -> Meant | None:
    """The user whom the connection signs in who has that `externalId`; None where one may be added.

    Identity providers that provision somebody anew leave a deactivated user of the same one behind. Raises
    `ResponseRefused`.
    """
    found = await saml.provisioned(work, connection.id, external_id)
    if len({user.active for user in found}) < len(found):
        raise ResponseRefused(Why.UNKNOWN, f"Several users have the externalId {external_id}.")
    if not found and not connection.wanted.jit:
        raise ResponseRefused(
            Why.UNKNOWN, f"Nobody whom the connection signs in has the externalId {external_id}."
        )
    # As they are now that they are held: they may have changed places since they were put in order.
    return max(found, key=lambda user: user.active, default=None)


async def _proven_address(work: Work, asserted: Asserted) -> tuple[str, Address]:
    """The asserted address, in a domain that the organisation has proved. Raises `ResponseRefused`."""
    told = address_of(asserted)
    if told is None:
        raise ResponseRefused(Why.UNKNOWN, "The name is new, and no address comes with it.")
    address, parts = told
    if parts.is_placeholder:
        raise ResponseRefused(Why.UNKNOWN, "The address is a clone's, which nobody has.")
    if not await saml.is_proven(work, parts):
        raise ResponseRefused(
            Why.DOMAIN, f"The organisation has not proved that {parts.domain} is its own domain."
        )
    return address, parts


async def _is_first(work: Work, vouched: Vouched, user: Meant) -> bool:
    """Whether nobody has linked a user before, who is held now. Raises `ResponseRefused`."""
    known_as = await saml.known_as(work, vouched.connection.id, user.id)
    if known_as not in (None, vouched.asserted.name_id):
        with _about(user.user_name, user):
            raise ResponseRefused(Why.OTHER_NAME, "The identity provider knows the user by another name.")
    # Who has come in by another window meanwhile is linked.
    return known_as is None


async def _added(
    work: Work, vouched: Vouched, address: str, parts: Address, external_id: str | None
) -> Meant:
    """A user who is added just in time, if the connection does that, marked as the connection's."""
    connection = vouched.connection
    if not connection.wanted.jit:
        raise ResponseRefused(Why.UNKNOWN, f"There is no user of that address at {parts.domain}.")
    names = names_of(vouched.asserted)
    wanted: Document = {"userName": address}
    if names:
        wanted["name"] = dict(names)
    if external_id is not None:
        wanted["externalId"] = external_id
    provider = IdentityProvider(
        organization=vouched.organization,
        id=connection.id,
        name=connection.wanted.name,
        sso_url=connection.provider.sso_url,
        reset_uri=connection.wanted.reset_uri,
        contact=connection.wanted.contact,
    )
    added = await users.create(work, wanted, mark=provider)
    return Meant(
        id=added.id,
        user_name=added.user_name,
        active=added.active,
        external_id=external_id,
        connection=connection.id,
        is_new=True,
    )


async def _take_names(work: Work, user: Meant, asserted: Asserted) -> None:
    """Give a user the given and family name that the identity provider says; what it does not say stays."""
    current = await users.get(work, user.id)
    before = cast("Document", current.document.get("name") or {})
    after = {**before, **names_of(asserted)}
    if after != before:
        await users.update(work, current, {**current.document, "name": after})


@contextmanager
def _about(display: str, user: Meant | None = None) -> Generator[None]:
    """Let a refusal say whom it is about, for the log."""
    try:
        yield
    except Refused as refused:
        refused.display = refused.display or display
        refused.target = refused.target or (user.id if user else None)
        raise
