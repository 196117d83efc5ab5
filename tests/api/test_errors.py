"""What is refused before anybody looks at users: paths, verbs, bodies, credentials (RFC 7644, 3.12)."""

import gzip
import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from scimserver.access import tokens
from scimserver.kernel.actor import Origin, operator
from scimserver.kernel.permissions import Scope
from tests.serving import ERROR, USER, Installation, ScimClient, add, fresh_address, replace

UNKNOWN = "0190b4f0-0000-7000-8000-000000000000"
ORIGIN = Origin(request_id="tests")


@pytest.mark.parametrize(
    "method,path",
    [
        ("GET", "/Nothing"),
        ("POST", "/Nothing"),
        ("GET", "/Groups/a/b"),
        ("PUT", "/Nothing/1"),
        ("GET", f"/Users/{UNKNOWN}"),
        ("PUT", f"/Users/{UNKNOWN}"),
        ("PATCH", f"/Users/{UNKNOWN}"),
        ("DELETE", f"/Users/{UNKNOWN}"),
        ("GET", "/Users/no-uuid"),
        ("GET", "/Users/%00"),
        ("GET", "/Users/%ff"),
        ("GET", "/Users/..%2fGroups"),
        ("GET", f"/Groups/{UNKNOWN}"),
        ("DELETE", f"/Groups/{UNKNOWN}"),
        ("GET", "/Users/" + "x" * 2000),
    ],
)
async def test_what_is_not_there_is_404(scim: ScimClient, method: str, path: str):
    body: dict[str, Any] | None = None
    if method in ("POST", "PUT"):
        body = {"schemas": [USER], "userName": fresh_address()}
    if method == "PATCH":
        body = {"Operations": [replace("title", "x")]}
    answer = await scim.request(method, path, body)
    assert answer.error == (404, None)


async def test_id_is_compared_exactly(scim: ScimClient):
    user = await scim.make_user()
    assert (await scim.get(f"/Users/{user.id.upper()}")).error == (404, None)


async def test_user_is_no_group(scim: ScimClient):
    user = await scim.make_user()
    assert (await scim.get(f"/Groups/{user.id}")).error == (404, None)


@pytest.mark.parametrize(
    "method,path,allowed",
    [
        ("PUT", "/Users", {"GET", "POST"}),
        ("PATCH", "/Users", {"GET", "POST"}),
        ("DELETE", "/Users", {"GET", "POST"}),
        ("POST", f"/Users/{UNKNOWN}", {"GET", "PUT", "PATCH", "DELETE"}),
        ("POST", "/Schemas", {"GET"}),
        ("PUT", "/ServiceProviderConfig", {"GET"}),
        ("DELETE", "/ResourceTypes", {"GET"}),
        ("DELETE", "/", {"GET"}),
        ("GET", "/Bulk", {"POST"}),
    ],
)
async def test_verb_that_a_path_does_not_have_is_405(
    scim: ScimClient, method: str, path: str, allowed: set[str]
):
    answer = await scim.request(method, path, {})
    assert answer.status == 405
    assert answer.json["schemas"] == [ERROR]
    assert allowed <= {name.strip() for name in answer.headers["Allow"].split(",")}


async def test_bulk_is_501_while_it_is_announced_as_unsupported(scim: ScimClient):
    assert (await scim.post("/Bulk", {"Operations": []})).error == (501, None)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_me_is_refused_with_a_reason(scim: ScimClient, method: str):
    answer = await scim.request(method, "/Me", None if method in ("GET", "DELETE") else {})
    assert answer.error == (403, None)
    assert "/Users" in answer.json["detail"]


@pytest.mark.parametrize("method,path", [("POST", "/Users"), ("POST", "/Users/.search"), ("POST", "/Groups")])
@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
async def test_body_of_another_media_type_is_415(scim: ScimClient, method: str, path: str, media_type: str):
    answer = await scim.request(method, path, {}, headers={"Content-Type": media_type})
    assert answer.error == (415, None)


@pytest.mark.parametrize("accept", ["application/json", "application/scim+json", "text/html", "*/*", ""])
async def test_answer_is_scim_whatever_is_accepted(scim: ScimClient, accept: str):
    answer = await scim.request("GET", "/Users", headers={"Accept": accept})
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/scim+json")


