"""An identity provider, as those are told of it whom it signs in (rule P8). Pure."""

from dataclasses import dataclass
from typing import NamedTuple

from scimserver.kernel.ids import OrganizationId, SamlConnectionId


class Subject(NamedTuple):
    """As whom an identity provider knows a user, once it has signed the user in."""

    name_id: str
    format: str | None
    linked: str
    """When that was, as a dateTime of RFC 7643, section 2.3.5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """The SAML connection by which a user signs in: what may be told of it."""

    organization: OrganizationId
    id: SamlConnectionId
    name: str
    sso_url: str
    reset_uri: str | None
    """Where people are told that their password is managed."""
    contact: str
    """Whom they ask: the organisation's systems administrator, or its support contact; may be empty."""
    subject: Subject | None = None
    """Read only where somebody asks for it."""

    @property
    def host(self) -> str:
        """Where people sign in, as they recognise it."""
        return self.sso_url.partition("://")[2].partition("/")[0].partition("?")[0]
