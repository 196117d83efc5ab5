"""An identity provider that takes signed requests alone: pysaml2 verifies ours, by our metadata."""

import base64
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from saml2 import BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.request import IncorrectlySigned
from saml2.server import Server

from scimserver.access.saml.metadata import parse_metadata
from scimserver.access.saml.place import addresses_of
from scimserver.directory import saml
from scimserver.directory.roles import ADMIN_ROLE
from scimserver.directory.saml import SamlConnection, State, Wanted
from tests.metadata import metadata
from tests.people import Browser, Reception, Shown
from tests.responses.provider import signer
from tests.serving import SECRET

SSO = "https://idp.example.com/sso"
SAFE = saml.Safe(SECRET)
Query = dict[str, str]


@dataclass(slots=True)
class Signing:
    """A connection whose requests are signed, and whoever tries it out."""

    front: Reception
    connection: SamlConnection
    browser: Browser
    key_file: Path

    @property
    def base(self) -> str:
        """Where the connection is."""
        ours = addresses_of("https://scim.test", self.front.organization, self.connection.id)
        return urlsplit(ours.acs_url).path.removesuffix("/acs")

    async def step(self, act: Callable[..., Any], *arguments: Any) -> None:
        """Take a step of exchanging keys."""
        async with self.front.work() as work:
            await act(work, self.connection, *arguments)

    async def sent(self) -> Shown:
        """How Ada is sent to the identity provider."""
        return await self.browser.get(f"{self.base}/try?go")

    async def query(self) -> Query:
        """What she is sent there with."""
        shown = await self.sent()
        assert (shown.status, shown.location.partition("?")[0]) == (303, SSO), shown.main
        return {name: value for name, [value] in parse_qs(urlsplit(shown.location).query).items()}

    def takes(self, ours: str, query: Query) -> bool:
        """Whether pysaml2 takes a request of somebody whose metadata is `ours`."""
        return taken(self.key_file, ours, query)

    async def ours(self) -> str:
        """Our metadata."""
        return (await self.browser.get(f"{self.base}/metadata")).text


