"""A SAML connection in use, and people whom it signs in, as tests of signing in meet them."""

import base64
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from lxml import etree

from scimserver.access.saml.metadata import parse_metadata
from scimserver.access.saml.place import addresses_of
from scimserver.directory import saml, users
from scimserver.directory.saml import SamlConnection, State, Wanted
from scimserver.directory.users import Mark, User
from scimserver.kernel.ids import OrganizationId
from tests.metadata import metadata
from tests.people import ADA, Browser, Reception, Shown
from tests.responses.provider import IDP, SSO, meant_for, sent, signed, told

CROSS_SITE = {"Origin": "https://idp.example.com", "Sec-Fetch-Site": "cross-site"}
OTHER = """
INSERT INTO saml_connections (org_id, id, name, state, idp_entity_id, sso_url, certificates,
                              allow_unsolicited, authenticated_within, contact, created, last_modified)
SELECT org_id, gen_random_uuid(), 'Other', 'active', 'urn:other', sso_url, '{}', false, '1 hour', '',
       created - interval '1 day', created
FROM saml_connections WHERE id = $1 RETURNING id"""
PROVE = """
WITH proven AS (UPDATE email_domains SET verified_at = now(), saml_connection_id = $2 WHERE org_id = $1)
UPDATE organizations SET rules = gen_random_uuid() WHERE id = $1"""


@dataclass(slots=True)
class Federation:
    """A connection in use, of an organisation that has proved its domain; nobody is signed in."""

    front: Reception
    connection: SamlConnection
    organization: OrganizationId

    @property
    def base(self) -> str:
        """Where the connection is, as identity providers know it."""
        ours = addresses_of("https://scim.test", self.organization, self.connection.id)
        return ours.acs_url.removesuffix("/acs")

    def path(self, name: str) -> str:
        """One of its addresses."""
        return f"{urlsplit(self.base).path}/{name}"

    async def managed(self, user_name: str = ADA, **attributes: Any) -> User:
        """A user whom the connection signs in."""
        async with self.front.work(self.organization) as work:
            return await users.create(work, {"userName": user_name, **attributes}, mark=Mark.ON)

    async def begin(self, browser: Browser, query: str = "") -> str:
        """The id of a request with which a browser is sent to the identity provider."""
        sent_there = await browser.get(self.path("login") + query)
        assert sent_there.status == 303, sent_there.main
        return request_of(sent_there)

    def good(self, request: str | None, **different: Any) -> str:
        """A response as it should be; it says who is meant by a name and nothing else."""
        said: dict[str, Any] = {"name_id": ADA, "attributes": (), **different}
        if request is None:
            said["request"] = None
        with meant_for(self.base, request or "_"):
            return sent(signed(told(**said)))

    async def answer(self, browser: Browser, response: str) -> Shown:
        """What becomes of a response that the identity provider has a browser send."""
        return await browser.post(self.path("acs"), {"SAMLResponse": response}, **CROSS_SITE)

    async def arrive(self, browser: Browser | None = None, **different: Any) -> Shown:
        """All of it: there, and back."""
        browser = browser or self.front.browser()
        return await self.answer(browser, self.good(await self.begin(browser), **different))

    async def sessions(self) -> int:
        """How many people are signed in."""
        return await self.front.connection.fetchval("SELECT count(*) FROM sessions")

    async def links(self) -> list[tuple[str, str]]:
        """Who is linked, by which name."""
        rows = await self.front.connection.fetch(
            "SELECT u.user_name, l.name_id"
            " FROM saml_links AS l JOIN users AS u ON u.id = l.user_id ORDER BY u.user_name"
        )
        return [(row["user_name"], row["name_id"]) for row in rows]

    async def reasons(self) -> list[str]:
        """Why somebody was refused to sign in, as the log says."""
        entries = await self.front.installation.log(self.organization, outcomes=["failure"])
        return [each.entry["reason"] for each in entries if each.entry["event"] == "session.sign_in"]

    async def changed(self, **different: Any) -> None:
        """Treat the connection differently from now on."""
        async with self.front.work(self.organization) as work:
            current = await saml.get(self.front.installation.database, self.organization, self.connection.id)
            assert current is not None
            wanted = replace(current.wanted, **different)
            self.connection = await saml.update(work, current, wanted)

    async def switched(self, state: State) -> None:
        """Take the connection into or out of use."""
        async with self.front.work(self.organization) as work:
            current = await saml.get(self.front.installation.database, self.organization, self.connection.id)
            assert current is not None
            self.connection = await saml.switch(work, current, state)

    async def enforce(self, connection: UUID | None = None) -> None:
        """Have all of the domain sign in by the connection, or by another one."""
        by = connection or self.connection.id
        await self.front.connection.execute(PROVE, self.organization, by)

    async def other_connection(self) -> UUID:
        """Another connection of the organisation, which is in use and older."""
        return await self.front.connection.fetchval(OTHER, self.connection.id)


def request_of(sent_there: Shown) -> str:
    """The id of the request that an answer has a browser take along."""
    [request] = parse_qs(urlsplit(sent_there.location).query)["SAMLRequest"]
    # Deflated without a header (SAML 2.0 Bindings, 3.4.4.1).
    return str(etree.fromstring(zlib.decompress(base64.b64decode(request), -15)).get("ID"))


async def federation(
    front: Reception, organization: OrganizationId | None = None, **wanted: Any
) -> Federation:
    """The connection, taken into use; the domain is proved. It is now: libraries say so."""
    front.hands.now = datetime.now(UTC)
    whose = organization or front.organization
    provider = parse_metadata(metadata(entity_id=IDP, location=SSO).encode(), front.hands.now)
    async with front.work(whose) as work:
        made = await saml.create(work, Wanted(name="Okta", **wanted), provider)
    for state in (State.TESTING, State.ACTIVE):
        async with front.work(whose) as work:
            made = await saml.switch(work, made, state)
    await front.connection.execute(PROVE, whose, None)
    return Federation(front, made, whose)
