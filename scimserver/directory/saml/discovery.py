"""Where people sign in, by the domain of their address: never by whether there is such a user (rule P8).

Proven by tests/console/test_saml_discovery.py.
"""

from dataclasses import dataclass
from typing import Final

from scimserver.db.pool import Reader
from scimserver.db.queries import Query, load
from scimserver.directory.domains import parents
from scimserver.kernel.addresses import parse_address
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.ids import OrganizationId, SamlConnectionId

_QUERIES: Final = load("saml")
_OF_DOMAIN: Final[Query] = _QUERIES["connection_of_domain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """A connection by which people of a domain sign in."""

    connection: SamlConnectionId
    enforced: bool
    """Whether all of them do; else those who are SAML-managed."""


async def elsewhere(reader: Reader, organization: OrganizationId, address: str) -> Elsewhere | None:
    """By which connection in use people with such an address sign in; None where they have a password."""
    domain = _domain(address)
    if domain is None:
        return None
    row = await reader.fetchrow(_OF_DOMAIN, organization, domain, parents(domain))
    if row is None:
        return None
    return Elsewhere(connection=SamlConnectionId(row["id"]), enforced=row["enforced"])


def _domain(address: str) -> str | None:
    try:
        return parse_address(address.strip()).domain
    except InvalidValue:
        return None
