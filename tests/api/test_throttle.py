"""Limits over HTTP: 429 in SCIM's form, what the log says, who is not affected (RFC 6585, section 4)."""

from collections.abc import AsyncGenerator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from scimserver.app import TIDYING
from scimserver.db.pool import Database
from tests.serving import Answer, Installation, ScimClient, replace, running

HOURLY = 1 / 3600
"""So low a rate that nothing comes back during a test."""
FAMILIAR_PROXY = "192.0.2.7"


@pytest_asyncio.fixture(loop_scope="session")
async def narrow(database: Database) -> AsyncGenerator[Installation]:
    """An application with low limits behind a proxy on this machine."""
    limits = {"rate_limit": HOURLY, "rate_burst": 3, "failure_burst": 3, "failure_seconds": 3600}
    async with running(database, trusted_proxies=("127.0.0.0/8",), **limits) as installation:
        yield installation


@pytest_asyncio.fixture(loop_scope="session")
async def client(narrow: Installation) -> ScimClient:
    """A connection that has sent nothing yet."""
    return await narrow.client(await narrow.organization())


async def used_up(client: ScimClient) -> None:
    """Send as much as the client may."""
    for _ in range(3):
        assert (await client.get("/Users")).status == 200


async def ask(client: ScimClient, token: str, address: str = FAMILIAR_PROXY, **request: Any) -> Answer:
    """A call with a token from an address."""
    headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": address}
    return await client.request(request.get("method", "GET"), "/Users", request.get("body"), headers=headers)


async def failed(client: ScimClient, times: int = 3, address: str = FAMILIAR_PROXY) -> None:
    """Fail so often from an address."""
    for number in range(times):
        assert (await ask(client, f"wrong {number}", address)).status == 401


async def log_of(installation: Installation, *organization: Any) -> list[tuple[Any, ...]]:
    """What the log says, after what was only counted has been written: event, reason, status, how often."""
    application = installation.http.app
    assert application is not None
    await application[TIDYING].once(last=True)
    return [
        (entry.entry["event"], entry.entry["reason"], entry.entry["status"], entry.entry.get("count", 1))
        for entry in await installation.log(*organization)
        if entry.entry["outcome"] == "failure"
    ]


# --- Requests of a connection ---------------------------------------------------------------------


@pytest.mark.parametrize("method,path", [("GET", "/Users"), ("POST", "/Users"), ("GET", "/Schemas")])
async def test_request_beyond_the_limit_is_429_with_the_seconds_to_wait(
    client: ScimClient, method: str, path: str
):
    await used_up(client)
    answer = await client.request(method, path)
    assert answer.error == (429, None)
    assert answer.headers["Content-Type"].startswith("application/scim+json")
    assert 3590 <= int(answer.headers["Retry-After"]) <= 3600
    assert "3 at once" in answer.json["detail"]


async def test_change_beyond_the_limit_is_not_made(narrow: Installation, client: ScimClient):
    user = await client.make_user()
    await client.get("/Users")
    await client.get("/Users")
    assert (await client.patch(f"/Users/{user.id}", replace("title", "x"))).status == 429
    neighbour = await narrow.client(client.organization)
    assert (await neighbour.get(f"/Users/{user.id}")).json == user.json


async def test_neighbour_is_not_affected(narrow: Installation, client: ScimClient):
    neighbour = await narrow.client(client.organization)
    stranger = await narrow.client(await narrow.organization(domain="example.org"))
    await used_up(client)
    assert (await client.get("/Users")).status == 429
    await used_up(neighbour)
    await used_up(stranger)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_what_operators_watch_is_not_limited(narrow: Installation, path: str):
    for _ in range(20):
        async with narrow.http.get(path) as response:
            assert response.status == 200


async def test_changes_beyond_the_limit_are_counted_in_the_log(narrow: Installation, client: ScimClient):
    await used_up(client)
    for _ in range(5):
        await client.post("/Users", {"userName": "bo@example.com"})
    await client.delete("/Users/0192f0c4-0000-7000-8000-000000000000")
    assert await log_of(narrow, client.organization) == [
        ("user.create", "rate_limited", 429, 1),
        ("user.delete", "rate_limited", 429, 1),
        ("user.create", "rate_limited", 429, 4),
    ]


