"""An identity provider, as those are told of it whom it signs in."""

from uuid import UUID

from scimserver.kernel.ids import OrganizationId, SamlConnectionId
from scimserver.kernel.providers import IdentityProvider

OKTA = IdentityProvider(
    organization=OrganizationId(UUID("0190b8a0-0000-7000-8000-00000000000a")),
    id=SamlConnectionId(UUID("0190b8a0-0000-7000-8000-0000000000c0")),
    name="Okta",
    sso_url="https://acme.okta.example/sso?app=1",
    reset_uri=None,
    contact="",
)
