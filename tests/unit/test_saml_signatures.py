"""Signatures as libxmlsec1 itself makes them, in the ways that identity providers have it: all are taken."""

from datetime import UTC, datetime
from typing import Any

import pytest
import xmlsec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from xmlsec import constants

from scimserver.access.saml.guard import guard
from scimserver.access.saml.judge import judge
from tests.responses.provider import EXCLUSIVE, Told, assertion_of, sent, signer
from tests.unit.test_saml_hostile import EXPECTED, TRUST

METHODS = {
    "sha256": (constants.TransformRsaSha256, constants.TransformSha256),
    "sha384": (constants.TransformRsaSha384, constants.TransformSha384),
    "sha512": (constants.TransformRsaSha512, constants.TransformSha512),
}
XS = b' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:x" ID="'
LISTS = ["", "xs", "#default saml ds xs xsi", "samlp"]


def by_xmlsec(listed: str = "", method: str = "sha256") -> str:
    """A response whose namespaces are declared above what is signed, and named in a list of prefixes."""
    plain = etree.tostring(Told().element()).replace(b' ID="', XS, 1)
    response: Any = etree.fromstring(plain)
    assertion: Any = assertion_of(response)
    signing, digesting = METHODS[method]
    signature = xmlsec.template.create(assertion, constants.TransformExclC14N, signing, ns="ds")
    assertion.insert(1, signature)
    reference = xmlsec.template.add_reference(signature, digesting, uri=f"#{assertion.get('ID')}")
    xmlsec.template.add_transform(reference, constants.TransformEnveloped)
    transform = xmlsec.template.add_transform(reference, constants.TransformExclC14N)
    if listed:
        name = f"{{{EXCLUSIVE}}}InclusiveNamespaces"
        etree.SubElement(transform, name, {"PrefixList": listed}, nsmap={"ec": EXCLUSIVE})
    xmlsec.tree.add_ids(response, ["ID"])
    context = xmlsec.SignatureContext()
    private = signer().key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    context.key = xmlsec.Key.from_memory(private, constants.KeyDataFormatPem, None)
    context.sign(signature)
    return sent(response)


@pytest.mark.parametrize("listed", LISTS)
def test_signature_with_a_list_of_prefixes_is_taken(listed: str):
    response = guard(by_xmlsec(listed))
    assert judge(response, TRUST, EXPECTED, datetime.now(UTC)).refusal is None


@pytest.mark.parametrize("method", METHODS)
def test_signature_by_each_method_is_taken(method: str):
    response = guard(by_xmlsec(method=method))
    assert judge(response, TRUST, EXPECTED, datetime.now(UTC)).refusal is None