async def test_reads_beyond_the_limit_are_not_in_the_log(narrow: Installation, client: ScimClient):
    await used_up(client)
    await client.get("/Users")
    assert await log_of(narrow, client.organization) == []


async def test_entry_says_whose_attempt_it_was(narrow: Installation, client: ScimClient):
    await used_up(client)
    await client.post("/Users", {"userName": "bo@example.com"})
    [entry] = await narrow.log(client.organization)
    assert entry.entry["actor"]["connection"] == str(client.connection.id)


async def test_refusals_are_in_the_metrics(narrow: Installation, client: ScimClient):
    await used_up(client)
    await client.get("/Users")
    await failed(client)
    await ask(client, "wrong")
    async with narrow.http.get("/metrics") as response:
        text = await response.text()
    assert 'scimserver_throttled_total{reason="rate_limited"} 1.0' in text
    assert 'scimserver_throttled_total{reason="too_many_failures"} 1.0' in text


# --- Failures of an address -----------------------------------------------------------------------


async def test_address_that_failed_too_often_is_429_with_the_seconds_to_wait(client: ScimClient):
    await failed(client)
    answer = await ask(client, "wrong")
    assert answer.error == (429, None)
    assert 3590 <= int(answer.headers["Retry-After"]) <= 3600
    assert "WWW-Authenticate" not in answer.headers


async def test_credential_that_was_good_passes_from_an_address_that_fails(client: ScimClient):
    assert (await ask(client, client.token)).status == 200
    await failed(client)
    assert (await ask(client, client.token)).status == 200


async def test_new_credential_waits_at_an_address_that_fails(narrow: Installation, client: ScimClient):
    await failed(client)
    other = await narrow.client(client.organization)
    assert (await ask(client, other.token)).status == 429
    assert (await ask(client, other.token, "192.0.2.8")).status == 200


async def test_credential_that_is_in_use_passes_after_a_restart(database: Database, client: ScimClient):
    async with running(database, trusted_proxies=("127.0.0.0/8",), failure_burst=3) as restarted:
        again = ScimClient(restarted.http, client.token, client.organization, client.connection)
        await failed(again)
        assert (await ask(again, "wrong")).status == 429
        assert (await ask(again, client.token)).status == 200


@pytest.mark.parametrize("column", ["expires", "revoked"])
async def test_credential_that_has_ended_is_not_recalled(
    database: Database, connection: asyncpg.Connection, client: ScimClient, column: str
):
    await connection.execute(f"UPDATE api_tokens SET {column} = now() - interval '1 second'")
    async with running(database, trusted_proxies=("127.0.0.0/8",), failure_burst=3) as restarted:
        again = ScimClient(restarted.http, client.token, client.organization, client.connection)
        await failed(again)
        assert (await ask(again, client.token)).status == 429


async def test_other_addresses_are_not_affected(client: ScimClient):
    await failed(client)
    await failed(client, address="198.51.100.1")


async def test_addresses_of_one_ipv6_network_fail_together(client: ScimClient):
    await failed(client, address="2001:db8:1:2::1")
    assert (await ask(client, "wrong", "2001:db8:1:2::ffff")).status == 429
    await failed(client, address="2001:db8:1:3::1")


async def test_calls_without_a_credential_are_no_failures_of_one(client: ScimClient):
    for _ in range(5):
        async with client.http.get("/scim/v2/Users", headers={"X-Forwarded-For": FAMILIAR_PROXY}) as response:
            assert response.status == 401
    await failed(client)


async def test_refused_addresses_are_counted_in_the_log(narrow: Installation, client: ScimClient):
    await failed(client)
    for _ in range(5):
        await ask(client, "wrong", method="POST", body={"userName": "bo@example.com"})
    assert await log_of(narrow) == [
        ("credential.refuse", "unauthenticated", 401, 1),
        ("credential.refuse", "too_many_failures", 429, 1),
        ("credential.refuse", "unauthenticated", 401, 2),
        ("credential.refuse", "too_many_failures", 429, 4),
    ]