BODIES: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("no JSON", b"userName=anna"),
    ("cut off", b'{"userName": "anna@example.com"'),
    ("a list", b'[{"userName": "anna@example.com"}]'),
    ("null", b"null"),
    ("text", b'"anna@example.com"'),
    ("a name twice", b'{"userName": "anna@example.com", "userName": "bo@example.com"}'),
    ("a name twice, without case", b'{"userName": "anna@example.com", "USERNAME": "bo@example.com"}'),
    ("NUL", b'{"userName": "anna@example.com", "title": "a\\u0000b"}'),
    ("half a character", b'{"userName": "anna@example.com", "title": "\\ud800"}'),
    ("no UTF-8", b'{"userName": "anna@example.com", "title": "\xff"}'),
    ("NaN", b'{"userName": "anna@example.com", "title": NaN}'),
    ("a number with too many digits", b'{"userName": "anna@example.com", "title": 1%s}' % (b"0" * 99)),
    ("deep nesting", b'{"a":' * 99 + b"1" + b"}" * 99),
    ("a byte order mark", b'\xef\xbb\xbf{"userName": "anna@example.com"}'),
]


@pytest.mark.parametrize("verb", ["POST", "PATCH"])
@pytest.mark.parametrize("body", [row[1] for row in BODIES], ids=[row[0] for row in BODIES])
async def test_body_that_is_no_sound_json_is_refused(scim: ScimClient, verb: str, body: bytes):
    path = "/Users" if verb == "POST" else f"/Users/{(await scim.make_user()).id}"
    answer = await scim.request(verb, path, raw=body)
    assert answer.error == (400, "invalidSyntax")


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"filter": 1, "filter": 2}', b'{"filter": "\\u0000"}'])
async def test_search_body_that_is_no_sound_json_is_refused(scim: ScimClient, body: bytes):
    assert (await scim.request("POST", "/Users/.search", raw=body)).error == (400, "invalidSyntax")


async def test_refusal_of_a_body_repeats_no_value(scim: ScimClient):
    body = b'{"userName": "anna@example.com", "title": "secret-title", "title": "secret-title"}'
    assert "secret" not in (await scim.request("POST", "/Users", raw=body)).text


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer scim_" + "x" * 43},
        {"Authorization": "Bearer ' OR 1=1 --"},
        {"Authorization": "Bearer \u00e4\u00f6\u00fc"},
    ],
)
@pytest.mark.parametrize("method,path", [("GET", "/Users"), ("POST", "/Nothing")])
async def test_call_without_a_sound_credential_is_401_with_a_challenge(
    scim: ScimClient, headers: dict[str, str], method: str, path: str
):
    answer = await scim.request(method, path, headers=headers)
    assert answer.error == (401, None)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


async def test_call_without_a_credential_is_401(scim: ScimClient):
    async with scim.http.get("/scim/v2/Users") as response:
        assert response.status == 401
        assert "WWW-Authenticate" in response.headers


async def test_call_with_two_credentials_is_401(scim: ScimClient):
    bearer = f"Bearer {scim.token}"
    headers = [("Authorization", bearer), ("Authorization", bearer)]
    async with scim.http.get("/scim/v2/Users", headers=headers) as response:
        assert response.status == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_scheme_of_the_credential_is_compared_without_case(scim: ScimClient, scheme: str):
    answer = await scim.request("GET", "/Users", headers={"Authorization": f"{scheme} {scim.token}"})
    assert answer.status == 200


@pytest.mark.parametrize(
    "ending",
    ["UPDATE api_tokens SET expires = $1", "UPDATE api_tokens SET revoked = $1"],
    ids=["expired", "revoked"],
)
async def test_credential_that_has_ended_is_like_an_unknown_one(
    scim: ScimClient, connection: asyncpg.Connection, ending: str
):
    unknown = await scim.request("GET", "/Users", headers={"Authorization": "Bearer wrong"})
    await connection.execute(ending, datetime.now(UTC) - timedelta(seconds=1))
    ended = await scim.get("/Users")
    assert (ended.status, ended.json) == (401, unknown.json)


async def test_credential_ends_when_it_is_revoked(
    installation: Installation, scim: ScimClient, connection: asyncpg.Connection
):
    token: UUID = await connection.fetchval("SELECT id FROM api_tokens")
    found = await tokens.find(installation.database, scim.organization, tokens.TokenId(token))
    async with installation.room.open(operator("tests", scim.organization), ORIGIN) as work:
        await tokens.revoke(work, found)
    assert (await scim.get("/Users")).status == 401


async def test_credential_that_ends_later_still_works(scim: ScimClient, connection: asyncpg.Connection):
    later = datetime.now(UTC) + timedelta(hours=1)
    await connection.execute("UPDATE api_tokens SET expires = $1, revoked = $1", later)
    assert (await scim.get("/Users")).status == 200


WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/Users", {"userName": "bo@example.com"}),
    ("PUT", "/Users/{user}", {"userName": "bo@example.com"}),
    ("PATCH", "/Users/{user}", {"Operations": [replace("title", "x")]}),
    ("DELETE", "/Users/{user}", None),
    ("POST", "/Groups", {"displayName": "Sales"}),
    ("PATCH", "/Groups/{group}", {"Operations": [add("members", [])]}),
    ("DELETE", "/Groups/{group}", None),
]


@pytest.mark.parametrize("method,path,body", WRITES)
async def test_token_that_may_only_read_may_not_write(
    installation: Installation, scim: ScimClient, method: str, path: str, body: Any
):
    user, group = await scim.make_user(), await scim.make_group("Support")
    reader = await installation.client(scim.organization, scopes=frozenset({Scope.SCIM_READ}))
    answer = await reader.request(method, path.format(user=user.id, group=group.id), body)
    assert answer.error == (403, None)
    assert (await scim.get(f"/Users/{user.id}")).json == user.json
    assert (await scim.get(f"/Groups/{group.id}")).json == group.json


@pytest.mark.parametrize("path", ["/Users", "/Groups", "/", "/Schemas", "/Users/{user}"])
async def test_token_that_may_only_read_may_read(installation: Installation, scim: ScimClient, path: str):
    user = await scim.make_user()
    reader = await installation.client(scim.organization, scopes=frozenset({Scope.SCIM_READ}))
    assert (await reader.get(path.format(user=user.id))).status == 200


@pytest.mark.parametrize("path", ["/Users", "/Groups", "/"])
async def test_token_that_may_not_read_may_not_read(installation: Installation, scim: ScimClient, path: str):
    other = await installation.client(scim.organization, scopes=frozenset({Scope.ROLES_ASSIGN}))
    assert (await other.get(path)).error == (403, None)


def large(kibibytes: int) -> bytes:
    """A creation of about that size."""
    body = {"userName": "anna@example.com", "displayName": "Anna", "title": "x" * 1024 * kibibytes}
    return json.dumps(body).encode()


async def upload(scim: ScimClient, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    """The status and body of the answer to a large POST."""
    sent = {"Authorization": f"Bearer {scim.token}", "Content-Type": "application/scim+json", **headers}
    async with scim.http.post("/scim/v2" + path, data=body, headers=sent) as response:
        return response.status, await response.json(content_type=None)


@pytest.mark.parametrize(
    "path,kibibytes", [("/Users", 1024), ("/Groups", 16 * 1024), ("/Users/.search", 1024)]
)
async def test_body_over_the_limit_is_413(scim: ScimClient, path: str, kibibytes: int):
    status, body = await upload(scim, path, BytesIO(large(kibibytes)))
    assert (status, body["schemas"], body["status"]) == (413, [ERROR], "413")
    assert str(kibibytes * 1024) in body["detail"]


@pytest.mark.parametrize("path,kibibytes", [("/Users", 1023), ("/Groups", 2048)])
async def test_body_within_the_limit_is_taken(scim: ScimClient, path: str, kibibytes: int):
    assert (await upload(scim, path, BytesIO(large(kibibytes))))[0] == 201


async def test_body_without_a_length_is_limited_too(scim: ScimClient):
    async def parts() -> AsyncGenerator[bytes]:
        for _ in range(40):
            yield b"x" * 65536

    assert (await upload(scim, "/Users", parts()))[0] == 413


async def test_compressed_body_is_limited_by_what_it_becomes(scim: ScimClient):
    body = gzip.compress(large(4096))
    assert (await upload(scim, "/Users", body, **{"Content-Encoding": "gzip"}))[0] == 413


async def test_compressed_body_is_understood(scim: ScimClient):
    body = gzip.compress(b'{"userName": "anna@example.com"}')
    assert (await upload(scim, "/Users", body, **{"Content-Encoding": "gzip"}))[0] == 201


async def test_compressed_body_that_is_broken_is_refused(scim: ScimClient):
    answer = await scim.request("POST", "/Users", raw=b"no gzip", headers={"Content-Encoding": "gzip"})
    assert answer.error == (400, "invalidSyntax")


@pytest.mark.parametrize(
    "method,path", [("GET", "/Users"), ("GET", "/Nothing"), ("POST", "/Users"), ("DELETE", "/Users")]
)
async def test_every_answer_is_kept_out_of_caches_and_guesses(scim: ScimClient, method: str, path: str):
    headers = (await scim.request(method, path)).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_get_ignores_a_body(scim: ScimClient):
    assert (await scim.request("GET", "/Users", raw=b"not JSON")).status == 200


@pytest.mark.parametrize("path", ["/users", "/USERS", "/Users/"])
async def test_endpoint_is_found_however_it_is_written(scim: ScimClient, path: str):
    assert (await scim.get(path)).status == 200
