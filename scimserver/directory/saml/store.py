"""SAML connections' rows."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import orjson
from asyncpg import Record

from scimserver.db.pool import Database, Reader
from scimserver.db.queries import load
from scimserver.directory.saml.certificates import parse_certificate
from scimserver.directory.saml.keys import keys_of
from scimserver.directory.saml.model import Provider, SamlConnection, Seen, State, Wanted
from scimserver.kernel.errors import AlreadyTaken
from scimserver.kernel.facts import Change
from scimserver.kernel.ids import OrganizationId, SamlConnectionId
from scimserver.work import Broken, Work

_QUERIES = load("saml")
INSERT = _QUERIES.change("insert_connection")
UPDATE = _QUERIES.change("update_connection")
FORGET_PENDING = _QUERIES.change("forget_pending")
FORGET_LINKS = _QUERIES.change("forget_links")
_CONNECTIONS = _QUERIES["connections"]
_HOLD = _QUERIES["hold_organization"]
_ENFORCED = _QUERIES["enforced_domains"]

BROKEN: Final[Broken] = {
    "saml_connections_name_key": lambda: AlreadyTaken(
        "The organisation has a SAML connection of that name already.", attribute="name"
    ),
    "saml_connections_idp_entity_id_key": lambda: AlreadyTaken(
        "Another SAML connection of the organisation has the entity id of this metadata:"
        " refresh that one, or have the identity provider use another entity id.",
        attribute="metadata",
    ),
}


def columns(connection: SamlConnection) -> tuple[object, ...]:
    """The columns of a connection, in the order in which the queries list them."""
    provider, wanted = connection.provider, connection.wanted
    return (
        wanted.name,
        connection.state.value,
        provider.entity_id,
        provider.sso_url,
        [each.pem for each in provider.certificates],
        wanted.metadata_url,
        connection.fetched,
        wanted.allow_unsolicited,
        wanted.authenticated_within,
        wanted.reset_uri,
        wanted.contact,
        wanted.sign_requests,
        wanted.jit,
        wanted.external_id_attribute,
        wanted.takes_names,
    )


async def find(database: Database, organization: OrganizationId, name: str) -> SamlConnection | None:
    """The connection of that name."""
    row = await database.fetchrow(_CONNECTIONS, organization, None, name)
    return _connection(row) if row else None


async def get(
    reader: Reader, organization: OrganizationId, connection: SamlConnectionId
) -> SamlConnection | None:
    """The connection of that id."""
    row = await reader.fetchrow(_CONNECTIONS, organization, connection, None)
    return _connection(row) if row else None


async def every(database: Database, organization: OrganizationId) -> list[SamlConnection]:
    """The organisation's connections, by name."""
    return [_connection(row) for row in await database.fetch(_CONNECTIONS, organization, None, None)]


def pending_text(changes: Sequence[Change]) -> str | None:
    """What would change, as it is kept; None where nothing would."""
    return orjson.dumps([list(change) for change in changes]).decode() if changes else None


def parse_pending(text: str | None) -> tuple[Change, ...]:
    """What would change, as it was kept."""
    return tuple(Change(*each) for each in orjson.loads(text)) if text else ()


async def hold_organization(work: Work) -> None:
    """Keep how an organisation's people sign in as it is until the work ends."""
    await (await work.begin()).fetch(_HOLD, work.actor.organization)


async def enforced(work: Work, connection: SamlConnectionId) -> list[str]:
    """Where all sign in by a connection; it stays so where the organisation is held."""
    transaction = await work.begin()
    rows = await transaction.fetch(_ENFORCED, work.actor.organization, connection)
    return [row["domain"] for row in rows]


def _connection(row: Record) -> SamlConnection:
    within: timedelta = row["authenticated_within"]
    return SamlConnection(
        id=SamlConnectionId(row["id"]),
        state=State(row["state"]),
        provider=Provider(
            entity_id=row["idp_entity_id"],
            sso_url=row["sso_url"],
            certificates=tuple(map(parse_certificate, row["certificates"])),
        ),
        wanted=Wanted(
            name=row["name"],
            metadata_url=row["metadata_url"],
            allow_unsolicited=row["allow_unsolicited"],
            authenticated_within=within,
            reset_uri=row["reset_uri"],
            contact=row["contact"],
            sign_requests=row["sign_requests"],
            jit=row["jit"],
            external_id_attribute=row["external_id_attribute"],
            takes_names=row["takes_names"],
        ),
        fetched=row["fetched"],
        version=row["version"],
        created=row["created"],
        last_modified=row["last_modified"],
        tried=row["tried"],
        seen=Seen(
            looked=row["looked"],
            checked=row["metadata_checked"],
            failure=row["metadata_failure"],
            pending=parse_pending(row["metadata_pending"]),
        ),
        keys=keys_of(row["keys"]),
    )
