"""Whom a connection believes, and as whom it listens: what the SAML library is told. Pure."""

from dataclasses import dataclass


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
