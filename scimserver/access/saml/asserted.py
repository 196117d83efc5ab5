"""What an identity provider asserts, read from the node that its signature covers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """Who may show the assertion (SAML 2.0 Core, section 2.4.1.2): a bearer's, the others are left out."""

    recipient: str | None
    not_before: datetime | None
    not_on_or_after: datetime | None
    in_response_to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asserted:
    """A verified assertion, and what its response says around it."""

    id: str
    issuer: str
    name_id: str
    name_id_format: str | None
    issued: datetime
    confirmations: tuple[Confirmation, ...]
    not_before: datetime | None
    not_on_or_after: datetime | None
    audiences: tuple[frozenset[str], ...]
    """Of each restriction, whom it names: the assertion is for those whom all name."""
    authenticated: datetime
    """When the person proved who they are, to the identity provider."""
    session_ends: datetime | None
    """When the identity provider wants the session to end."""
    attributes: Mapping[str, tuple[str, ...]]
    destination: str | None
    in_response_to: str | None
    """As the envelope says, which may not be signed."""
