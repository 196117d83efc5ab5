"""Bodies of requests: media types, strict JSON, sizes, encodings (RFC 7644, sections 3.8 and 3.12)."""

import gzip
import json
from collections.abc import AsyncGenerator
from io import BytesIO
from typing import Any

import pytest

from scimserver.directory.limits import MAX_DOCUMENT_OCTETS
from tests.serving import ERROR, ScimClient


@pytest.mark.parametrize("method,path", [("POST", "/Users"), ("POST", "/Users/.search"), ("POST", "/Groups")])
@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
async def test_body_of_another_media_type_is_415(scim: ScimClient, method: str, path: str, media_type: str):
    answer = await scim.request(method, path, {}, headers={"Content-Type": media_type})
    assert answer.error == (415, None)


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


@pytest.mark.parametrize("path,kibibytes", [("/Users", 255), ("/Groups", 2048)])
async def test_body_within_the_limit_is_taken(scim: ScimClient, path: str, kibibytes: int):
    assert (await upload(scim, path, BytesIO(large(kibibytes))))[0] == 201


async def test_body_that_makes_a_user_larger_than_is_stored_is_refused(scim: ScimClient):
    status, body = await upload(scim, "/Users", BytesIO(large(1023)))
    assert (status, body["scimType"]) == (400, "invalidValue")
    assert str(MAX_DOCUMENT_OCTETS) in body["detail"]


async def test_body_without_a_length_is_limited_too(scim: ScimClient):
    async def parts() -> AsyncGenerator[bytes]:
        for _ in range(40):
            yield b"x" * 65536

    assert (await upload(scim, "/Users", parts()))[0] == 413


@pytest.mark.parametrize("body", [b"{}", b"no gzip", gzip.compress(b"x" * 10_000_000)])
@pytest.mark.parametrize("encoding", ["gzip", "GZip", "deflate", "br", "zstd", "identity, gzip", "x"])
async def test_encoded_body_is_415_and_told_that_none_is_taken(scim: ScimClient, encoding: str, body: bytes):
    answer = await scim.request("POST", "/Users", raw=body, headers={"Content-Encoding": encoding})
    assert answer.error == (415, None)
    assert answer.headers["Accept-Encoding"] == "identity"


async def test_body_that_says_it_is_not_encoded_is_taken(scim: ScimClient):
    body = b'{"userName": "anna@example.com"}'
    answer = await scim.request("POST", "/Users", raw=body, headers={"Content-Encoding": "identity"})
    assert answer.status == 201


LONG = "x" * 4000


@pytest.mark.parametrize(
    "path,body,attribute",
    [
        ("/Users", {"displayName": LONG}, "displayName"),
        ("/Users", {"externalId": LONG}, "externalId"),
        ("/Users", {"name": {"familyName": LONG}}, "name.familyName"),
        ("/Users", {"displayName": "\u5bc6" * 400}, "displayName"),
        ("/Groups", {"displayName": LONG}, "displayName"),
        ("/Groups", {"displayName": "Support", "externalId": LONG}, "externalId"),
    ],
)
async def test_value_too_long_to_be_found_again_is_refused(
    scim: ScimClient, path: str, body: dict[str, Any], attribute: str
):
    answer = await scim.post(path, {"userName": "anna@example.com", **body} if path == "/Users" else body)
    assert answer.error == (400, "invalidValue")
    assert attribute in answer.json["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"displayName": LONG[:1000], "externalId": LONG[:1000], "name": {"familyName": LONG[:1000]}},
        {"title": LONG, "emails": [{"value": LONG}], "phoneNumbers": [{"value": LONG}]},
    ],
)
async def test_long_value_is_taken(scim: ScimClient, body: dict[str, Any]):
    user = await scim.make_user("anna@example.com", **body)
    assert {name: user.json[name] for name in body} == body
