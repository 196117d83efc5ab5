"""What is not served: unknown paths and verbs, and the form of every refusal (RFC 7644, section 3.12)."""

from typing import Any

import pytest

from tests.serving import ERROR, USER, ScimClient, fresh_address, replace

UNKNOWN = "0190b4f0-0000-7000-8000-000000000000"


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


@pytest.mark.parametrize("accept", ["application/json", "application/scim+json", "text/html", "*/*", ""])
async def test_answer_is_scim_whatever_is_accepted(scim: ScimClient, accept: str):
    answer = await scim.request("GET", "/Users", headers={"Accept": accept})
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/scim+json")


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
