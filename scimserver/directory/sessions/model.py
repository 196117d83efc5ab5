"""A session and its end. Pure.

Idle and absolute ends are those of NIST SP 800-63B-4, section 2.2.3, for AAL2; PCI DSS 4.0.1 (8.2.8) wants
fifteen minutes. Proven by tests/unit/test_sessions.py.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from scimserver.kernel.ids import OrganizationId, RoleId, SessionId, UserId
from scimserver.kernel.permissions import Permission
from scimserver.kernel.profiles import Profile

ABSOLUTE: Final = timedelta(hours=12)
"""After that, whoever is signed in signs in again."""

ABSOLUTE_OF_RECOVERY: Final = timedelta(hours=1)
"""The same for a session of a recovery account: long enough to repair how people sign in."""

IDLE: Final = {Profile.DEFAULT: timedelta(minutes=60), Profile.PCI: timedelta(minutes=15)}
"""How long a session may be unused, by the profile of the organisation."""

TOUCHED_EVERY: Final = timedelta(minutes=1)
"""How much of its use is written down: a session that is idle ends up to that much too early."""

MAX_AGENT: Final = 60

_BROWSERS: Final = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"))
"""What browsers call themselves: each also says that it is those after it."""
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
_PRODUCT: Final = re.compile(r"[\w.+-]+(?:/[\w.+-]+)?", re.ASCII)


class Method(StrEnum):
    """By what somebody signed in. Values are stored and logged: never rename one."""

    PASSWORD = "password"  # noqa: S105 - a method, not a secret
    SAML = "saml"
    RECOVERY = "recovery"
    """By a recovery account: a password and a code, when the identity provider lets nobody in."""

    @property
    def lasts(self) -> timedelta:
        """How long such a session lasts however much it is used."""
        return ABSOLUTE_OF_RECOVERY if self is Method.RECOVERY else ABSOLUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as its owner sees it in a list."""

    id: SessionId
    user: UserId
    method: Method
    created: datetime
    last_used: datetime
    ends: datetime
    """When it ends if it is not used again."""
    network: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A session that has begun, and its secret, which is handed over this once."""

    id: SessionId
    secret: str = field(repr=False)
    expires: datetime
    """When it ends however much it is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Whoever is signed in, as they are now."""

    session: Session
    user_name: str
    organization: OrganizationId
    organization_name: str
    organization_title: str
    role: RoleId
    role_name: str
    permissions: frozenset[Permission]
    profile: Profile
    password_changed: datetime | None
    """When the password was set, where there is one."""
    told_to_change: bool
    """Whether another one has to be chosen, because an administrator set it."""


def end_of(last_used: datetime, expires: datetime, profile: Profile) -> datetime:
    """When a session ends if it is not used again."""
    return min(expires, last_used + IDLE[profile])


def network_of(address: str | None) -> str:
    """The network that an address is in, as much of it as its owner recognises and no more."""
    if address is None:
        return ""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return str(ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))


def agent_of(user_agent: str | None) -> str:
    """What a program calls itself, in a few words: "Firefox on Linux", "curl/8.5.0"."""
    sent = user_agent or ""
    browser = _named(sent, _BROWSERS) or ("Safari" if "Safari/" in sent else None)
    if browser is None:
        product = _PRODUCT.match(sent)
        return product[0][:MAX_AGENT] if product else ""
    system = _named(sent, _SYSTEMS)
    return f"{browser} on {system}" if system else browser


def _named(sent: str, names: tuple[tuple[str, str], ...]) -> str | None:
    return next((name for mark, name in names if mark in sent), None)
