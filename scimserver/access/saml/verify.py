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
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, cast
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import xmlsec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from lxml import etree
from onelogin.saml2.authn_request import OneLogin_Saml2_Authn_Request
from onelogin.saml2.constants import OneLogin_Saml2_Constants
from onelogin.saml2.errors import OneLogin_Saml2_ValidationError
from onelogin.saml2.metadata import OneLogin_Saml2_Metadata
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from xmlsec import constants

from scimserver.access.saml.asserted import Asserted
from scimserver.access.saml.reading import NAMES, asserted
from scimserver.access.saml.refusal import ResponseRefused, Why
from scimserver.access.saml.trust import Trust
from scimserver.access.saml.xml import parse
from scimserver.directory.limits import shown
from scimserver.directory.saml import parse_certificate

SKEW_S: Final = 120
"""Seconds by which clocks may differ."""

_CACHED_S: Final = 24 * 3600
"""How long an identity provider may keep our metadata without looking again, in seconds."""

_GOOD_FOR: Final = timedelta(days=365)
"""How long our metadata is good where nothing in it ends."""

cast(Any, OneLogin_Saml2_Constants).ALLOWED_CLOCK_DRIFT = SKEW_S

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
_HASHES: Final = {
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": SHA256,
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384": SHA384,
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512": SHA512,
}
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


def request_to(trust: Trust, relay: str, private: str | None) -> tuple[str, str]:
    """A request to sign somebody in: its id, and the address to which the browser takes it.

    It is signed with the private key, in PEM, where there is one (SAML 2.0 Bindings, section 3.4.4.1).
    """
    request: Any = OneLogin_Saml2_Authn_Request(_settings(trust))
    parameters = {"SAMLRequest": request.get_request(), "RelayState": relay}
    if private is None:
        query = urlencode(parameters)
    else:
        query = urlencode({**parameters, "SigAlg": OneLogin_Saml2_Constants.RSA_SHA256})
        query += "&" + urlencode({"Signature": base64.b64encode(_signature(query, private))})
    joint = "&" if "?" in trust.sso_url else "?"
    return request.get_id(), f"{trust.sso_url}{joint}{query}"


def _signature(query: str, private: str) -> bytes:
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(private, constants.KeyDataFormatPem, None)
    return context.sign_binary(query.encode(), constants.TransformRsaSha256)


def metadata_of(trust: Trust, now: datetime) -> bytes:
    """Our own metadata for an identity provider: good for as long as each certificate in it.

    Without any it is good for a year: it says nothing that grows old.
    """
    ends = [parse_certificate(each).not_after for each in trust.own_certificates]
    until = min((end for end in ends if end > now), default=now + _GOOD_FOR)
    written: Any = OneLogin_Saml2_Metadata.builder(
        _settings(trust).get_sp_data(),
        authnsign=trust.sign_requests,
        wsign=True,
        valid_until=until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        cache_duration=_CACHED_S,
    )
    # Each is put before the others.
    for certificate in reversed(trust.own_certificates):
        written = OneLogin_Saml2_Metadata.add_x509_key_descriptors(written, certificate, add_encryption=False)
    return written if isinstance(written, bytes) else written.encode()


def verified(xml: bytes, trust: Trust) -> Asserted:
    """What a guarded response asserts. Raises `ResponseRefused`."""
    _check_signatures(xml, trust.certificates)
    response = _response(xml, trust)
    [assertion] = response.document.xpath("/samlp:Response/saml:Assertion", namespaces=NAMES)
    return asserted(assertion, response.document)


def _check_signatures(xml: bytes, certificates: Sequence[str]) -> None:
    """Raise `ResponseRefused` unless every signature there is covers its parent and is the provider's."""
    document: Any = parse(xml)
    xmlsec.tree.add_ids(document, ["ID"])
    signatures = document.xpath("//ds:Signature", namespaces=NAMES)
    if not document.xpath("/samlp:Response/saml:Assertion/ds:Signature", namespaces=NAMES):
        raise ResponseRefused(Why.SIGNATURE, "The assertion is not signed.")
    for signature in signatures:
        references = signature.xpath("ds:SignedInfo/ds:Reference/@URI", namespaces=NAMES)
        covered = signature.getparent().get("ID")
        if not covered or references != [f"#{covered}"]:
            raise ResponseRefused(Why.SIGNATURE, "A signature covers other than what it stands in.")
        # Whoever has none of the keys has nothing put in canonical form but what they say of their signature.
        if not any(_is_signed(signature, certificate) for certificate in _signers(signature, certificates)):
            raise ResponseRefused(
                Why.SIGNATURE, "A signature is not made with a key of the identity provider."
            )


def _signers(signature: Any, certificates: Sequence[str]) -> list[str]:
    """The certificates whose keys made the value of a signature. Whether it covers anything is not looked at.

    Libxmlsec1 looks at this last, after it put all that is signed in canonical form, for each key anew.
    """
    infos = signature.xpath("ds:SignedInfo", namespaces=NAMES)
    method = signature.xpath("string(ds:SignedInfo/ds:SignatureMethod/@Algorithm)", namespaces=NAMES)
    if len(infos) != 1 or method not in _HASHES:
        return []
    try:
        value = base64.b64decode(signature.xpath("string(ds:SignatureValue)", namespaces=NAMES))
        # Exclusive XML Canonicalization, without a list of prefixes: the standard's schema lets none be here.
        said = etree.tostring(infos[0], method="c14n", exclusive=True, with_comments=False)
    except (ValueError, etree.LxmlError):
        return []
    return [each for each in certificates if _made(value, said, _HASHES[method](), each)]


def _made(value: bytes, said: bytes, method: HashAlgorithm, certificate: str) -> bool:
    try:
        parse_certificate(certificate).key.verify(value, said, PKCS1v15(), method)
    except InvalidSignature:
        return False
    return True


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
    if response.document.xpath("/samlp:Response/samlp:Status/samlp:StatusCode/@Value", namespaces=NAMES) != [
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
