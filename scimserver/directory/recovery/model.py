"""Codes of a recovery account: those of RFC 6238 that every authenticator app makes. Pure.

SHA-1, 30 seconds, six digits: apps understand nothing else for certain. A code of the step before or after
counts too, since clocks differ.
Proven by tests/unit/test_recovery_codes.py.
"""

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from scimserver.directory.sealed import Seal
from scimserver.kernel.ids import OrganizationId, UserId
from scimserver.kernel.permissions import Permission

OWNER: Final = frozenset({Permission.SAML_MANAGE, Permission.USERS_UPDATE})
"""What makes somebody an owner of the organisation: who can repair how people sign in, and let them in."""

SECONDS: Final = 30
DIGITS: Final = 6
_AROUND: Final = (-1, 0, 1)
_SECRET_BYTES: Final = 20
"""As long as what SHA-1 makes (RFC 4226, section 4)."""
_NOBODYS: Final = base64.b32encode(bytes(_SECRET_BYTES)).decode()
"""What a code is compared with where there is no account: it takes as long, and counts for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A recovery account, as one of a list."""

    user: UserId
    user_name: str
    confirmed: datetime | None
    """When its owner has shown a code; before that it is none."""
    gets_in: bool
    """Whether all is so that it gets in: active, a password here, an owner, not SAML-managed."""
    enrolled_by: str
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """The secret of a new account, in Base32, which is handed over this once."""

    text: str = field(repr=False)

    def uri(self, user_name: str, organization: str) -> str:
        """The same for an authenticator app, as a QR code holds it."""
        asked = {"secret": self.text, "issuer": organization, "algorithm": "SHA1"}
        asked |= {"digits": str(DIGITS), "period": str(SECONDS)}
        return f"otpauth://totp/{quote(organization)}:{quote(user_name)}?{urlencode(asked, quote_via=quote)}"


def new_secret() -> Secret:
    """A fresh one."""
    return Secret(text=base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode())


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The step of which this is the code, if it is one of those that count now."""
    maker = TOTP(base64.b32decode(secret), DIGITS, SHA1(), SECONDS)  # noqa: S303 - RFC 6238, as HMAC
    current = int(now.timestamp()) // SECONDS
    given = "".join(code.split()).encode(errors="surrogatepass")
    # All of them are compared, whichever it is.
    matching = [
        current + around
        for around in _AROUND
        if hmac.compare_digest(maker.generate((current + around) * SECONDS), given)
    ]
    return matching[-1] if matching else None


class Codes:
    """Judges codes; at rest, secrets are sealed for the server's secret, each for its own user."""

    def __init__(self, secret: bytes) -> None:
        self._seal = Seal(secret, "recovery codes")

    def sealed(self, organization: OrganizationId, user: UserId, secret: Secret) -> bytes:
        """A secret as it is stored."""
        return self._seal.close(secret.text.encode(), organization.bytes + user.bytes)

    def step(
        self,
        sealed: bytes | None,
        organization: OrganizationId,
        user: UserId | None,
        code: str,
        now: datetime,
    ) -> int | None:
        """The step of which a user's code is; None where it is none, or the secret cannot be opened.

        It takes as long where there is no account.
        """
        opened = self._seal.open(sealed, organization.bytes + user.bytes) if sealed and user else None
        step = step_of(opened.decode() if opened else _NOBODYS, code, now)
        return step if opened else None
