"""Sealing: what waits in the database for this server alone, and says nothing to whoever reads a copy.

AES-256-GCM under a key that derives from the server's secret, which is not in the database.
Proven by tests/unit/test_sealed.py.
"""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES: Final = 12
_BLOCK: Final = 512
"""Sealed texts are filled up to a multiple of it: their length would tell of what is in them."""


def derived_key(secret: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose; it tells nothing of the secret or of another purpose's key."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"scimserver " + purpose.encode()).derive(
        secret
    )


def keyed_digest(key: bytes, text: str) -> str:
    """The HMAC-SHA-256 of a text, in hexadecimal: equal for equal texts, and no use without the key."""
    made = HMAC(key, SHA256())
    made.update(text.encode())
    return made.finalize().hex()


class Seal:
    """Seals texts for one purpose, and opens them."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._cipher = AESGCM(derived_key(secret, purpose))

    def close(self, text: bytes, place: bytes) -> bytes:
        """The text, sealed for one place; spaces are added at its end."""
        nonce = os.urandom(_NONCE_BYTES)
        filled = text.ljust(-(-len(text) // _BLOCK) * _BLOCK)
        return nonce + self._cipher.encrypt(nonce, filled, place)

    def open(self, sealed: bytes, place: bytes) -> bytes | None:
        """The text again; None where it was sealed by another secret, for another place, or was altered."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place).rstrip(b" ")
        except (InvalidTag, ValueError):
            return None
