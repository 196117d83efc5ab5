"""An identity provider for tests: responses made with lxml, signed with cryptography.

It shares nothing with what verifies them, so that a mistake there is not made here too.
"""

import base64
import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree
from lxml.etree import _Element as Element

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = f"{DS}enveloped-signature"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
TRANSIENT_FORMAT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"

SERVICE = "https://scim.example.com/saml/c"
ACS = f"{SERVICE}/acs"
ENTITY = f"{SERVICE}/metadata"
IDP = "https://idp.example.com/metadata"
SSO = "https://idp.example.com/sso"


_REQUEST = "_request"
_ELSEWHERE: ContextVar[dict[str, str]] = ContextVar("elsewhere")


@contextmanager
def meant_for(service: str, request: str = _REQUEST) -> Generator[None]:
    """Responses made in the block are for a connection, and answer a request, but where they lie."""
    token = _ELSEWHERE.set({SERVICE: service, _REQUEST: request})
    try:
        yield
    finally:
        _ELSEWHERE.reset(token)


def _moved(text: str) -> str:
    for old, new in _ELSEWHERE.get({}).items():
        text = text.replace(old, new)
    return text


@dataclass(frozen=True, slots=True)
class Signer:
    """A key pair, and a certificate for it that it signed itself."""

    key: rsa.RSAPrivateKey
    certificate: str


def signer(name: str = "idp") -> Signer:
    """The key of a name, made once in a run."""
    return _signer(name)


@cache
def _signer(name: str) -> Signer:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return Signer(key, certificate.public_bytes(Encoding.PEM).decode())


def stamp(moment: datetime) -> str:
    """A moment as SAML writes it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a response says; the default is one that is taken."""

    request: str | None = "_request"
    name_id: str = "ada@acme.example"
    name_format: str = EMAIL
    issuer: str = IDP
    destination: str | None = ACS
    recipient: str | None = ACS
    audiences: tuple[tuple[str, ...], ...] = ((ENTITY,),)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    lasts: timedelta = timedelta(minutes=5)
    attributes: tuple[tuple[str, str], ...] = (("email", "ada@acme.example"),)
    session_ends: datetime | None = None
    status: str = "urn:oasis:names:tc:SAML:2.0:status:Success"
    assertion: str = field(default_factory=lambda: f"_{uuid4().hex}")

    def element(self) -> Element:
        """The response, not signed."""
        now, ends = stamp(self.now), stamp(self.now + self.lasts)
        response = etree.Element(_in(SAMLP, "Response"), nsmap={"samlp": SAMLP, "saml": SAML})
        _set(response, ID=f"_{uuid4().hex}", Version="2.0", IssueInstant=now)
        _set(response, Destination=self.destination, InResponseTo=self.request)
        _add(response, SAML, "Issuer").text = self.issuer
        _set(_add(_add(response, SAMLP, "Status"), SAMLP, "StatusCode"), Value=self.status)
        assertion = _add(response, SAML, "Assertion")
        _set(assertion, ID=self.assertion, Version="2.0", IssueInstant=now)
        _add(assertion, SAML, "Issuer").text = self.issuer
        subject = _add(assertion, SAML, "Subject")
        name = _add(subject, SAML, "NameID")
        name.text = self.name_id
        _set(name, Format=self.name_format)
        confirmation = _add(subject, SAML, "SubjectConfirmation")
        _set(confirmation, Method=BEARER)
        data = _add(confirmation, SAML, "SubjectConfirmationData")
        _set(data, Recipient=self.recipient, NotOnOrAfter=ends, InResponseTo=self.request)
        conditions = _add(assertion, SAML, "Conditions")
        _set(conditions, NotBefore=now, NotOnOrAfter=ends)
        for audiences in self.audiences:
            restriction = _add(conditions, SAML, "AudienceRestriction")
            for audience in audiences:
                _add(restriction, SAML, "Audience").text = audience
        statement = _add(assertion, SAML, "AuthnStatement")
        _set(statement, AuthnInstant=now, SessionIndex="_s")
        if self.session_ends:
            _set(statement, SessionNotOnOrAfter=stamp(self.session_ends))
        context = _add(_add(statement, SAML, "AuthnContext"), SAML, "AuthnContextClassRef")
        context.text = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"
        if self.attributes:
            attributes = _add(assertion, SAML, "AttributeStatement")
            for key, value in self.attributes:
                attribute = _add(attributes, SAML, "Attribute")
                _set(attribute, Name=key)
                _add(attribute, SAML, "AttributeValue").text = value
        for element in response.iter():
            element.text = element.text and _moved(element.text)
            for key, value in element.attrib.items():
                element.set(key, _moved(value))
        return response


