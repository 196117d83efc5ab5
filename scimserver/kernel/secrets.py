"""Bearer secrets: made here, shown once, kept only as digests.

A token is `scim_` and 32 random bytes in URL-safe base64. 256 random bits need no slow hash:
SHA-256 at rest is enough, and lets one indexed lookup find the credential.
"""

import hashlib
import secrets

TOKEN_PREFIX = "scim_"
_TOKEN_BYTES = 32


def new_token() -> str:
    """A fresh secret, to be shown to its owner once."""
    return TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)


def digest(secret: str) -> bytes:
    """The SHA-256 digest under which a secret is stored and found."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def hint(secret: str) -> str:
    """The last four characters: enough for an administrator to tell two tokens apart."""
    return secret[-4:]
