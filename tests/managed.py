"""Somebody who is signed in, and whose password an identity provider manages from then on."""

from uuid import UUID, uuid4

from tests.people import ADA, Browser, Reception

SETTINGS = "https://acme.okta.example/settings?tab=password"

CONNECT = """
INSERT INTO saml_connections (org_id, id, name, state, idp_entity_id, sso_url, certificates, reset_uri,
                              allow_unsolicited, authenticated_within, contact, created, last_modified)
VALUES ($1, $2, 'Acme <Okta>', 'active', 'urn:okta', 'https://acme.okta.example/sso', '{}', $3,
        false, '1 hour', $4, now(), now())"""
MARK = "UPDATE users SET saml_connection_id = $2 WHERE org_id = $1 AND id = $3"


async def managed_browser(
    front: Reception, *, user_name: str = ADA, reset_uri: str | None = SETTINGS, contact: str = ""
) -> Browser:
    """A browser in which somebody is signed in, whom an identity provider signs in from now on."""
    user = await front.person(user_name)
    browser: Browser = front.browser()
    await browser.sign_in(user_name)
    connection: UUID = uuid4()
    await front.connection.execute(CONNECT, front.organization, connection, reset_uri, contact)
    await front.connection.execute(MARK, front.organization, connection, user.id)
    return browser
