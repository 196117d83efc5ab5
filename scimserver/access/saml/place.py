"""Where a SAML connection is reached: its addresses follow from the public URL, never from a header. Pure.

Proven by tests/unit/test_saml_connection.py.
"""

from dataclasses import dataclass

from scimserver.directory.saml import path_id
from scimserver.kernel.ids import OrganizationId, SamlConnectionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """What an identity provider has to know of us, and where people begin."""

    entity_id: str
    """Our name for it, which is where our metadata is."""
    acs_url: str
    """Where it sends responses: the assertion consumer service."""
    login_url: str
    """Where people are sent there from."""


def addresses_of(public_url: str, organization: OrganizationId, connection: SamlConnectionId) -> Addresses:
    """The addresses of a connection."""
    base = f"{public_url}/saml/{path_id(organization, connection)}"
    return Addresses(entity_id=f"{base}/metadata", acs_url=f"{base}/acs", login_url=f"{base}/login")
