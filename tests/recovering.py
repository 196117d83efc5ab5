"""Recovery accounts and enforced domains, as tests of what rests on them put them there."""

import base64
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from scimserver.directory.recovery import Codes
from scimserver.directory.recovery.model import new_secret
from scimserver.kernel.ids import OrganizationId, UserId

CODES = Codes(b"s" * 32)
"""What judges codes in the application of a test."""

_ACCOUNT = """
    INSERT INTO recovery_accounts (org_id, user_id, secret, confirmed, last_step, enrolled_by, created)
    VALUES ($1, $2, $3, $4, 0, 'tests', $4)
"""
_PASSWORD = """
    INSERT INTO credentials (org_id, user_id, password_hash, changed) VALUES ($1, $2, '$argon2id$', $3)
    ON CONFLICT DO NOTHING
"""
_CONNECT = """
    INSERT INTO saml_connections (org_id, id, name, state, idp_entity_id, sso_url, certificates,
                                  allow_unsolicited, authenticated_within, contact, created, last_modified,
                                  tried)
    VALUES ($1, $2, 'Okta', 'active', 'https://okta.example', 'https://acme.okta.example/sso', '{}', false,
            '12 hours', '', now(), now(), now())
"""
_ENFORCE = "UPDATE email_domains SET verified_at = now(), saml_connection_id = $2 WHERE org_id = $1"
_RENEW = "UPDATE organizations SET rules = gen_random_uuid() WHERE id = $1"


def code_of(secret: str, now: datetime) -> str:
    """What an authenticator app shows."""
    maker = TOTP(base64.b32decode(secret), 6, SHA1(), 30)  # noqa: S303 - RFC 6238
    return maker.generate(int(now.timestamp())).decode()


async def enrolled(
    connection: asyncpg.Connection, organization: OrganizationId, user: UUID, now: datetime
) -> str:
    """The secret of a recovery account that is there now, of a user who has a password."""
    secret = new_secret()
    sealed = CODES.sealed(organization, UserId(user), secret)
    await connection.execute(_PASSWORD, organization, user, now)
    await connection.execute(_ACCOUNT, organization, user, sealed, now)
    return secret.text


async def enforced(connection: asyncpg.Connection, organization: OrganizationId) -> UUID:
    """The SAML connection by which all users of the organisation sign in from now on."""
    saml = uuid4()
    await connection.execute(_CONNECT, organization, saml)
    await connection.execute(_ENFORCE, organization, saml)
    await connection.execute(_RENEW, organization)
    return saml