@pytest_asyncio.fixture(loop_scope="session")
async def signing(front: Reception, tmp_path: Path) -> Signing:
    """A connection that is tried out, with a key that signs."""
    front.hands.now = datetime.now(UTC)
    await front.person(roles=[{"value": ADMIN_ROLE}])
    provider = parse_metadata(metadata().encode(), front.hands.now)
    async with front.work() as work:
        made = await saml.create(work, Wanted(name="Strict"), provider)
    async with front.work() as work:
        made = await saml.switch(work, made, State.TESTING)
    browser = front.browser()
    await browser.sign_in()
    key_file = tmp_path / "key.pem"
    key_file.write_bytes(signer().key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    found = Signing(front, made, browser, key_file)
    await found.step(saml.publish_key, SAFE)
    await found.step(saml.switch_key, SAFE)
    current = await saml.get(front.installation.database, front.organization, made.id)
    assert current is not None
    async with front.work() as work:
        found.connection = await saml.update(work, current, Wanted(name="Strict", sign_requests=True))
    return found


def taken(key_file: Path, ours: str, query: Query) -> bool:
    """Whether pysaml2 takes a request of somebody whose metadata is `ours`: signed, or not at all."""
    settings = {
        "entityid": "https://idp.example.com",
        "service": {
            "idp": {
                "endpoints": {"single_sign_on_service": [(SSO, BINDING_HTTP_REDIRECT)]},
                "want_authn_requests_signed": True,
            }
        },
        # Its own, which signs nothing here: without one it verifies nothing.
        "key_file": str(key_file),
        "metadata": {"inline": [ours]},
        # Nothing in XML is signed or verified here.
        "xmlsec_binary": "/bin/true",
    }
    server = Server(config=IdPConfig().load(settings))
    try:
        request = server.parse_authn_request(
            query["SAMLRequest"],
            BINDING_HTTP_REDIRECT,
            relay_state=query.get("RelayState"),
            sigalg=query.get("SigAlg"),
            signature=query.get("Signature"),
        )
    except IncorrectlySigned:
        return False
    return request is not None


def altered(request: str) -> str:
    """A request as somebody on the way writes it anew: for another address."""
    xml = zlib.decompress(base64.b64decode(request), -15)
    assert b"/acs" in xml
    deflate = zlib.compressobj(wbits=-15)
    other = deflate.compress(xml.replace(b"/acs", b"/abc")) + deflate.flush()
    return base64.b64encode(other).decode()


async def test_signed_request_is_taken(signing: Signing):
    query = await signing.query()
    assert query["SigAlg"] == "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
    assert signing.takes(await signing.ours(), query)


@pytest.mark.parametrize(
    "change",
    [
        lambda query: {**query, "SAMLRequest": altered(query["SAMLRequest"])},
        lambda query: {**query, "RelayState": "another"},
        lambda query: {**query, "Signature": base64.b64encode(bytes(384)).decode()},
        lambda query: {name: value for name, value in query.items() if name != "Signature"},
    ],
    ids=["request", "relay state", "signature", "no signature"],
)
async def test_request_that_was_tampered_with_is_not_taken(
    signing: Signing, change: Callable[[Query], Query]
):
    assert not signing.takes(await signing.ours(), change(await signing.query()))


async def test_no_moment_of_an_exchange_has_a_signature_that_nobody_can_check(signing: Signing):
    known = await signing.ours()
    assert signing.takes(known, await signing.query())
    await signing.step(saml.publish_key, SAFE)
    assert signing.takes(known, await signing.query())
    known = await signing.ours()
    on_the_way = await signing.query()
    await signing.step(saml.switch_key, SAFE)
    assert signing.takes(known, await signing.query())
    known = await signing.ours()
    assert signing.takes(known, on_the_way)
    await signing.step(saml.retire_key)
    assert signing.takes(known, await signing.query())
    known = await signing.ours()
    assert (signing.takes(known, await signing.query()), signing.takes(known, on_the_way)) == (True, False)


async def test_metadata_lists_keys_for_signing_and_ends_with_the_first_of_them(signing: Signing):
    signing.front.hands.now += timedelta(days=10)
    await signing.step(saml.publish_key, SAFE)
    root = etree.fromstring((await signing.ours()).encode())
    assert [each.get("use") for each in root.iter("{*}KeyDescriptor")] == ["signing", "signing"]
    [role] = root.iter("{*}SPSSODescriptor")
    assert (role.get("AuthnRequestsSigned"), role.get("WantAssertionsSigned")) == ("true", "true")
    current = await saml.get(
        signing.front.installation.database, signing.front.organization, signing.connection.id
    )
    assert current is not None
    listed = ["".join((each.text or "").split()) for each in root.iter("{*}X509Certificate")]
    assert listed == ["".join(key.certificate.pem.splitlines()[1:-1]) for key in current.keys]
    first = min(key.certificate.not_after for key in current.keys)
    assert root.get("validUntil") == first.strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_metadata_without_a_key_says_that_requests_are_not_signed(signing: Signing):
    async with signing.front.work() as work:
        provider = parse_metadata(metadata(entity_id="urn:other").encode(), signing.front.hands.now)
        signing.connection = await saml.create(work, Wanted(name="Other"), provider)
    root = etree.fromstring((await signing.ours()).encode())
    assert [each.get("AuthnRequestsSigned") for each in root.iter("{*}SPSSODescriptor")] == ["false"]
    assert list(root.iter("{*}KeyDescriptor")) == []


async def test_key_that_is_over_is_listed_only_while_it_signs(signing: Signing):
    signing.front.hands.now += timedelta(days=700)
    await signing.step(saml.publish_key, SAFE)
    await signing.step(saml.switch_key, SAFE)
    signing.front.hands.now += timedelta(days=100)
    root = etree.fromstring((await signing.ours()).encode())
    assert len(list(root.iter("{*}KeyDescriptor"))) == 1
    until = datetime.fromisoformat(root.get("validUntil") or "")
    assert until > signing.front.hands.now


async def test_request_is_not_sent_where_its_key_cannot_be_opened(signing: Signing):
    await signing.step(saml.publish_key, saml.Safe(b"the secret of another installation"))
    await signing.front.connection.execute(
        "UPDATE saml_keys AS k SET sealed = n.sealed FROM saml_keys AS n"
        " WHERE k.role = 'current' AND n.role = 'next'"
    )
    shown = await signing.sent()
    assert (shown.status, shown.location) == (503, "")
