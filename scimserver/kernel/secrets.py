"""Bearer secrets: made here, shown once, kept only as digests.

A token is `scim_` and 32 random bytes in URL-safe base64. 256 random bits need no slow hash:
SHA-256 at rest is enough, and lets one indexed lookup find the credential.
"""

import base64
import hashlib
import re
import secrets
from typing import Final
from uuid import UUID

from scimserver.kernel.ids import OrganizationId

TOKEN_PREFIX = "scim_"
_TOKEN_BYTES = 32
_SCOPED: Final = re.compile(r"[A-Za-z0-9_-]{64}")


def new_token() -> str:
    """A fresh secret, to be shown to its owner once."""
    return TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)


def new_secret() -> str:
    """A fresh secret of 32 random bytes, URL-safe, that nobody looks at."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def digest(secret: str) -> bytes:
    """The SHA-256 digest under which a secret is stored and found."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def hint(secret: str) -> str:
    """The last four characters: enough for an administrator to tell two tokens apart."""
    return secret[-4:]


def new_scoped(organization: OrganizationId) -> str:
    """A fresh secret of 64 URL-safe characters that says whose it is: the organisation's id, 32 random bytes.

    So it is looked up inside one organisation. Ids of organisations are no secrets.
    """
    return base64.urlsafe_b64encode(organization.bytes + secrets.token_bytes(_TOKEN_BYTES)).decode()


def organization_of(scoped: str) -> OrganizationId | None:
    """The organisation that such a secret names; None for what cannot be one."""
    if not _SCOPED.fullmatch(scoped):
        return None
    return OrganizationId(UUID(bytes=base64.urlsafe_b64decode(scoped)[:-_TOKEN_BYTES]))
