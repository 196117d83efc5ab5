"""What a SAML response has to be before a library looks at it. Pure.

The text is decoded and parsed once here, by the parser that the library uses too, and nothing is read from
it: whatever no honest response holds is refused, so that what attacks are made of never reaches the code
that verifies. Signatures in a shape that is taken are left to `verify`.
Sources: SAML 2.0 Core, section 5.4; SAML 2.0 Bindings, section 3.5; XML Signature Best Practices (W3C, 2013).
Proven by tests/unit/test_saml_hostile.py.
"""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

from lxml import etree

from scimserver.access.saml.refusal import ResponseRefused, Why
from scimserver.access.saml.xml import Element, local, parse

MAX_RESPONSE: Final = 256 * 1024
"""Characters of a response as it is sent, in base64."""

_DSIG: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_PROTOCOL: Final = "{urn:oasis:names:tc:SAML:2.0:protocol}"
_ASSERTION: Final = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_ENCRYPTION: Final = "{http://www.w3.org/2001/04/xmlenc#}"
_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_PREFIXES: Final = f"{{{_EXCLUSIVE}}}InclusiveNamespaces"

_DIGESTS: Final = frozenset(
    {
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2001/04/xmldsig-more#sha384",
        "http://www.w3.org/2001/04/xmlenc#sha512",
    }
)
_ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_TRANSFORMS: Final = frozenset({(), (_ENVELOPED,), (_EXCLUSIVE,), (_ENVELOPED, _EXCLUSIVE)})
"""Nothing follows the canonical form, which is text: another transform would parse it again, and the parser
prints lines of it that it does not like."""

_ALGORITHMS: Final = {
    f"{_DSIG}Transform": frozenset({_ENVELOPED, _EXCLUSIVE}),
    f"{_DSIG}CanonicalizationMethod": frozenset({_EXCLUSIVE}),
    f"{_DSIG}SignatureMethod": frozenset(
        f"http://www.w3.org/2001/04/xmldsig-more#rsa-sha{bits}" for bits in (256, 384, 512)
    ),
    f"{_DSIG}DigestMethod": _DIGESTS,
}
"""What may be named where. SHA-1, XSLT, XPath and HMAC are not."""

_EXTRAS: Final = frozenset(f"{_DSIG}{name}" for name in ("Object", "Manifest", "RetrievalMethod"))
"""What a signature may hold by the standard, and no response has."""

_MARKUP: Final = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_LONG_MARKUP: Final = re.compile(r"""<[^<>]{4096,}|=\s*"[^"<]{2048,}|=\s*'[^'<]{2048,}""")
_MOST_MARKS: Final = 4000
"""Of each "<" and "=": an honest response has some hundred. Each element carries its namespace, whole."""

_DEEPEST: Final = 16
"""Elements within each other: an honest response has half of that."""

_MOST_NAMESPACES: Final = 32
"""Declared where an element stands: an honest response has some six."""

_MOST_ATTRIBUTES: Final = 16
"""Of an element: canonicalising sorts them, one by one. An honest one has six."""

_LONGEST_PREFIX: Final = 16
_LONGEST_NAMESPACE: Final = 256
"""Characters: they are compared over and over."""

_MOST_SIGNED_INFO: Final = 12
"""Elements: with one reference, two transforms and a list of prefixes there are ten."""

_MOST_PREFIXES: Final = 12
"""In a list: for each element, each is sought in all that is declared there."""

