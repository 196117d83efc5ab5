"""Whether an identity provider signed a response, and what it asserts. Alone in knowing the SAML libraries.

The library checks shape, time and signature in its strict mode. Before it does, each signature is verified
here under a list of what may be computed: libxmlsec1 transforms a document before it compares anything, and
some transforms take as long as whoever wrote them wants. What is then believed is read from the one
assertion that the signature covers.
Slow, and not for the event loop. Proven by tests/unit/test_saml_hostile.py.
"""

# Neither of the two libraries says its types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportMissingTypeStubs=false

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, cast
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import xmlsec
from lxml import etree
from onelogin.saml2.authn_request import OneLogin_Saml2_Authn_Request
from onelogin.saml2.constants import OneLogin_Saml2_Constants
from onelogin.saml2.errors import OneLogin_Saml2_ValidationError
from onelogin.saml2.metadata import OneLogin_Saml2_Metadata
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from xmlsec import constants

from scimserver.access.saml.asserted import Asserted, Confirmation
from scimserver.access.saml.refusal import ResponseRefused, Why
from scimserver.access.saml.trust import Trust
from scimserver.access.saml.xml import parse
from scimserver.directory.limits import shown

SKEW_S: Final = 120
"""Seconds by which clocks may differ."""

_CACHED_S: Final = 24 * 3600
"""How long an identity provider may keep our metadata without looking again, in seconds."""

cast(Any, OneLogin_Saml2_Constants).ALLOWED_CLOCK_DRIFT = SKEW_S

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9000
"""Beyond, adding some minutes would not be a moment any more."""

_NAMES: Final = {
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
}
_BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_TRANSFORMS: Final = (
    constants.TransformEnveloped,
    constants.TransformExclC14N,
    constants.TransformSha256,
    constants.TransformSha384,
    constants.TransformSha512,
)
_SIGNATURES: Final = (
    constants.TransformExclC14N,
    constants.TransformRsaSha256,
    constants.TransformRsaSha384,
    constants.TransformRsaSha512,
)
_WHY: Final = {
    OneLogin_Saml2_ValidationError.ASSERTION_EXPIRED: Why.TIME,
    OneLogin_Saml2_ValidationError.ASSERTION_TOO_EARLY: Why.TIME,
    OneLogin_Saml2_ValidationError.SESSION_EXPIRED: Why.TIME,
    OneLogin_Saml2_ValidationError.STATUS_CODE_IS_NOT_SUCCESS: Why.STATUS,
    OneLogin_Saml2_ValidationError.MISSING_STATUS: Why.STATUS,
    OneLogin_Saml2_ValidationError.MISSING_STATUS_CODE: Why.STATUS,
    OneLogin_Saml2_ValidationError.WRONG_ISSUER: Why.ISSUER,
    OneLogin_Saml2_ValidationError.ISSUER_MULTIPLE_IN_RESPONSE: Why.ISSUER,
    OneLogin_Saml2_ValidationError.ISSUER_NOT_FOUND_IN_ASSERTION: Why.ISSUER,
    OneLogin_Saml2_ValidationError.WRONG_DESTINATION: Why.DESTINATION,
    OneLogin_Saml2_ValidationError.EMPTY_DESTINATION: Why.DESTINATION,
    OneLogin_Saml2_ValidationError.WRONG_AUDIENCE: Why.AUDIENCE,
    OneLogin_Saml2_ValidationError.WRONG_SUBJECTCONFIRMATION: Why.CONFIRMATION,
    OneLogin_Saml2_ValidationError.WRONG_INRESPONSETO: Why.REQUEST,
    OneLogin_Saml2_ValidationError.NO_NAMEID: Why.SUBJECT,
    OneLogin_Saml2_ValidationError.EMPTY_NAMEID: Why.SUBJECT,
    OneLogin_Saml2_ValidationError.SP_NAME_QUALIFIER_NAME_MISMATCH: Why.SUBJECT,
    OneLogin_Saml2_ValidationError.INVALID_XML_FORMAT: Why.SCHEMA,
    OneLogin_Saml2_ValidationError.WRONG_NUMBER_OF_ASSERTIONS: Why.SCHEMA,
    OneLogin_Saml2_ValidationError.WRONG_NUMBER_OF_AUTHSTATEMENTS: Why.SCHEMA,
    OneLogin_Saml2_ValidationError.MISSING_CONDITIONS: Why.SCHEMA,
}
"""What the library says, in our words; all that is not here has to do with signatures."""