def assertion_of(response: Element) -> Element:
    """The assertion in a response."""
    found = response.find(_in(SAML, "Assertion"))
    assert found is not None
    return found


def sign(
    element: Element,
    by: Signer | None = None,
    *,
    digest: str = "sha256",
    transforms: tuple[str, ...] = (ENVELOPED, EXCLUSIVE),
    reference: str | None = None,
    covered: Element | None = None,
) -> Element:
    """Sign an element, or another one in its name; the signature stands behind its Issuer."""
    by = by or signer()
    name = {"sha1": f"{DS}sha1", "sha256": "http://www.w3.org/2001/04/xmlenc#sha256"}[digest]
    method = {"sha1": f"{DS}rsa-sha1", "sha256": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"}[digest]
    value = hashlib.new(digest, canonical(element if covered is None else covered)).digest()
    signature = etree.Element(_in(DS, "Signature"), nsmap={"ds": DS})
    info = _add(signature, DS, "SignedInfo")
    _set(_add(info, DS, "CanonicalizationMethod"), Algorithm=EXCLUSIVE)
    _set(_add(info, DS, "SignatureMethod"), Algorithm=method)
    refers = _add(info, DS, "Reference")
    _set(refers, URI=f"#{element.get('ID')}" if reference is None else reference)
    listed = _add(refers, DS, "Transforms")
    for transform in transforms:
        _set(_add(listed, DS, "Transform"), Algorithm=transform)
    _set(_add(refers, DS, "DigestMethod"), Algorithm=name)
    _add(refers, DS, "DigestValue").text = base64.b64encode(value).decode()
    chosen = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}[digest]  # noqa: S303 - to be refused
    signed = by.key.sign(canonical(info), padding.PKCS1v15(), chosen)
    _add(signature, DS, "SignatureValue").text = base64.b64encode(signed).decode()
    lines = by.certificate.split("-----")[2]
    _add(_add(_add(signature, DS, "KeyInfo"), DS, "X509Data"), DS, "X509Certificate").text = lines
    element.insert(1, signature)
    return element


def canonical(element: Element) -> bytes:
    """An element alone, in exclusive canonical form."""
    return etree.tostring(deepcopy(element), method="c14n", exclusive=True, with_comments=False)


def sent(response: Element | bytes) -> str:
    """A response as a browser sends it."""
    xml = response if isinstance(response, bytes) else etree.tostring(response)
    return base64.b64encode(xml).decode()


def signed(told: Told | None = None, by: Signer | None = None, *, also_response: bool = False) -> Element:
    """A response whose assertion is signed, and perhaps itself."""
    response = (told or Told()).element()
    sign(assertion_of(response), by)
    return sign(response, by) if also_response else response


def told(**different: object) -> Told:
    """The response that is taken, but for what is said."""
    return replace(Told(), **different)


def _in(namespace: str, name: str) -> str:
    return f"{{{namespace}}}{name}"


def _add(parent: Element, namespace: str, name: str) -> Element:
    return etree.SubElement(parent, _in(namespace, name))


def _set(element: Element, **attributes: str | None) -> None:
    for name, value in attributes.items():
        if value is not None:
            element.set(name, value)
