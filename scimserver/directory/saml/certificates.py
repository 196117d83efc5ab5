"""Certificates with whose keys identity providers sign. Pure.

Proven by tests/unit/test_saml_metadata.py.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import PublicKeyAlgorithmOID

from scimserver.kernel.errors import InvalidValue

LEAST_KEY_BITS: Final = 2048

_AROUND: Final = re.compile(r"-----(?:BEGIN|END) CERTIFICATE-----|\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate. What it says of its time is shown; that it is over stops nobody from signing with it."""

    pem: str
    sha256: str
    """Its fingerprint, as people compare it: upper case, in pairs."""
    subject: str
    not_before: datetime
    not_after: datetime
    key: rsa.RSAPublicKey = field(repr=False, compare=False)

    def days_left(self, now: datetime) -> int:
        """For how many whole days it is good; 0 where it is over."""
        return max(0, (self.not_after - now).days)


@lru_cache(maxsize=1024)
def parse_certificate(text: str) -> Certificate:
    """A certificate in PEM, or in base64 alone. Raises `InvalidValue`."""
    try:
        bare = _AROUND.sub("", text)
        read = x509.load_der_x509_certificate(base64.b64decode(bare, validate=True))
        key, subject = read.public_key(), read.subject.rfc4514_string()
        # There are moments in certificates, such as in the year 0, that are none here.
        begins, ends = read.not_valid_before_utc, read.not_valid_after_utc
    except (ValueError, binascii.Error, x509.InvalidVersion, UnsupportedAlgorithm):
        raise InvalidValue("It cannot be read as X.509.", attribute="certificate") from None
    if read.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS:
        # Nothing that is taken here can be signed with it.
        raise InvalidValue("Its key is for RSASSA-PSS alone: use one for RSA.", attribute="certificate")
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < LEAST_KEY_BITS:
        raise InvalidValue(f"It has no RSA key of {LEAST_KEY_BITS} bits or more.", attribute="certificate")
    return Certificate(
        pem=read.public_bytes(Encoding.PEM).decode(),
        sha256=read.fingerprint(SHA256()).hex(":").upper(),
        subject=subject,
        not_before=begins,
        not_after=ends,
        key=key,
    )