_DECLARED: Final = re.compile(r"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)")
_SPACE: Final = re.compile(r"[ \t\r\n]+")
_ID_NAMES: Final = frozenset({"id", "ID", "Id", "iD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A response that `verify` may look at."""

    xml: bytes
    in_response_to: str | None
    """The request that it says it answers. Nobody has signed that yet."""


def guard(sent: str) -> Guarded:
    """The response, if it can be one. Raises `ResponseRefused`."""
    xml = _decoded(sent)
    root = _parsed(xml)
    if root.tag != f"{_PROTOCOL}Response":
        raise ResponseRefused(Why.MALFORMED, "The root is no Response of SAML 2.0.")
    elements = list(root.iter())
    _check_nodes(elements)
    _check_scopes(root)
    _check_ids(elements)
    _check_assertion(elements)
    _check_signatures(elements)
    return Guarded(xml=xml, in_response_to=root.get("InResponseTo"))


def _decoded(sent: str) -> bytes:
    if len(sent) > MAX_RESPONSE:
        raise ResponseRefused(Why.MALFORMED, f"The response has more than {MAX_RESPONSE} characters.")
    try:
        xml = base64.b64decode(_SPACE.sub("", sent).encode("ascii"), validate=True)
        text = xml.decode("utf-8")
    except (ValueError, binascii.Error):
        raise ResponseRefused(Why.MALFORMED, "The response is no UTF-8 in base64.") from None
    if "\0" in text or text.startswith("\ufeff"):
        raise ResponseRefused(Why.MALFORMED, "The response holds a NUL, or begins with a mark of byte order.")
    if max(text.count("<"), text.count("=")) > _MOST_MARKS or _LONG_MARKUP.search(text):
        raise ResponseRefused(Why.MALFORMED, "The response holds more markup than any honest one.")
    declared = _DECLARED.match(text)
    if declared and declared[1].lower() != "utf-8":
        # Whoever believes it would read another text.
        raise ResponseRefused(Why.MALFORMED, "The response calls itself other than UTF-8.")
    if _MARKUP.search(text):
        raise ResponseRefused(Why.FORBIDDEN_XML, "The response holds a document type or an entity.")
    return xml


def _parsed(xml: bytes) -> Element:
    try:
        return parse(xml)
    except ValueError:
        raise ResponseRefused(Why.MALFORMED, "The response is no well-formed XML.") from None


def _check_nodes(elements: list[Element]) -> None:
    for element in elements:
        # Comments, processing instructions and entities have a function where elements have a name.
        if not isinstance(element.tag, str):
            raise ResponseRefused(
                Why.FORBIDDEN_XML, "The response holds a comment, a processing instruction or an entity."
            )
    above = elements[0].getprevious()
    below = elements[0].getnext()
    if above is not None or below is not None:
        raise ResponseRefused(Why.FORBIDDEN_XML, "The response is not alone in its document.")


def _check_scopes(root: Element) -> None:
    """Bound what it takes to canonicalise what is signed: these multiply, whoever has a key for it."""
    depth = declared = 0
    is_more = False
    events = ("start", "end", "start-ns", "end-ns")
    walk = cast("Iterator[tuple[str, Any]]", etree.iterwalk(root, events=events))
    for event, item in walk:
        match event:
            case "start":
                depth += 1
                is_more = depth > _DEEPEST or len(item.attrib) > _MOST_ATTRIBUTES
            case "end":
                depth -= 1
            case "start-ns":
                declared += 1
                prefix, namespace = item
                is_more = declared > _MOST_NAMESPACES or (
                    len(prefix) > _LONGEST_PREFIX or len(namespace) > _LONGEST_NAMESPACE
                )
            case _:
                declared -= 1
        if is_more:
            raise ResponseRefused(Why.MALFORMED, "The response nests, or declares, more than any honest one.")


def _check_ids(elements: list[Element]) -> None:
    ids = Counter(
        value
        for element in elements
        for name, value in element.attrib.items()
        if etree.QName(name).localname in _ID_NAMES
    )
    if ids and max(ids.values()) > 1:
        raise ResponseRefused(Why.DUPLICATE_ID, "Two elements of the response have the same id.")


def _check_assertion(elements: list[Element]) -> None:
    names = Counter(element.tag for element in elements)
    if names[f"{_ASSERTION}EncryptedAssertion"] or any(
        isinstance(name, str) and name.startswith(_ENCRYPTION) for name in names
    ):
        raise ResponseRefused(Why.ALGORITHM, "The response is encrypted: that is not taken.")
    inside = [element for element in elements if local(element) == "Assertion"]
    if len(inside) > 1 or names[f"{_ASSERTION}Assertion"] != len(inside):
        raise ResponseRefused(Why.SCHEMA, "The response holds more than one assertion.")
    if inside and inside[0].getparent() is not elements[0]:
        raise ResponseRefused(Why.SCHEMA, "The assertion is not the response's own.")


def _check_signatures(elements: list[Element]) -> None:
    signatures = [element for element in elements if local(element) == "Signature"]
    if len(signatures) > 2 or any(each.tag != f"{_DSIG}Signature" for each in signatures):
        raise ResponseRefused(
            Why.SIGNATURE, "There are more signatures than the response's and its assertion's."
        )
    for signature in signatures:
        if len(list(signature.iter(f"{_DSIG}Reference"))) != 1:
            raise ResponseRefused(Why.SIGNATURE, "A signature covers other than one element.")
        transforms = tuple(each.get("Algorithm") for each in signature.iter(f"{_DSIG}Transform"))
        if transforms not in _TRANSFORMS:
            raise ResponseRefused(Why.ALGORITHM, "A signature transforms otherwise than it has to.")
        if any(len(list(info.iter())) > _MOST_SIGNED_INFO for info in signature.iter(f"{_DSIG}SignedInfo")):
            raise ResponseRefused(Why.SIGNATURE, "A signature says more of itself than it has to.")
    for element in elements:
        if element.tag in _EXTRAS:
            raise ResponseRefused(Why.FORBIDDEN_XML, "A signature holds more than a signature.")
        allowed = _ALGORITHMS.get(str(element.tag))
        if allowed is not None:
            _check_algorithm(element, allowed)


def _check_algorithm(element: Element, allowed: frozenset[str]) -> None:
    if element.get("Algorithm") not in allowed:
        raise ResponseRefused(Why.ALGORITHM, f"A {local(element)} is none of those that are taken.")
    # Only what is signed may be canonicalised with a list, says the standard's schema.
    may_list = element.tag == f"{_DSIG}Transform"
    if any(
        not may_list
        or each.tag != _PREFIXES
        or len(each)
        or len(each.get("PrefixList", "").split()) > _MOST_PREFIXES
        for each in element
    ):
        raise ResponseRefused(Why.ALGORITHM, f"A {local(element)} has parameters.")