def libraries_agree() -> bool:
    """Whether both libraries carry the same libxml2: documents of one are no documents of another."""
    return xmlsec.get_libxml_version() == etree.LIBXML_VERSION


def request_to(trust: Trust, relay: str) -> tuple[str, str]:
    """A request to sign somebody in: its id, and the address to which the browser takes it."""
    request: Any = OneLogin_Saml2_Authn_Request(_settings(trust))
    query = urlencode({"SAMLRequest": request.get_request(), "RelayState": relay})
    joint = "&" if "?" in trust.sso_url else "?"
    return request.get_id(), f"{trust.sso_url}{joint}{query}"


def metadata_of(trust: Trust) -> bytes:
    """Our own metadata for an identity provider. It has no end: it says nothing that grows old."""
    ours = _settings(trust).get_sp_data()
    made: Any = OneLogin_Saml2_Metadata.builder(ours, wsign=True, valid_until="", cache_duration=_CACHED_S)
    return made.encode()


def verified(xml: bytes, trust: Trust) -> Asserted:
    """What a guarded response asserts. Raises `ResponseRefused`."""
    _check_signatures(xml, trust.certificates)
    response = _response(xml, trust)
    [assertion] = response.document.xpath("/samlp:Response/saml:Assertion", namespaces=_NAMES)
    return _asserted(assertion, response.document)


def _check_signatures(xml: bytes, certificates: Sequence[str]) -> None:
    """Raise `ResponseRefused` unless every signature there is covers its parent and is the provider's."""
    document: Any = parse(xml)
    xmlsec.tree.add_ids(document, ["ID"])
    signatures = document.xpath("//ds:Signature", namespaces=_NAMES)
    if not document.xpath("/samlp:Response/saml:Assertion/ds:Signature", namespaces=_NAMES):
        raise ResponseRefused(Why.SIGNATURE, "The assertion is not signed.")
    for signature in signatures:
        references = signature.xpath("ds:SignedInfo/ds:Reference/@URI", namespaces=_NAMES)
        covered = signature.getparent().get("ID")
        if not covered or references != [f"#{covered}"]:
            raise ResponseRefused(Why.SIGNATURE, "A signature covers other than what it stands in.")
        if not any(_is_signed(signature, certificate) for certificate in certificates):
            raise ResponseRefused(
                Why.SIGNATURE, "A signature is not made with a key of the identity provider."
            )


def _is_signed(signature: Any, certificate: str) -> bool:
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(certificate, constants.KeyDataFormatCertPem, None)
    # Keys come from the certificate alone, never from what the document says of itself.
    context.set_enabled_key_data([constants.KeyDataX509])
    for transform in _TRANSFORMS:
        context.enable_reference_transform(transform)
    for transform in _SIGNATURES:
        context.enable_signature_transform(transform)
    try:
        context.verify(signature)
    except xmlsec.Error:
        return False
    return True


def _response(xml: bytes, trust: Trust) -> Any:
    """The response as the library reads it, once it found nothing wrong."""
    where, _, path = trust.acs_url.partition("://")[2].partition("/")
    request: dict[str, Any] = {
        "https": "on" if trust.acs_url.startswith("https:") else "off",
        "http_host": where,
        "script_name": f"/{path}",
        "get_data": {},
        "post_data": {},
    }
    try:
        response: Any = OneLogin_Saml2_Response(_settings(trust), base64.b64encode(xml))
        response.is_valid(request, raise_exceptions=True)
        response.get_nameid_data()
    except OneLogin_Saml2_ValidationError as refused:
        raise ResponseRefused(_WHY.get(refused.code, Why.SIGNATURE), _brief(refused)) from None
    except Exception as failed:  # noqa: BLE001 - the library raises bare ones for moments that it cannot read
        raise ResponseRefused(Why.SCHEMA, _brief(failed)) from None
    if response.document.xpath("/samlp:Response/samlp:Status/samlp:StatusCode/@Value", namespaces=_NAMES) != [
        OneLogin_Saml2_Constants.STATUS_SUCCESS
    ]:
        raise ResponseRefused(Why.STATUS, "The identity provider does not say that it succeeded.")
    return response


def _brief(failure: Exception) -> str:
    """What the library says: it repeats what was sent, which may be long."""
    return shown(str(failure))


