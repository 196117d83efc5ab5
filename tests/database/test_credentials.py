"""Who calls: found by digest, kept for a moment, never beyond a known end."""

from datetime import UTC, datetime, timedelta

import pytest

from scimserver.access import connections, credentials, tokens
from scimserver.access.connections import Connection, Dialect
from scimserver.access.credentials import Credentials, Ended
from scimserver.db.pool import Database
from scimserver.directory import organizations
from scimserver.kernel.actor import Origin, operator
from scimserver.kernel.errors import Unauthenticated
from scimserver.kernel.ids import OrganizationId
from scimserver.kernel.secrets import digest
from scimserver.work import WorkRoom

ORIGIN = Origin(request_id="tests")
NOW = datetime.now(UTC)
SECOND = timedelta(seconds=1)


class Tokens:
    """An organisation with a connection, whose tokens come and go."""

    def __init__(self, room: WorkRoom, organization: OrganizationId, connection: Connection) -> None:
        self.room, self.organization, self.connection = room, organization, connection

    async def issue(self, expires: datetime | None = None) -> str:
        async with self.room.open(operator("tests", self.organization), ORIGIN) as work:
            _, secret = await tokens.issue(work, self.connection, expires=expires)
        return secret

    async def revoke_all(self) -> None:
        for token in await tokens.every(self.room.database, self.organization):
            async with self.room.open(operator("tests", self.organization), ORIGIN) as work:
                await tokens.revoke(work, token)


@pytest.fixture
async def issued(database: Database) -> Tokens:
    room = WorkRoom(database)
    async with room.open(operator("tests"), ORIGIN) as work:
        organization = (await organizations.create(work, name="acme")).id
    async with room.open(operator("tests", organization), ORIGIN) as work:
        connection = await connections.create(work, name="okta", dialect=Dialect.OKTA)
    return Tokens(room, organization, connection)


async def test_revoked_token_is_noticed_when_the_trust_is_over(database: Database, issued: Tokens):
    known, secret = Credentials(database, trusted_for=SECOND), await issued.issue()
    await known.caller(digest(secret), NOW)
    await issued.revoke_all()
    assert (await known.caller(digest(secret), NOW + 0.9 * SECOND)).actor.organization == issued.organization
    with pytest.raises(Ended):
        await known.caller(digest(secret), datetime.now(UTC) + SECOND)


async def test_revoked_token_is_noticed_at_once_where_nothing_is_trusted(database: Database, issued: Tokens):
    known, secret = Credentials(database, trusted_for=timedelta(0)), await issued.issue()
    await known.caller(digest(secret), NOW)
    await issued.revoke_all()
    with pytest.raises(Ended):
        await known.caller(digest(secret), datetime.now(UTC) + SECOND)


async def test_known_end_is_kept_to_the_instant_while_a_token_is_trusted(database: Database, issued: Tokens):
    ends = datetime.now(UTC) + timedelta(hours=1)
    known, secret = Credentials(database, trusted_for=SECOND), await issued.issue(expires=ends)
    await known.caller(digest(secret), ends - 0.1 * SECOND)
    with pytest.raises(Ended):
        await known.caller(digest(secret), ends)


async def test_unknown_secret_is_asked_for_each_time(database: Database, issued: Tokens):
    known = Credentials(database, trusted_for=SECOND)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await known.caller(digest("scim_unknown"), NOW)


async def test_no_more_credentials_are_kept_than_there_is_room_for(
    database: Database, issued: Tokens, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(credentials, "MOST_KEPT", 1)
    known = Credentials(database, trusted_for=SECOND)
    first, second = await issued.issue(), await issued.issue()
    await known.caller(digest(first), NOW)
    await known.caller(digest(second), NOW)
    await issued.revoke_all()
    assert await known.caller(digest(second), NOW)
    with pytest.raises(Ended):
        await known.caller(digest(first), datetime.now(UTC) + SECOND)
