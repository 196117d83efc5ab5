"""What an identity provider's metadata says (SAML 2.0 Metadata): its name, address and certificates. Pure.

Metadata is trusted because an administrator brought it; a signature in it is not looked at. It is read here
and not by the SAML library, which takes the first of several providers, and certificates of any kind.
Proven by tests/unit/test_saml_metadata.py.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from scimserver.access.saml.xml import Element, parse
from scimserver.kernel.errors import InvalidValue

MAX_METADATA: Final = 1024 * 1024
"""Octets of a document."""

MAX_ENTITY_ID: Final = 1024
MAX_CERTIFICATES: Final = 10
LEAST_KEY_BITS: Final = 2048

_NAMES: Final = {
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "md": "urn:oasis:names:tc:SAML:2.0:metadata",
}
_REDIRECT: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_PROVIDER: Final = "descendant-or-self::md:EntityDescriptor[md:IDPSSODescriptor]"
_FORBIDDEN: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate with whose key an identity provider signs."""

    pem: str
    sha256: str
    """Its fingerprint, as people compare it: upper case, in pairs."""
    subject: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMetadata:
    """An identity provider as its metadata tells of it."""

    entity_id: str
    sso_url: str
    """Where people are sent, by a redirect."""
    certificates: tuple[Certificate, ...]


def parse_metadata(xml: bytes, now: datetime) -> ProviderMetadata:
    """The identity provider that a document tells of. Raises `InvalidValue`, which says what is missing."""
    [provider] = _providers(xml)
    _check_in_time(provider, now)
    entity_id = provider.get("entityID") or ""
    if not entity_id or len(entity_id) > MAX_ENTITY_ID or not entity_id.isprintable():
        raise _wrong(f"it names no provider: entityID has 1 to {MAX_ENTITY_ID} printable characters")
    return ProviderMetadata(
        entity_id=entity_id, sso_url=_sso_url(provider), certificates=_certificates(provider, now)
    )


def parse_certificate(text: str) -> Certificate:
    """A certificate in PEM, or in base64 alone. Raises `InvalidValue`."""
    try:
        bare = re.sub(r"-----(?:BEGIN|END) CERTIFICATE-----|\s", "", text)
        read = x509.load_der_x509_certificate(base64.b64decode(bare, validate=True))
        key = read.public_key()
    except (ValueError, binascii.Error, x509.InvalidVersion):
        raise _wrong("a certificate in it cannot be read") from None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < LEAST_KEY_BITS:
        raise _wrong(f"a certificate in it has no RSA key of {LEAST_KEY_BITS} bits or more")
    return Certificate(
        pem=read.public_bytes(Encoding.PEM).decode(),
        sha256=read.fingerprint(SHA256()).hex(":").upper(),
        subject=read.subject.rfc4514_string(),
        not_before=read.not_valid_before_utc,
        not_after=read.not_valid_after_utc,
    )


def _providers(xml: bytes) -> Sequence[Element]:
    """The one provider in a document."""
    if len(xml) > MAX_METADATA:
        raise _wrong(f"it has more than {MAX_METADATA} octets")
    if _FORBIDDEN.search(xml) or b"\0" in xml:
        # A NUL: UTF-16, in which a document type would be hidden.
        raise _wrong("it holds a document type or an entity, or is not in UTF-8")
    try:
        root = parse(xml)
    except ValueError:
        raise _wrong("it is no well-formed XML") from None
    found: list[Element] = root.xpath(_PROVIDER, namespaces=_NAMES)
    if len(found) != 1:
        raise _wrong(
            f"it tells of {len(found)} identity providers: give the metadata of one"
            if found
            else "it tells of no identity provider: this may be a service's own metadata"
        )
    return found


def _check_in_time(provider: Element, now: datetime) -> None:
    for element in (provider, *provider.iterancestors()):
        until = element.get("validUntil")
        if until is not None and _moment(until) <= now:
            raise _wrong(f"it was valid until {until} only: fetch it anew")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _wrong("validUntil is no moment") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _sso_url(provider: Element) -> str:
    path = f"md:IDPSSODescriptor/md:SingleSignOnService[@Binding='{_REDIRECT}']/@Location"
    locations: list[str] = provider.xpath(path, namespaces=_NAMES)
    if not locations:
        raise _wrong("it has no SingleSignOnService with the binding HTTP-Redirect")
    require_web_address(locations[0])
    return locations[0]


def require_web_address(url: str) -> None:
    """Raise `InvalidValue` unless people can be sent to an address: https, or this machine alone."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    is_safe = parts.scheme == "https" or (
        parts.scheme == "http" and host in ("127.0.0.1", "localhost", "::1")
    )
    if (
        not (host and is_safe)
        or "@" in parts.netloc
        or not url.isascii()
        or not url.isprintable()
        or " " in url
    ):
        raise _wrong(f'"{url[:200]}" is no https address to send people to')


def _certificates(provider: Element, now: datetime) -> tuple[Certificate, ...]:
    path = (
        "md:IDPSSODescriptor/md:KeyDescriptor[not(@use) or @use='signing']"
        "/ds:KeyInfo/ds:X509Data/ds:X509Certificate"
    )
    nodes: list[Element] = provider.xpath(path, namespaces=_NAMES)
    read = {each.sha256: each for each in (parse_certificate(node.text or "") for node in nodes)}
    if not read:
        raise _wrong("it has no certificate for signing")
    if len(read) > MAX_CERTIFICATES:
        raise _wrong(f"it has more than {MAX_CERTIFICATES} certificates")
    return tuple(read.values())


def _wrong(what: str) -> InvalidValue:
    return InvalidValue(f"The metadata cannot be used: {what}.", attribute="metadata")