@lru_cache(maxsize=256)
def _settings(trust: Trust) -> OneLogin_Saml2_Settings:
    return OneLogin_Saml2_Settings(
        {
            "strict": True,
            "debug": False,
            "sp": {
                "entityId": trust.entity_id,
                "assertionConsumerService": {
                    "url": trust.acs_url,
                    "binding": OneLogin_Saml2_Constants.BINDING_HTTP_POST,
                },
            },
            "idp": {
                "entityId": trust.idp_entity_id,
                "singleSignOnService": {
                    # The library writes it into XML as it is.
                    "url": escape(trust.sso_url),
                    "binding": OneLogin_Saml2_Constants.BINDING_HTTP_REDIRECT,
                },
                "x509certMulti": {"signing": list(trust.certificates), "encryption": []},
            },
            "security": {
                "wantAssertionsSigned": True,
                "rejectDeprecatedAlgorithm": True,
                # Not every identity provider sends attributes, and how it knows people is its business.
                "wantAttributeStatement": False,
                "requestedAuthnContext": False,
                "allowRepeatAttributeName": True,
                "allowSingleLabelDomains": True,
            },
        }
    )


# -- reading -------------------------------------------------------------------


def _asserted(assertion: Any, response: Any) -> Asserted:
    if assertion.get("Version") != "2.0":
        raise ResponseRefused(Why.SCHEMA, "The assertion is of another version.")
    [subject] = _all(assertion, "saml:Subject") or [None]
    names = _all(assertion, "saml:Subject/saml:NameID")
    if subject is None or len(names) != 1 or len(names[0]):
        raise ResponseRefused(Why.SUBJECT, "The assertion does not name exactly one subject.")
    [conditions] = _all(assertion, "saml:Conditions")
    if _all(conditions, "saml:Condition"):
        raise ResponseRefused(Why.AUDIENCE, "The assertion has a condition that nobody here understands.")
    [statement] = _all(assertion, "saml:AuthnStatement")
    return Asserted(
        id=assertion.get("ID"),
        issuer=_text(_all(assertion, "saml:Issuer")[0]),
        name_id=_text(names[0]),
        name_id_format=names[0].get("Format"),
        issued=_required_moment(assertion, "IssueInstant"),
        confirmations=tuple(map(_confirmation, _bearers(assertion))),
        not_before=_moment(conditions, "NotBefore"),
        not_on_or_after=_moment(conditions, "NotOnOrAfter"),
        audiences=tuple(
            frozenset(_text(audience) for audience in _all(restriction, "saml:Audience"))
            for restriction in _all(conditions, "saml:AudienceRestriction")
        ),
        authenticated=_required_moment(statement, "AuthnInstant"),
        session_ends=_moment(statement, "SessionNotOnOrAfter"),
        attributes=_attributes(assertion),
        destination=response.get("Destination"),
        in_response_to=response.get("InResponseTo"),
    )


def _bearers(assertion: Any) -> list[Any]:
    path = f"saml:Subject/saml:SubjectConfirmation[@Method='{_BEARER}']/saml:SubjectConfirmationData"
    return _all(assertion, path)


def _confirmation(data: Any) -> Confirmation:
    return Confirmation(
        recipient=data.get("Recipient"),
        not_before=_moment(data, "NotBefore"),
        not_on_or_after=_moment(data, "NotOnOrAfter"),
        in_response_to=data.get("InResponseTo"),
    )


def _attributes(assertion: Any) -> dict[str, tuple[str, ...]]:
    attributes: dict[str, tuple[str, ...]] = {}
    for attribute in _all(assertion, "saml:AttributeStatement/saml:Attribute"):
        # A value with elements inside is no text: part of it must not be taken for all.
        nodes = (value for value in _all(attribute, "saml:AttributeValue") if not len(value))
        values = tuple(_text(value).strip() for value in nodes)
        name = attribute.get("Name") or ""
        attributes[name] = attributes.get(name, ()) + values
    return attributes


def _all(node: Any, path: str) -> list[Any]:
    return node.xpath(path, namespaces=_NAMES)


def _text(node: Any) -> str:
    return node.text or ""


def _required_moment(node: Any, name: str) -> datetime:
    moment = _moment(node, name)
    if moment is None:
        raise ResponseRefused(Why.TIME, f"{name} is missing.")
    return moment


def _moment(node: Any, name: str) -> datetime | None:
    text = node.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ResponseRefused(Why.TIME, f"{name} is no moment.") from None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ResponseRefused(Why.TIME, f"{name} is in no year that anybody reckons with.")
    # SAML 2.0 Core, section 1.3.3: in UTC, whether it says so or not.
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
