"""A SAML connection: an identity provider that signs people of one organisation in. Pure.

Proven by tests/unit/test_saml_connection.py.
"""

import base64
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from scimserver.directory.saml.certificates import Certificate
from scimserver.directory.saml.keys import Key, Role, key_of
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.facts import Change, Json
from scimserver.kernel.ids import OrganizationId, SamlConnectionId

MAX_NAME: Final = 100
MAX_URL: Final = 2000

LEAST_AGE: Final = timedelta(minutes=15)
MOST_AGE: Final = timedelta(days=30)
USUAL_AGE: Final = timedelta(hours=12)
"""How long ago somebody may have proved to the identity provider who they are: as long as a session lasts."""

LOOKED_AT_EVERY: Final = timedelta(days=1)
"""How often metadata is fetched to see what would change with it, and the ends of certificates are seen."""

_PATH: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_LAST: Final = r"[a-z0-9][a-z0-9-]{0,61}[a-z0-9]"
_AUTHORITY: Final = re.compile(
    rf"(?:(?:{_LABEL}\.)+{_LAST}\.?|{_LAST}|\d{{1,3}}(?:\.\d{{1,3}}){{3}}|\[[0-9a-f:]+\])(?::\d+)?",
    re.IGNORECASE,
)
"""What stands for a host, and what the SAML library takes for one: with others it makes no request."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class State(StrEnum):
    """What a connection is good for. Values are stored: never rename one."""

    DRAFT = "draft"
    """Nothing yet: it is being set up."""

    TESTING = "testing"
    """Administrators try it out; it signs nobody in."""

    ACTIVE = "active"
    """It signs people in."""

    DISABLED = "disabled"
    """Nothing any more."""


NEXT: Final = {
    State.DRAFT: frozenset({State.TESTING, State.DISABLED}),
    State.TESTING: frozenset({State.ACTIVE, State.DISABLED}),
    State.ACTIVE: frozenset({State.TESTING, State.DISABLED}),
    State.DISABLED: frozenset({State.TESTING}),
}
"""Where a connection goes from each state: nobody is signed in by one that was not tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An identity provider, as its metadata tells of it."""

    entity_id: str
    sso_url: str
    """Where people are sent, by a redirect."""
    certificates: tuple[Certificate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an administrator says of a connection, beside the metadata."""

    name: str
    metadata_url: str | None = None
    """Where the metadata was fetched, and is fetched anew."""
    allow_unsolicited: bool = False
    """Whether the identity provider may send people whom nobody sent there."""
    authenticated_within: timedelta = USUAL_AGE
    reset_uri: str | None = None
    """Where people are told that their password is managed."""
    contact: str = ""
    """Whom they are told to ask: the organisation's systems administrator."""
    sign_requests: bool = False
    """Whether requests to the identity provider are signed, with our own key."""
    jit: bool = False
    """Whether somebody whom it signs in is added as a user where there is none, just in time."""
    external_id_attribute: str | None = None
    """In which attribute the `externalId` is by which users are found the first time, not by an address."""
    takes_names: bool = False
    """Whether users' given and family names follow what it says of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen when a connection was last looked at: it changes nothing by itself."""

    looked: datetime | None = None
    checked: datetime | None = None
    """When the metadata at its address was last read."""
    failure: str | None = None
    """Why it could not be, since then."""
    pending: tuple[Change, ...] = ()
    """What would change with the metadata that is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlConnection:
    """A connection as committed."""

    id: SamlConnectionId
    state: State
    provider: Provider
    wanted: Wanted
    fetched: datetime | None
    """When the metadata that counts was read from its address."""
    version: int
    created: datetime
    last_modified: datetime
    tried: datetime | None = None
    """When a trial last succeeded with this entity id, address and certificates; None where none did."""
    seen: Seen = Seen()
    """What was last seen at the address of its metadata."""
    keys: tuple[Key, ...] = ()
    """Our own, in the order in which they are listed: the one that signs, the next, the previous."""

    @property
    def signing_key(self) -> Key | None:
        """The key that requests are signed with; None where they are not signed."""
        return key_of(self.keys, Role.CURRENT) if self.wanted.sign_requests else None


def path_id(organization: OrganizationId, connection: SamlConnectionId) -> str:
    """What stands for a connection in its addresses: it is looked up inside one organisation."""
    return base64.urlsafe_b64encode(organization.bytes + connection.bytes).decode().rstrip("=")


def parse_path_id(text: str) -> tuple[OrganizationId, SamlConnectionId] | None:
    """Which connection of which organisation is meant; None for what cannot be one."""
    if not _PATH.fullmatch(text):
        return None
    both = base64.urlsafe_b64decode(text + "=")
    parsed = OrganizationId(UUID(bytes=both[:16])), SamlConnectionId(UUID(bytes=both[16:]))
    return parsed if path_id(*parsed) == text else None


def require_web_address(url: str, *, attribute: str) -> None:
    """Raise `InvalidValue` unless people can be sent to an address: https, or this machine alone."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    is_plain = url.isascii() and url.isprintable() and not set(url) & set(' "<>\\#')
    if not (is_safe and is_plain and _AUTHORITY.fullmatch(parts.netloc)) or len(url) > MAX_URL:
        raise InvalidValue(
            f'"{url[:200]}" is no address to send people to: write an https URL without user or password.',
            attribute=attribute,
        )


