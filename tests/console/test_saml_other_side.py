"""Another implementation on the other side: pysaml2 as the identity provider, from metadata to response."""

import base64
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from saml2 import BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

from scimserver.access.saml.metadata import parse_metadata
from scimserver.access.saml.place import addresses_of
from scimserver.directory import saml, users
from scimserver.directory.roles import ADMIN_ROLE
from scimserver.directory.saml import SamlConnection, State, Wanted
from scimserver.directory.users import Mark
from tests.people import Browser, Reception, Shown
from tests.responses.provider import signer

ROOT = Path(__file__).resolve().parents[2]
ENTITY_ID = "https://pysaml2.example/metadata"
SSO = "https://pysaml2.example/sso"


@dataclass(frozen=True, slots=True)
class OtherSide:
    """An identity provider by pysaml2."""

    settings: dict[str, Any]

    def metadata(self) -> bytes:
        """What it says of itself."""
        return str(entity_descriptor(IdPConfig().load(self.settings))).encode()

    def answer(self, ours: str, query: dict[str, list[str]]) -> bytes:
        """Its response to a request by redirect, of somebody whose metadata is `ours`."""
        known = {**self.settings, "metadata": {"inline": [ours]}}
        server = Server(config=IdPConfig().load(known))
        request = server.parse_authn_request(query["SAMLRequest"][0], BINDING_HTTP_REDIRECT)
        assert request is not None
        arguments = server.response_args(request.message)
        for name in ("name_id_policy", "binding"):
            arguments.pop(name, None)
        made = server.create_authn_response(
            {"mail": "ada@example.com"},
            userid="ada",
            name_id=NameID(format=NAMEID_FORMAT_EMAILADDRESS, text="ada@example.com"),
            authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "authn_auth": ENTITY_ID},
            sign_response=True,
            sign_assertion=True,
            sign_alg=SIG_RSA_SHA256,
            digest_alg=DIGEST_SHA256,
            **arguments,
        )
        return str(made).encode()


@pytest.fixture
def other_side(tmp_path: Path) -> OtherSide:
    """The provider, its key and certificate in files."""
    key, certificate, program = (tmp_path / name for name in ("key.pem", "certificate.pem", "xmlsec1"))
    private = signer().key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key.write_bytes(private)
    certificate.write_text(signer().certificate, encoding="ascii")
    program.write_text(f'#!/bin/sh\ncd "{ROOT}" && exec "{sys.executable}" -m tests.xmlsec1 "$@"\n', "ascii")
    program.chmod(0o700)
    return OtherSide(
        {
            "entityid": ENTITY_ID,
            "service": {
                "idp": {"endpoints": {"single_sign_on_service": [(SSO, BINDING_HTTP_REDIRECT)]}},
            },
            "key_file": str(key),
            "cert_file": str(certificate),
            "xmlsec_binary": str(program),
        }
    )


def stripped(xml: bytes) -> bytes:
    """A response without its signatures."""
    root = etree.fromstring(xml)
    signatures = list(root.iter("{http://www.w3.org/2000/09/xmldsig#}Signature"))
    assert len(signatures) == 2
    for signature in signatures:
        parent = signature.getparent()
        assert parent is not None
        parent.remove(signature)
    return etree.tostring(root)


async def came_back(front: Reception, other_side: OtherSide, change: Any = None) -> Shown:
    """The page that Ada sees who tries the provider out, its response changed on the way."""
    await front.person(roles=[{"value": ADMIN_ROLE}])
    made = await connected(front, other_side, State.TESTING)
    browser: Browser = front.browser()
    await browser.sign_in()
    return await answered(front, other_side, made, browser, "try?go", change)


async def connected(front: Reception, other_side: OtherSide, *states: State) -> SamlConnection:
    """A connection made of the provider's metadata, taken through states. It is now: libraries say so."""
    front.hands.now = datetime.now(UTC)
    provider = parse_metadata(other_side.metadata(), front.hands.now)
    assert (provider.entity_id, provider.sso_url) == (ENTITY_ID, SSO)
    async with front.work() as work:
        made = await saml.create(work, Wanted(name="pysaml2"), provider)
    for state in states:
        async with front.work() as work:
            made = await saml.switch(work, made, state)
    return made


async def answered(
    front: Reception, other_side: OtherSide, made: SamlConnection, browser: Browser, path: str, change: Any
) -> Shown:
    """What becomes of a browser that goes to the provider and comes back, its response changed on the way."""
    base = urlsplit(addresses_of("https://scim.test", front.organization, made.id).login_url).path[:-5]
    there = await browser.get(base + path)
    ours = (await browser.get(f"{base}metadata")).text
    response = other_side.answer(ours, parse_qs(urlsplit(there.location).query))
    if change is not None:
        response = change(response)
    form = {"SAMLResponse": base64.b64encode(response).decode()}
    return await browser.post(f"{base}acs", form, Origin=ENTITY_ID, **{"Sec-Fetch-Site": "cross-site"})


async def test_response_of_pysaml2_is_taken(front: Reception, other_side: OtherSide):
    shown = await came_back(front, other_side)
    assert (shown.status, "All is as it should be" in shown.main) == (200, True), shown.main
    assert "ada@example.com" in shown.main


async def test_response_of_pysaml2_that_was_tampered_with_is_not_taken(
    front: Reception, other_side: OtherSide
):
    shown = await came_back(front, other_side, lambda xml: xml.replace(b"ada@", b"eve@"))
    assert (shown.status, "A signature is not made with a key" in shown.main) == (422, True), shown.main


async def test_response_of_pysaml2_without_its_signatures_is_not_taken(
    front: Reception, other_side: OtherSide
):
    shown = await came_back(front, other_side, stripped)
    assert (shown.status, "The assertion is not signed." in shown.main) == (422, True), shown.main


async def signed_in(front: Reception, other_side: OtherSide, browser: Browser, change: Any = None) -> Shown:
    """What becomes of Ada who signs in by the provider."""
    made = await connected(front, other_side, State.TESTING, State.ACTIVE)
    await front.connection.execute("UPDATE email_domains SET verified_at = now()")
    async with front.work() as work:
        await users.create(work, {"userName": "ada@example.com"}, mark=Mark.ON)
    return await answered(front, other_side, made, browser, "login", change)


async def test_response_of_pysaml2_signs_in(front: Reception, other_side: OtherSide):
    browser = front.browser()
    shown = await signed_in(front, other_side, browser)
    assert (shown.status, shown.location) == (303, "/sessions"), shown.main
    assert "Signed in as ada@example.com" in (await browser.follow(shown)).all("header")[0].text


@pytest.mark.parametrize(
    "change", [lambda xml: xml.replace(b"ada@", b"eve@"), stripped], ids=["tampered with", "stripped"]
)
async def test_response_of_pysaml2_that_was_changed_signs_nobody_in(
    front: Reception, other_side: OtherSide, change: Any
):
    browser = front.browser()
    shown = await signed_in(front, other_side, browser, change)
    assert (shown.status, "__Host-session" in browser.cookies) == (403, False)
    assert await front.reasons(front.organization) == [("session.sign_in", "saml_signature", 1)]
