"""What an identity provider's metadata says (SAML 2.0 Metadata): its name, address and certificates. Pure.

Metadata is trusted because an administrator brought it; a signature in it is not looked at. It is read here
and not by the SAML library, which takes the first of several providers, and certificates of any kind.
Proven by tests/unit/test_saml_metadata.py.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from scimserver.access.saml.xml import Element, parse
from scimserver.directory.saml import Certificate, Provider, parse_certificate, require_web_address
from scimserver.kernel.errors import InvalidValue

MAX_METADATA: Final = 1024 * 1024
"""Octets of a document."""

MAX_ENTITY_ID: Final = 1024
MAX_CERTIFICATES: Final = 10

_NAMES: Final = {
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "md": "urn:oasis:names:tc:SAML:2.0:metadata",
}
_REDIRECT: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_PROVIDER: Final = "descendant-or-self::md:EntityDescriptor[md:IDPSSODescriptor]"
_ROLES: Final = "md:IDPSSODescriptor | md:IDPSSODescriptor/md:KeyDescriptor"
_FORBIDDEN: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def parse_metadata(xml: bytes, now: datetime) -> Provider:
    """The identity provider that a document tells of. Raises `InvalidValue`, which says what is missing."""
    [provider] = _providers(xml)
    _check_in_time(provider, now)
    entity_id = provider.get("entityID") or ""
    if not entity_id or len(entity_id) > MAX_ENTITY_ID or not entity_id.isprintable():
        raise _wrong(f"it names no provider: entityID has 1 to {MAX_ENTITY_ID} printable characters")
    return Provider(
        entity_id=entity_id, sso_url=_sso_url(provider), certificates=_certificates(provider, now)
    )


def _providers(xml: bytes) -> Sequence[Element]:
    """The one provider in a document."""
    if len(xml) > MAX_METADATA:
        raise _wrong(f"it has more than {MAX_METADATA} octets")
    forbidden = "it holds a document type or an entity, or is not in UTF-8"
    if _FORBIDDEN.search(xml) or b"\0" in xml:
        # A NUL: UTF-16, in which a document type would be hidden.
        raise _wrong(forbidden)
    try:
        root = parse(xml)
    except ValueError:
        raise _wrong("it is no well-formed XML") from None
    # There are other encodings that hide one.
    if root.getroottree().docinfo.internalDTD is not None:
        raise _wrong(forbidden)
    found: list[Element] = root.xpath(_PROVIDER, namespaces=_NAMES)
    if len(found) != 1:
        raise _wrong(
            f"it tells of {len(found)} identity providers: give the metadata of one"
            if found
            else "it tells of no identity provider: this may be a service's own metadata"
        )
    return found


def _check_in_time(provider: Element, now: datetime) -> None:
    roles: list[Element] = provider.xpath(_ROLES, namespaces=_NAMES)
    for element in (provider, *provider.iterancestors(), *roles):
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
    try:
        require_web_address(locations[0], attribute="metadata")
    except InvalidValue as refused:
        raise _wrong(f"of its SingleSignOnService: {refused.detail}") from None
    return locations[0]


def _certificates(provider: Element, now: datetime) -> tuple[Certificate, ...]:
    path = (
        "md:IDPSSODescriptor/md:KeyDescriptor[not(@use) or @use='signing']"
        "/ds:KeyInfo/ds:X509Data/ds:X509Certificate"
    )
    nodes: list[Element] = provider.xpath(path, namespaces=_NAMES)
    read = {each.sha256: each for each in (_certificate(node.text or "") for node in nodes)}
    if not read:
        raise _wrong("it has no certificate for signing")
    if len(read) > MAX_CERTIFICATES:
        raise _wrong(f"it has more than {MAX_CERTIFICATES} certificates")
    return tuple(read.values())


def _certificate(text: str) -> Certificate:
    try:
        return parse_certificate(text)
    except InvalidValue as refused:
        raise _wrong(f"of a certificate in it: {refused.detail}") from None


def _wrong(what: str) -> InvalidValue:
    return InvalidValue(f"The metadata cannot be used: {what}.", attribute="metadata")
