"""Our own keys for an identity provider: requests to it are signed with them. Pure.

A key is published first, so that the identity provider comes to know it, signs then, and stays in our
metadata for a while after that: at no moment does a request bear a signature that nobody can check.
Proven by tests/unit/test_saml_keys.py and tests/database/test_cli_saml_keys.py.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from scimserver.directory.saml.certificates import Certificate, parse_certificate
from scimserver.directory.sealed import Seal
from scimserver.kernel.ids import OrganizationId, SamlConnectionId, SamlKeyId

KEY_BITS: Final = 3072
LASTS: Final = timedelta(days=2 * 365)
"""How long a certificate of ours says that its key is good."""

_EARLIER: Final = timedelta(hours=1)
"""By how much its time begins before it was made: clocks differ."""


class Role(StrEnum):
    """What a key is for. Values are stored: never rename one."""

    CURRENT = "current"
    """It signs."""

    NEXT = "next"
    """It is published, and signs as soon as it is switched to."""

    PREVIOUS = "previous"
    """It signed until the last switch: only its certificate is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key of ours for one connection."""

    id: SamlKeyId
    role: Role
    certificate: Certificate
    sealed: bytes | None = field(repr=False)
    """Its private part, for a `Safe` to open; None once it signs no more."""
    created: datetime


class Pair(NamedTuple):
    """A private key and its certificate, in PEM."""

    private: str
    certificate: Certificate

    def __repr__(self) -> str:
        """The certificate alone: what is written into logs holds no private key."""
        return f"Pair({self.certificate.sha256})"


class Safe:
    """Seals private keys, each for its own row, and opens them."""

    def __init__(self, secret: bytes) -> None:
        self._seal = Seal(secret, "saml keys")

    def close(self, private: str, place: bytes) -> bytes:
        """A private key, sealed for one place."""
        return self._seal.close(private.encode(), place)

    def open(self, sealed: bytes, place: bytes) -> str | None:
        """The private key again; None where it was sealed by another secret, or for another place."""
        opened = self._seal.open(sealed, place)
        return None if opened is None else opened.decode()


def place_of(organization: OrganizationId, connection: SamlConnectionId, key: SamlKeyId) -> bytes:
    """What a private key is sealed for: moved to another row, it cannot be opened."""
    return organization.bytes + connection.bytes + key.bytes


def new_pair(connection: SamlConnectionId, now: datetime) -> Pair:
    """A fresh key for a connection, with a certificate that it signs itself. Takes a moment."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    # Of the connection, its id alone: metadata is public.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"SAML requests of {connection}")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + LASTS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, SHA256())
    )
    written = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Pair(written.decode(), parse_certificate(certificate.public_bytes(Encoding.PEM).decode()))


def key_of(keys: Collection[Key], role: Role) -> Key | None:
    """The key that has a role; None where none has."""
    return next((key for key in keys if key.role is role), None)


def listed(keys: Collection[Key], now: datetime) -> tuple[Certificate, ...]:
    """The certificates that our metadata lists: what is over, only where it signs all the same."""
    return tuple(
        key.certificate for key in keys if key.role is Role.CURRENT or key.certificate.not_after > now
    )


def keys_of(rows: Iterable[tuple[UUID, str, str, bytes | None, datetime]]) -> tuple[Key, ...]:
    """Keys from their columns, the one that signs first."""
    keys = (
        Key(
            id=SamlKeyId(identity),
            role=Role(role),
            certificate=parse_certificate(certificate),
            sealed=sealed,
            created=created,
        )
        for identity, role, certificate, sealed, created in rows
    )
    return tuple(sorted(keys, key=lambda key: list(Role).index(key.role)))
