"""Whom a connection believes, and as whom it listens: what the SAML library is told. Pure."""

from dataclasses import dataclass, field
from datetime import datetime

from scimserver.access.saml.place import addresses_of
from scimserver.directory.saml import SamlConnection, listed, place_of
from scimserver.kernel.ids import OrganizationId


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedKey:
    """A private key that waits for the desk to open it."""

    sealed: bytes = field(repr=False)
    place: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom a connection believes, and as whom it listens."""

    entity_id: str
    """Our own name for the identity provider."""
    acs_url: str
    idp_entity_id: str
    sso_url: str
    certificates: tuple[str, ...]
    """In PEM: whoever signs has the key of one of them."""
    sign_requests: bool = False
    own_certificates: tuple[str, ...] = ()
    """In PEM, of the keys that we sign, will sign or did sign requests with."""
    signing_key: SealedKey | None = None
    """What requests are signed with."""


def trust_of(
    public_url: str, organization: OrganizationId, connection: SamlConnection, now: datetime
) -> Trust:
    """What a connection comes to."""
    ours = addresses_of(public_url, organization, connection.id)
    key = connection.signing_key
    return Trust(
        entity_id=ours.entity_id,
        acs_url=ours.acs_url,
        idp_entity_id=connection.provider.entity_id,
        sso_url=connection.provider.sso_url,
        certificates=tuple(each.pem for each in connection.provider.certificates),
        sign_requests=connection.wanted.sign_requests,
        own_certificates=tuple(each.pem for each in listed(connection.keys, now)),
        signing_key=SealedKey(sealed=key.sealed, place=place_of(organization, connection.id, key.id))
        if key is not None and key.sealed is not None
        else None,
    )
