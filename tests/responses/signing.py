"""Responses that are signed by nobody, by somebody else, or in a way that means something else."""

import base64
import hashlib
import hmac
from collections.abc import Callable

from lxml import etree
from lxml.etree import _Element as Element

from tests.responses import Response
from tests.responses.provider import (
    DS,
    ENVELOPED,
    EXCLUSIVE,
    SAML,
    SAMLP,
    Signer,
    Told,
    assertion_of,
    canonical,
    sent,
    sign,
    signed,
    signer,
)

XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
TRANSFORMS = {
    "XPath": XPATH,
    "an XPath filter": "http://www.w3.org/2002/06/xmldsig-filter2",
    "base64": f"{DS}base64",
    "comments kept": f"{EXCLUSIVE}WithComments",
    "inclusive canonicalisation": "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "inclusive canonicalisation, 1.1": "http://www.w3.org/2006/12/xml-c14n11",
    "XPointer": "http://www.w3.org/2001/04/xmldsig-more/xptr",
    "no known transform": "urn:x",
}
BOMB = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/"><xsl:call-template name="double"><xsl:with-param name="n" select="23"/>
</xsl:call-template></xsl:template><xsl:template name="double"><xsl:param name="n"/><xsl:if test="$n &gt; 0">
<xsl:call-template name="double"><xsl:with-param name="n" select="$n - 1"/></xsl:call-template>
<xsl:call-template name="double"><xsl:with-param name="n" select="$n - 1"/></xsl:call-template></xsl:if>
</xsl:template></xsl:stylesheet>"""
"""A transform of some hundred characters that takes seconds, and twice as long with each number more."""


def _ds(root: Element, path: str) -> Element:
    found = root.find(path, {"ds": DS, "saml": SAML, "samlp": SAMLP})
    assert found is not None, path
    return found


SIGNATURE = "saml:Assertion/ds:Signature"
INFO = f"{SIGNATURE}/ds:SignedInfo"
REFERENCE = f"{INFO}/ds:Reference"


def _text(path: str, text: str | None) -> Callable[[Element], object]:
    return lambda response: setattr(_ds(response, path), "text", text)


def _attribute(path: str, name: str, value: str) -> Callable[[Element], object]:
    return lambda response: _ds(response, path).set(name, value)


def _algorithm(path: str, algorithm: str) -> Callable[[Element], object]:
    return _attribute(path, "Algorithm", algorithm)


def _added(path: str, xml: str) -> Callable[[Element], object]:
    return lambda response: _ds(response, path).append(etree.fromstring(xml))


def _moved(path: str, to: str) -> Callable[[Element], object]:
    return lambda response: _ds(response, to).append(_ds(response, path))


def _copied(path: str, to: str, times: int = 1) -> Callable[[Element], object]:
    def copy(response: Element) -> None:
        for _ in range(times):
            _ds(response, to).append(etree.fromstring(etree.tostring(_ds(response, path))))

    return copy


def _removed(path: str) -> Callable[[Element], object]:
    def remove(response: Element) -> None:
        found = _ds(response, path)
        parent = found.getparent()
        assert parent is not None
        parent.remove(found)

    return remove


def _signed_by_hmac(response: Element) -> None:
    """The classic confusion: the certificate, which everybody has, taken for a secret key."""
    method = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
    _ds(response, f"{INFO}/ds:SignatureMethod").set("Algorithm", method)
    made = hmac.digest(signer().certificate.encode(), canonical(_ds(response, INFO)), hashlib.sha256)
    _ds(response, f"{SIGNATURE}/ds:SignatureValue").text = base64.b64encode(made).decode()


ALTERED: dict[str, Callable[[Element], object]] = {
    "no signature left": _removed(SIGNATURE),
    "another name than was signed": _text("saml:Assertion/saml:Subject/saml:NameID", "boss@acme.example"),
    "another attribute than was signed": _text(
        "saml:Assertion/saml:AttributeStatement/saml:Attribute/saml:AttributeValue", "boss@acme.example"
    ),
    "another end than was signed": _attribute(
        "saml:Assertion/saml:Conditions", "NotOnOrAfter", "2100-01-01T00:00:00Z"
    ),
    "another id than was signed": _attribute("saml:Assertion", "ID", "_other"),
    "another audience than was signed": _text(
        "saml:Assertion/saml:Conditions/saml:AudienceRestriction/saml:Audience", "x"
    ),
    "an attribute more than was signed": _added(
        "saml:Assertion/saml:AttributeStatement",
        f'<a:Attribute xmlns:a="{SAML}" Name="r"><a:AttributeValue>admin</a:AttributeValue></a:Attribute>',
    ),
    "no value of the signature": _text(f"{SIGNATURE}/ds:SignatureValue", None),
    "a value of the signature that is none": _text(f"{SIGNATURE}/ds:SignatureValue", "AAAA"),
    "a value of the signature that is no base64": _text(f"{SIGNATURE}/ds:SignatureValue", "%%%"),
    "no digest": _text(f"{REFERENCE}/ds:DigestValue", None),
    "the digest of nothing": _text(
        f"{REFERENCE}/ds:DigestValue", base64.b64encode(hashlib.sha256(b"").digest()).decode()
    ),
    "a reference to everything": _attribute(REFERENCE, "URI", ""),
    "a reference to nothing": lambda response: _ds(response, REFERENCE).attrib.pop("URI"),
    "a reference to another host": _attribute(REFERENCE, "URI", "http://127.0.0.1:9/canary"),
    "a reference to a file": _attribute(REFERENCE, "URI", "file:///etc/hostname"),
    "a reference by a pointer": _attribute(REFERENCE, "URI", "#xpointer(/)"),
    "a reference to the response": lambda response: _ds(response, REFERENCE).set(
        "URI", f"#{response.get('ID')}"
    ),
    "no reference": _removed(REFERENCE),
    "two references": _copied(REFERENCE, INFO),
    "two hundred references": _copied(REFERENCE, INFO, 200),
    "two parts that are signed": _copied(INFO, SIGNATURE),
    "an object in the signature": _added(SIGNATURE, f'<d:Object xmlns:d="{DS}">x</d:Object>'),
    "a manifest in the signature": _added(SIGNATURE, f'<d:Manifest xmlns:d="{DS}"/>'),
    "a key that is to be fetched": _added(
        f"{SIGNATURE}/ds:KeyInfo", f'<d:RetrievalMethod xmlns:d="{DS}" URI="http://127.0.0.1:9/canary"/>'
    ),
    "a transform that takes for ever": lambda response: (
        _algorithm(f"{REFERENCE}/ds:Transforms/ds:Transform", XSLT)(response),
        _added(f"{REFERENCE}/ds:Transforms/ds:Transform", BOMB)(response),
    ),
    "a canonical form that is a stylesheet": _algorithm(f"{INFO}/ds:CanonicalizationMethod", XSLT),
    "a transform with an expression": _added(
        f"{REFERENCE}/ds:Transforms/ds:Transform", f'<d:XPath xmlns:d="{DS}">true()</d:XPath>'
    ),
    "five hundred transforms": _copied(
        f"{REFERENCE}/ds:Transforms/ds:Transform", f"{REFERENCE}/ds:Transforms", 500
    ),
    "a thousand prefixes": _added(
        f"{REFERENCE}/ds:Transforms/ds:Transform[2]",
        f'<e:InclusiveNamespaces xmlns:e="{EXCLUSIVE}" PrefixList="{"p " * 1000}"/>',
    ),
    "a signature by a shared key": _signed_by_hmac,
    "a signature by no algorithm": _algorithm(f"{INFO}/ds:SignatureMethod", "urn:none"),
    "a signature by an algorithm without a name": lambda response: _ds(
        response, f"{INFO}/ds:SignatureMethod"
    ).attrib.pop("Algorithm"),
    "a digest by MD5": _algorithm(
        f"{REFERENCE}/ds:DigestMethod", "http://www.w3.org/2001/04/xmldsig-more#md5"
    ),
    "a signature in the subject": _moved(SIGNATURE, "saml:Assertion/saml:Subject"),
    "a signature in the status": _moved(SIGNATURE, "samlp:Status"),
    "a signature that covers only itself": _moved(SIGNATURE, SIGNATURE.partition("/")[0]),
    "a signature of two": _copied(SIGNATURE, "saml:Assertion"),
    "three signatures": _copied(SIGNATURE, "saml:Assertion", 2),
    "a signature of another namespace": lambda response: setattr(
        _ds(response, SIGNATURE), "tag", "{urn:x}Signature"
    ),
    "an encrypted part": _added(
        "saml:Assertion/saml:Subject", '<e:EncryptedData xmlns:e="http://www.w3.org/2001/04/xmlenc#"/>'
    ),
    "an encrypted assertion too": lambda response: etree.SubElement(
        response, f"{{{SAML}}}EncryptedAssertion"
    ),
}
"""What is done to a response after its assertion was signed."""
# A signature that stands at the end of what it covers is refused by the schema alone.


def _altered(change: Callable[[Element], object]) -> str:
    response = signed()
    change(response)
    return sent(response)


def _transformed(transform: str) -> str:
    response = Told().element()
    sign(assertion_of(response), transforms=(ENVELOPED, transform))
    return sent(response)


def _by(key: Signer, *, shown: Signer | None = None) -> str:
    """Signed by a key, perhaps with another one's certificate beside it."""
    response = Told().element()
    sign(assertion_of(response), Signer(key.key, (shown or key).certificate))
    return sent(response)


def _with_sha1() -> str:
    response = Told().element()
    sign(assertion_of(response), digest="sha1")
    return sent(response)


def _only_the_response() -> str:
    return sent(sign(Told().element()))


def responses() -> dict[str, Response]:
    """All of them."""
    made: dict[str, Response] = {
        name: lambda change=change: _altered(change) for name, change in ALTERED.items()
    }
    made |= {
        f"transformed by {name}": lambda transform=transform: _transformed(transform)
        for name, transform in TRANSFORMS.items()
    }
    made |= {
        "nothing signed": lambda: sent(Told().element()),
        "only the response signed": _only_the_response,
        "signed by a stranger": lambda: _by(signer("stranger")),
        "signed by a stranger who shows our certificate": lambda: _by(signer("stranger"), shown=signer()),
        "signed with SHA-1": _with_sha1,
    }
    return made
