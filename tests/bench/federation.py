"""Sign-ins by SAML, ready to be sent: requests that wait in a browser, and responses that answer them.

Each response is signed before the clock runs, and taken once. The people sign in by nothing else for as long
as the block lasts.
"""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from uuid import uuid4

from scimserver.access.saml.place import addresses_of
from scimserver.directory.saml import path_id
from scimserver.directory.saml.requests import LASTS
from scimserver.kernel.ids import SamlConnectionId, new_uuid
from scimserver.kernel.secrets import digest, new_secret
from tests.bench import database
from tests.bench.database import Organization
from tests.responses.provider import IDP, SSO, Told, meant_for, sent, signed, signer

SIZE: Final = 200
"""How many people sign in, over and over."""

_PUBLIC_URL: Final = "https://scim.example.com"
_CONNECT: Final = """
INSERT INTO saml_connections (org_id, id, name, state, idp_entity_id, sso_url, certificates,
                              allow_unsolicited, authenticated_within, contact, created, last_modified)
VALUES ($1, $2, 'bench', 'active', $3, $4, ARRAY[$5], false, '1 hour', '', now(), now())
"""
_MARK: Final = "UPDATE users SET saml_connection_id = $2 WHERE org_id = $1 AND id = ANY ($3::uuid[])"
_LINK: Final = """
INSERT INTO saml_links (org_id, connection_id, name_id, user_id, linked)
SELECT $1, $2, name, id, now() FROM unnest($3::uuid[], $4::text[]) AS person (id, name)
"""
_ASK: Final = """
INSERT INTO saml_requests (org_id, connection_id, id, browser, created, expires)
SELECT $1, $2, id, $4, now(), now() + $5::interval FROM unnest($3::text[]) AS id
"""
_UNMARK: Final = "UPDATE users SET saml_connection_id = NULL WHERE org_id = $1 AND saml_connection_id = $2"
_DISCONNECT: Final = "DELETE FROM saml_connections WHERE org_id = $1 AND id = $2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Federation:
    """An organisation's identity provider, and the browser in which all sign in."""

    dsn: str
    organization: Organization
    connection: SamlConnectionId
    browser: str

    def sign_ins(self, count: int) -> Sequence[bytes]:
        """As many requests with a response each, none of which was sent before."""
        requests = [f"_{uuid4().hex}" for _ in range(count)]
        asyncio.run(self._ask(requests))
        return [self._sign_in(number, request) for number, request in enumerate(requests)]

    async def _ask(self, requests: Sequence[str]) -> None:
        async with database.connected(self.dsn) as connection:
            await connection.execute(
                _ASK, self.organization.id, self.connection, requests, digest(self.browser), LASTS
            )

    def _sign_in(self, number: int, request: str) -> bytes:
        ours = addresses_of(_PUBLIC_URL, self.organization.id, self.connection)
        with meant_for(ours.acs_url.removesuffix("/acs"), request):
            response = sent(signed(Told(name_id=_name(self.organization, number % SIZE))))
        body = urlencode({"SAMLResponse": response, "RelayState": "x" * 43}).encode()
        path = path_id(self.organization.id, self.connection)
        lines = [
            f"POST /saml/{path}/acs HTTP/1.1",
            "Host: scim.example.com",
            f"Cookie: __Host-saml={self.browser}",
            "Content-Type: application/x-www-form-urlencoded",
            "Origin: https://idp.example.com",
            "Sec-Fetch-Site: cross-site",
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def federated(dsn: str, organization: Organization) -> Generator[Federation]:
    """The organisation's first people sign in by an identity provider for the time of the block."""
    made = Federation(
        dsn=dsn, organization=organization, connection=SamlConnectionId(new_uuid()), browser=new_secret()
    )
    asyncio.run(_set_up(made))
    try:
        yield made
    finally:
        asyncio.run(_take_down(made))


async def _set_up(made: Federation) -> None:
    whose, connection = made.organization, made.connection
    ids = list(whose.people.ids[:SIZE])
    names = [_name(whose, number) for number in range(len(ids))]
    async with database.connected(made.dsn) as database_connection:
        await database_connection.execute(_CONNECT, whose.id, connection, IDP, SSO, signer().certificate)
        await database_connection.execute(_MARK, whose.id, connection, ids)
        await database_connection.execute(_LINK, whose.id, connection, ids, names)


async def _take_down(made: Federation) -> None:
    async with database.connected(made.dsn) as database_connection:
        await database_connection.execute(_UNMARK, made.organization.id, made.connection)
        await database_connection.execute(_DISCONNECT, made.organization.id, made.connection)


def _name(organization: Organization, number: int) -> str:
    return str(organization.people.population.document(number)["userName"])
