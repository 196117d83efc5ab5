"""Who a log entry says it was, from where; refused credentials; where personal data stands."""

import asyncio
import re

import asyncpg
import pytest

from scimserver.app import TIDYING
from scimserver.db.pool import Database
from scimserver.kernel.ids import INSTALLATION
from tests import serving
from tests.serving import Answer, Installation, ScimClient, replace

WRONG = {"Authorization": "Bearer wrong"}


async def test_entry_says_who_and_with_which_credential(
    installation: Installation, scim: ScimClient, connection: asyncpg.Connection
):
    await scim.make_user()
    [logged] = await installation.log(scim.organization)
    assert logged.entry["actor"] == {
        "kind": "connection",
        "name": scim.connection.name,
        "connection": str(scim.connection.id),
        "credential": str(await connection.fetchval("SELECT id FROM api_tokens")),
    }


async def create(scim: ScimClient, **headers: str) -> Answer:
    """The answer to a creation with these headers."""
    return await scim.request("POST", "/Users", {"userName": "anna@example.com"}, headers=headers)


async def test_entry_says_which_request_it_was(installation: Installation, scim: ScimClient):
    await create(scim, **{"X-Request-Id": "request-0001", "User-Agent": "Okta SCIM Client 1.0.0"})
    [logged] = await installation.log(scim.organization)
    request = logged.entry["request"]
    assert request["id"] == "request-0001"
    assert request["user_agent"] == "Okta SCIM Client 1.0.0"
    assert (request["method"], request["path"]) == ("POST", "/Users")
    assert logged.personal["client"] == "127.0.0.1"


async def test_answer_carries_the_request_id_of_the_client(scim: ScimClient):
    answer = await scim.request("GET", "/Users", headers={"X-Request-Id": "request-0001"})
    assert answer.headers["X-Request-Id"] == "request-0001"


@pytest.mark.parametrize("sent", ["short", "has spaces in it", "a" * 129, "ä-request-id"])
async def test_request_id_that_is_not_sound_is_replaced(scim: ScimClient, sent: str):
    answer = await scim.request("GET", "/Users", headers={"X-Request-Id": sent})
    assert re.fullmatch("[0-9a-f]{16}-[0-9a-f]{16}", answer.headers["X-Request-Id"])


async def test_fresh_request_ids_differ(scim: ScimClient):
    answers = [await scim.get("/Users") for _ in range(3)]
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == 3


@pytest.mark.parametrize("agent", ["", "x" * 5000, "Grüße", "a\tb"])
async def test_any_user_agent_is_taken(installation: Installation, scim: ScimClient, agent: str):
    assert (await create(scim, **{"User-Agent": agent})).status == 201
    [logged] = await installation.log(scim.organization)
    assert logged.entry["request"].get("user_agent", "") == agent[:200]


async def test_user_agent_that_is_no_text_is_taken(installation: Installation, scim: ScimClient):
    body = b'{"userName": "anna@example.com"}'
    answer = await raw_request(
        scim,
        b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Authorization: Bearer " + scim.token.encode() + b"\r\nUser-Agent: a\xff\xfeb\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body,
    )
    assert answer.startswith(b"HTTP/1.1 201 ")
    [logged] = await installation.log(scim.organization)
    agent = logged.entry["request"]["user_agent"]
    assert (agent[0], agent[-1]) == ("a", "b")


async def raw_request(scim: ScimClient, request: bytes) -> bytes:
    """What the server answers to these bytes."""
    reader, writer = await asyncio.open_connection(scim.http.host, scim.http.port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    "trusted,forwarded,client",
    [
        ("", "203.0.113.7", "127.0.0.1"),
        ("10.0.0.0/8", "203.0.113.7", "127.0.0.1"),
        ("127.0.0.0/8", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.0/8", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.0/8,203.0.113.0/24", "198.51.100.1, 203.0.113.7", "198.51.100.1"),
        ("127.0.0.0/8", "2001:db8::7", "2001:db8::7"),
        ("127.0.0.0/8", "", "127.0.0.1"),
        ("127.0.0.0/8", "<script>", None),
    ],
)
async def test_client_address_is_taken_from_trusted_proxies_only(
    database: Database, trusted: str, forwarded: str, client: str | None
):
    async with serving.running(database, trusted_proxies=trusted) as installation:
        scim = await installation.client(await installation.organization())
        await create(scim, **({"X-Forwarded-For": forwarded} if forwarded else {}))
        [logged] = await installation.log(scim.organization)
    assert logged.personal.get("client") == client


async def test_refused_credentials_are_listed_once_and_then_counted(
    installation: Installation, scim: ScimClient
):
    for _ in range(50):
        assert (await scim.request("GET", "/Users", headers=WRONG)).status == 401
    [first] = await installation.log(INSTALLATION)
    await installation.http.app[TIDYING].once(last=True)
    [_, rest] = await installation.log(INSTALLATION)
    assert (first.entry["event"], first.entry["outcome"]) == ("credential.refuse", "failure")
    assert (first.entry["count"], rest.entry["count"]) == (1, 49)


async def test_refused_credential_is_told_to_the_installation_only(
    installation: Installation, scim: ScimClient
):
    await scim.request("POST", "/Users", {}, headers=WRONG)
    assert await installation.log(scim.organization) == []
    [logged] = await installation.log(INSTALLATION)
    assert logged.entry["actor"]["kind"] == "nobody"


@pytest.mark.parametrize("secret", ["wrong", "scim_" + "x" * 43])
async def test_refused_credential_is_in_no_record(installation: Installation, scim: ScimClient, secret: str):
    await scim.request("GET", "/Users", headers={"Authorization": f"Bearer {secret}"})
    [logged] = await installation.log(INSTALLATION)
    assert secret not in str(logged)


async def test_personal_data_stands_apart_from_the_entries(scim: ScimClient, connection: asyncpg.Connection):
    user = await scim.make_user("anna@example.com", title="Agent", displayName="Anna Berg")
    await scim.make_group("Team Anna", user.id)
    await scim.patch(f"/Users/{user.id}", replace("userName", "anna@elsewhere.test"))
    await scim.patch(f"/Users/{user.id}", replace("title", "Agent"))
    await scim.delete(f"/Users/{user.id}")
    rows = await connection.fetch("SELECT entry FROM log_entries UNION ALL SELECT payload FROM outbox")
    text = "\n".join(row["entry"] for row in rows)
    assert [word for word in ("Anna", "anna", "Agent", "127.0.0.1", "elsewhere") if word in text] == []


async def test_personal_data_is_told_by_subject(scim: ScimClient, connection: asyncpg.Connection):
    user = await scim.make_user("anna@example.com")
    await scim.patch(f"/Users/{user.id}", replace("title", "Lead"))
    await connection.execute("DELETE FROM log_values WHERE subject = $1", user.id)
    left = await connection.fetch("SELECT kept FROM log_values")
    assert [row["kept"] for row in left if "anna" in row["kept"] or "Lead" in row["kept"]] == []
