"""What a demonstration needs so that people sign in by SAML: a connection in use, and one of its people.

Run again on the same data it takes up the same connection, with the metadata of now.
Proven by tests/api/test_demo_saml.py.
"""

from typing import BinaryIO, Final

from scimserver.access.saml.metadata import MAX_METADATA, parse_metadata
from scimserver.access.saml.place import Addresses, addresses_of
from scimserver.cli.runtime import Session
from scimserver.directory import domains, saml, users
from scimserver.directory.saml import Provider, SamlConnection, State, Wanted
from scimserver.directory.users import Mark
from scimserver.kernel.clock import utc_now
from scimserver.kernel.ids import OrganizationId

NAME: Final = "demo"
"""What the connection is called."""

USER: Final = "ada"
"""Who signs in by it, in the first of the Email Domains."""

_WAY: Final = {State.DRAFT: State.TESTING, State.DISABLED: State.TESTING, State.TESTING: State.ACTIVE}
"""By which states a connection comes into use."""


def provider_of(metadata: BinaryIO | None) -> Provider | None:
    """The identity provider that a file tells of. Raises `InvalidValue`."""
    return None if metadata is None else parse_metadata(metadata.read(MAX_METADATA + 1), utc_now())


async def connect(
    session: Session, organization: OrganizationId, domain: str, provider: Provider, public_url: str
) -> Addresses:
    """Have the people of a domain sign in by an identity provider; where it finds us.

    Raises `InvalidValue`, `AlreadyTaken`.
    """
    found = await _connection(session, organization, provider)
    while found.state is not State.ACTIVE:
        async with session.work(organization) as work:
            found = await saml.switch(work, found, _WAY[found.state])
    await _prove(session, organization, domain)
    await _managed(session, organization, f"{USER}@{domain}")
    return addresses_of(public_url, organization, found.id)


async def _connection(session: Session, organization: OrganizationId, provider: Provider) -> SamlConnection:
    known = {each.wanted.name: each for each in await saml.every(session.database, organization)}
    async with session.work(organization) as work:
        if NAME not in known:
            return await saml.create(work, Wanted(name=NAME), provider)
        return await saml.update(work, known[NAME], known[NAME].wanted, provider)


async def _prove(session: Session, organization: OrganizationId, domain: str) -> None:
    """Prove a demonstration's domain. It is nobody's, so no DNS is asked: what should be there is."""
    async with session.work(organization) as work:
        proof = await domains.proof_of(work, domain)
    async with session.work(organization) as work:
        await domains.verify(work, proof, [proof.value])


async def _managed(session: Session, organization: OrganizationId, user_name: str) -> None:
    """Have the demonstration's user there, marked."""
    async with session.work(organization) as work:
        user = await users.find_named(work, user_name)
        if user is None:
            await users.create(work, {"userName": user_name}, mark=Mark.ON)
        else:
            await users.update(work, user, user.document, mark=Mark.ON)
