"""Hashing passwords takes a processor a while: what waits is bounded, and nothing else waits with it."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import asyncpg
import pytest_asyncio

from scimserver.access.connections import Passwords
from scimserver.db.pool import Database
from tests.serving import Answer, Installation, ScimClient, fresh_address, running

PASSWORD = "seventeen blue socks"
QUEUE = 2
SLOW: dict[str, Any] = {"password_queue": QUEUE, "password_passes": 30}
"""Half a second for each password, of which two may wait while one is hashed."""


@pytest_asyncio.fixture(loop_scope="session")
async def busy(database: Database) -> AsyncGenerator[tuple[Installation, ScimClient]]:
    """An application that hashes slowly, and a connection that takes passwords."""
    # As one of so many processes, it has one thread on every machine.
    async with running(database, workers=256, **SLOW) as installation:
        organization = await installation.organization()
        yield installation, await installation.client(organization, passwords=Passwords.ACCEPT)


async def made(scim: ScimClient) -> Answer:
    return await scim.post("/Users", {"userName": fresh_address(), "password": PASSWORD})


async def test_beyond_the_queue_clients_are_told_to_come_back_and_nothing_changes(
    busy: tuple[Installation, ScimClient], connection: asyncpg.Connection
):
    installation, scim = busy
    answers = await asyncio.gather(*(made(scim) for _ in range(8)))
    refused = [answer for answer in answers if answer.status == 503]
    assert [answer.status for answer in answers if answer.status != 503] == [201] * (QUEUE + 1)
    assert len(refused) == 8 - (QUEUE + 1)
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert await connection.fetchval("SELECT count(*) FROM users") == QUEUE + 1
    for answer in refused:
        [logged] = await installation.log(scim.organization, request_id=answer.headers["X-Request-Id"])
        assert (logged.entry["event"], logged.entry["outcome"]) == ("user.create", "failure")
    assert (await made(scim)).status == 201


async def test_reads_and_other_writes_go_on_while_all_threads_hash(busy: tuple[Installation, ScimClient]):
    _, scim = busy
    user = await scim.make_user()
    hashing = [asyncio.create_task(made(scim)) for _ in range(QUEUE + 1)]
    for _ in range(20):
        assert (await scim.get(f"/Users/{user.id}")).status == 200
    assert (await scim.find('userName sw "user"')).status == 200
    assert (await scim.make_user()).status == 201
    assert not all(task.done() for task in hashing)
    assert [answer.status for answer in await asyncio.gather(*hashing)] == [201] * (QUEUE + 1)


async def test_passwords_that_wait_hold_no_connection_to_the_database(database: Database):
    """The pool has five: with one for each of ten that wait, nothing else would be answered."""
    async with running(database, workers=256, password_queue=10, password_passes=10) as installation:
        organization = await installation.organization()
        scim = await installation.client(organization, passwords=Passwords.ACCEPT)
        hashing = [asyncio.create_task(made(scim)) for _ in range(10)]
        answers = await asyncio.gather(*(scim.get("/Users") for _ in range(10)))
        assert [answer.status for answer in answers] == [200] * 10
        assert sum(task.done() for task in hashing) < 5
        assert [answer.status for answer in await asyncio.gather(*hashing)] == [201] * 10