def settled(wanted: Wanted) -> Wanted:
    """What a connection may be. Raises `InvalidValue`."""
    if not wanted.name.strip() or not wanted.name.isprintable() or len(wanted.name) > MAX_NAME:
        raise InvalidValue(
            f"A SAML connection needs a name of at most {MAX_NAME} characters.", attribute="name"
        )
    if not LEAST_AGE <= wanted.authenticated_within <= MOST_AGE:
        raise InvalidValue(
            "How long ago somebody may have signed in to the identity provider is 15 minutes to 30 days.",
            attribute="authenticatedWithin",
        )
    if wanted.reset_uri is not None:
        require_web_address(wanted.reset_uri, attribute="resetUri")
    if not wanted.contact.isprintable() or len(wanted.contact) > MAX_NAME:
        raise InvalidValue(
            f"The contact is one line of at most {MAX_NAME} characters, such as an address.",
            attribute="contact",
        )
    attribute = wanted.external_id_attribute
    if attribute is not None and not (
        attribute.isprintable() and attribute.strip() and len(attribute) <= MAX_URL
    ):
        raise InvalidValue(
            f"The name of an attribute is one line of at most {MAX_URL} characters.",
            attribute="externalIdAttribute",
        )
    return wanted


def difference(old: SamlConnection | None, provider: Provider, wanted: Wanted) -> tuple[Change, ...]:
    """What changes with another provider's metadata and other wishes: certificates by their fingerprints."""
    before = _values(old.provider, old.wanted) if old else {}
    after = _values(provider, wanted)
    return tuple(
        Change(path=path, old=before.get(path), new=after.get(path))
        for path in after
        if before.get(path) != after.get(path)
    )


def loses_trust(old: Provider, new: Provider) -> bool:
    """Whether somebody who was believed is not any more: a key, or the identity provider itself."""
    kept = {each.sha256 for each in new.certificates}
    return old.entity_id != new.entity_id or any(each.sha256 not in kept for each in old.certificates)


def _values(provider: Provider, wanted: Wanted) -> dict[str, Json]:
    return {
        "name": wanted.name,
        "entityId": provider.entity_id,
        "ssoUrl": provider.sso_url,
        "certificates": [each.sha256 for each in provider.certificates],
        "metadataUrl": wanted.metadata_url,
        "allowUnsolicited": wanted.allow_unsolicited,
        "authenticatedWithin": int(wanted.authenticated_within.total_seconds()),
        "resetUri": wanted.reset_uri,
        "contact": wanted.contact or None,
        "signRequests": wanted.sign_requests,
        "jit": wanted.jit,
        "externalIdAttribute": wanted.external_id_attribute,
        "takesNames": wanted.takes_names,
    }
