"""What signing in leaves behind goes when it is of no use any more, and not before."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from scimserver.db.pool import Database
from scimserver.directory.users import User
from scimserver.workers.sweeping import DEVICES_KEPT, EVERY, TRIES_KEPT, Broom
from tests.mailing import House

NOBODY = UUID(int=9)
SECOND = timedelta(seconds=1)
SESSION = """
    INSERT INTO sessions (org_id, digest, id, user_id, method, created, last_used, expires, network, agent)
    VALUES ($1, '\\x01', gen_random_uuid(), $2, 'password', $3, $3, $3, '', '')
"""
TRY = """
    INSERT INTO sign_in_tries (org_id, account, device, failures, latest, next_try)
    VALUES ($1, $2, $3, $4, $5, 'infinity')
"""
DEVICE = "INSERT INTO known_devices (org_id, user_id, digest, last_used) VALUES ($1, $2, $3, $4)"
CONNECTION = """
    INSERT INTO saml_connections (org_id, id, name, state, idp_entity_id, sso_url, certificates,
                                  allow_unsolicited, authenticated_within, contact, created, last_modified)
    VALUES ($1, $2, '', 'testing', '', '', '{}', false, '1 hour', '', now(), now())
"""
REQUEST = "INSERT INTO saml_requests VALUES ($1, $2, 'r', '\\x01', $3, $4, $4)"
ASSERTION = "INSERT INTO saml_assertions VALUES ($1, $2, 'a', $3)"
SOURCE = "INSERT INTO sign_in_sources (source, empty_at) VALUES ('\\x01', $1)"


@pytest.fixture
async def ada(house: House) -> User:
    """A user."""
    return await house.user()


async def swept(house: House, broom: Broom | None = None) -> None:
    """Sweep once."""
    async with house.database.transaction() as transaction:
        await (broom or Broom()).sweep(transaction, house.hands())


async def count(connection: asyncpg.Connection, table: str) -> int:
    return await connection.fetchval(f"SELECT count(*) FROM {table}")


@pytest.mark.parametrize("after,left", [(0 * SECOND, 0), (SECOND, 1)])
async def test_session_goes_at_its_end(house: House, ada: User, after: timedelta, left: int):
    await house.connection.execute(SESSION, house.organization, ada.id, house.hands() + after)
    await swept(house)
    assert await count(house.connection, "sessions") == left


@pytest.mark.parametrize("age,left", [(DEVICES_KEPT + SECOND, 0), (DEVICES_KEPT, 1)])
async def test_device_goes_with_its_cookie(house: House, ada: User, age: timedelta, left: int):
    await house.connection.execute(DEVICE, house.organization, ada.id, b"d", house.hands() - age)
    await swept(house)
    assert await count(house.connection, "known_devices") == left


@pytest.mark.parametrize("age,left", [(SECOND, 0), (-SECOND, 1)])
async def test_address_goes_when_its_failures_are_forgotten(house: House, age: timedelta, left: int):
    await house.connection.execute(SOURCE, house.hands() - age)
    await swept(house)
    assert await count(house.connection, "sign_in_sources") == left


@pytest.mark.parametrize("age,left", [(TRIES_KEPT + SECOND, 0), (TRIES_KEPT, 1)])
async def test_tries_under_a_name_that_nobody_has_go_after_a_day(house: House, age: timedelta, left: int):
    await house.connection.execute(TRY, house.organization, NOBODY, b"", 100, house.hands() - age)
    await swept(house)
    assert await count(house.connection, "sign_in_tries") == left


@pytest.mark.parametrize(
    "device,failures,left",
    [(b"", 1, 1), (b"", 100, 1), (b"known", 1, 1), (b"a session's", 1, 0), (b"", 0, 0)],
)
async def test_tries_of_a_user_stay_where_they_count(
    house: House, ada: User, device: bytes, failures: int, left: int
):
    await house.connection.execute(DEVICE, house.organization, ada.id, b"known", house.hands())
    long_ago = house.hands() - timedelta(days=30)
    await house.connection.execute(TRY, house.organization, ada.id, device, failures, long_ago)
    await swept(house)
    assert await count(house.connection, "sign_in_tries") == left


@pytest.mark.parametrize("after,left", [(0 * SECOND, 0), (SECOND, 1)])
async def test_saml_requests_and_assertions_go_when_nobody_takes_them_any_more(
    house: House, ada: User, after: timedelta, left: int
):
    end = house.hands() + after
    await house.connection.execute(CONNECTION, house.organization, NOBODY)
    await house.connection.execute(REQUEST, house.organization, NOBODY, ada.id, end)
    await house.connection.execute(ASSERTION, house.organization, NOBODY, end)
    await swept(house)
    assert await count(house.connection, "saml_requests") == left
    assert await count(house.connection, "saml_assertions") == left


async def test_sweeping_is_not_done_all_the_time(house: House, database: Database):
    broom = Broom()
    await swept(house, broom)
    await house.connection.execute(SOURCE, house.hands() - SECOND)
    house.hands.now += EVERY - SECOND
    await swept(house, broom)
    assert await count(house.connection, "sign_in_sources") == 1
    house.hands.now += SECOND
    await swept(house, broom)
    assert await count(house.connection, "sign_in_sources") == 0
