"""Whom somebody means who wants to sign in, by what they type.

An address leads to the organisation in whose Email Domains it is; everybody else names theirs. Whether
there is such a user or not, the same statements run, and something is there to count failures by
(docs/decisions/0025). Proven by tests/console/test_sign_in_page.py and test_sign_in_refused.py.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from asyncpg import Record

from scimserver.db.pool import Reader
from scimserver.db.queries import load
from scimserver.directory.domains import parents
from scimserver.directory.limits import MAX_KEY_OCTETS
from scimserver.directory.passwords import Credential, SetBy
from scimserver.directory.recovery import OWNER
from scimserver.directory.tries import STRANGER, Account
from scimserver.kernel.addresses import address_key, parse_address
from scimserver.kernel.domains import hidden_character
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.ids import INSTALLATION, OrganizationId, UserId
from scimserver.kernel.profiles import Profile
from scimserver.kernel.secrets import digest
from scimserver.work import Work

_QUERIES = load("candidates")
_ORGANIZATION = _QUERIES["organization_of_name"]
_CANDIDATE = _QUERIES["candidate"]
_IS_ENFORCED = _QUERIES["is_enforced"]

_OWNER: Final = sorted(OWNER)

_NOBODYS: Final = ""
"""The key of what can be nobody's name: it is looked up all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What somebody gives who wants to sign in."""

    address: str
    password: str = field(repr=False)
    organization: str = ""
    """Its name, for those whose address does not lead there."""
    device: str | None = field(default=None, repr=False)
    """The secret of a device that may be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A user whom somebody may be."""

    user: UserId
    user_name: str
    active: bool
    known_device: bool
    credential: Credential | None
    profile: Profile
    enforced: bool = False
    """Whether everybody whose address is where this one is signs in by SAML."""
    recovery_secret: bytes | None = field(default=None, repr=False)
    """The sealed secret for codes of an owner's recovery account."""
    recovery_step: int | None = None
    """The step of the last code that was used."""


class Candidates:
    """Looks them up. `secret` keys what stands for names that nobody has: they may be mistyped passwords."""

    def __init__(self, database: Reader, secret: bytes) -> None:
        self._database = database
        self._key = hmac.digest(secret, b"scimserver candidates", hashlib.sha256)

    async def find(self, attempt: Attempt) -> tuple[Account, Candidate | None]:
        """Whose failures count, and the user who is meant, if there is one."""
        organization = await self.organization_of(attempt.address, attempt.organization)
        key, device = _key(attempt.address), digest(attempt.device) if attempt.device else STRANGER
        row = await self._database.fetchrow(_CANDIDATE, organization, key, device, _OWNER)
        nobody = hmac.digest(self._key, organization.bytes + key.encode(), hashlib.sha256)
        if row is None:
            return Account(organization=organization, account=UUID(bytes=nobody[:16])), None
        candidate = _candidate(row)
        known = device if candidate.known_device else STRANGER
        return Account(organization=organization, account=candidate.user, device=known), candidate

    async def organization_of(self, address: str, name: str) -> OrganizationId:
        """The organisation that somebody means: the one of that name; without a name, the address's.

        Where there is none, the installation, which has no users.
        """
        domain = _domain(address)
        found = await self._database.fetchval(
            _ORGANIZATION,
            _storable(name.strip()) if name.strip() else None,
            domain,
            parents(domain) if domain else [],
        )
        return OrganizationId(found) if found else INSTALLATION


async def is_enforced(work: Work, user: UserId) -> bool:
    """Whether SAML is enforced where the address of a user, who is held, is by now."""
    return await (await work.begin()).fetchval(_IS_ENFORCED, work.actor.organization, user)


def _candidate(row: Record) -> Candidate:
    user = UserId(row["id"])
    return Candidate(
        user=user,
        user_name=row["user_name"],
        active=row["active"],
        known_device=row["known_device"],
        credential=_credential(row, user) if row["password_hash"] is not None else None,
        profile=Profile(row["password_profile"]),
        enforced=row["enforced"],
        recovery_secret=row["recovery_secret"],
        recovery_step=row["recovery_step"],
    )


def _credential(row: Record, user: UserId) -> Credential:
    return Credential(
        user=user,
        phc=row["password_hash"],
        changed=row["changed"],
        must_change=row["must_change"],
        expires=row["expires"],
        set_by=SetBy(row["set_by"]),
    )


def _key(address: str) -> str:
    """What a name is looked up by."""
    name = address.strip()
    # Beyond that no user's key goes, and folding takes a time that grows with the text.
    return _storable(address_key(name)) if len(name) <= MAX_KEY_OCTETS else _NOBODYS


def _storable(text: str) -> str:
    """The text, if it can be a name and PostgreSQL can hold it."""
    return text if hidden_character(text) is None else _NOBODYS


def _domain(address: str) -> str | None:
    try:
        return parse_address(address.strip()).domain
    except InvalidValue:
        return None
