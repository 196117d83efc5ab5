"""Sessions for the product's programs: begun with a password, ended, asked about (RFC 7662)."""

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from urllib.parse import urlencode

import asyncpg
import pytest
import pytest_asyncio

from scimserver.access.tokens import DEFAULT_SCOPES
from scimserver.app import TIDYING
from scimserver.db.pool import Database
from scimserver.kernel.ids import INSTALLATION
from scimserver.kernel.permissions import Scope
from tests.federation import federation
from tests.people import ADA, OTHER, PASSWORD, Reception, reception
from tests.recovering import code_of, enrolled
from tests.serving import Answer, ScimClient

ASKING = frozenset({Scope.SESSIONS_INTROSPECT})
CREDENTIALS = {"address": ADA, "password": PASSWORD}


@pytest_asyncio.fixture(loop_scope="session")
async def front(database: Database, connection: asyncpg.Connection) -> AsyncGenerator[Reception]:
    """An organisation `acme`, where people sign in."""
    async with reception(database, connection) as made:
        yield made


async def ask(
    front: Reception,
    method: str,
    path: str,
    data: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request of a program."""
    http = front.installation.http
    async with http.request(method, path, data=data, headers=headers) as response:
        return Answer(response.status, response.headers, await response.text())


async def begin(front: Reception, body: Any = CREDENTIALS, **headers: str) -> Answer:
    """Sign somebody in."""
    sent = {"Content-Type": "application/json", **headers}
    return await ask(front, "POST", "/session", json.dumps(body).encode(), sent)


async def end(front: Reception, secret: str) -> Answer:
    """Sign somebody out."""
    return await ask(front, "DELETE", "/session", headers={"Authorization": f"Bearer {secret}"})


async def introspect(front: Reception, client: ScimClient | None, secret: str, **more: str) -> Answer:
    """Ask about a session."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if client is not None:
        headers["Authorization"] = f"Bearer {client.token}"
    data = urlencode({"token": secret, **more}).encode()
    return await ask(front, "POST", "/session/introspect", data, headers)


def problem(answer: Answer) -> tuple[int, str]:
    """The status and reason of an error; fails for what is no problem of RFC 9457."""
    body = answer.json
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (body["type"], body["status"]) == ("about:blank", answer.status)
    assert body["title"]
    assert body["detail"]
    return answer.status, body["reason"]


# -- signing in ----------------------------------------------------------------


async def test_password_begins_a_session(front: Reception):
    ada = await front.person()
    answer = await begin(front)
    assert answer.status == 201
    assert answer.json == {
        "token": answer.json["token"],
        "expires": "2026-01-02T00:00:00Z",
        "user": {"id": str(ada.id), "userName": ADA},
        "organization": {"id": str(front.organization)},
    }
    assert len(answer.json["token"]) == 64
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


async def test_session_works_in_a_browser_too(front: Reception):
    await front.person()
    secret = (await begin(front)).json["token"]
    assert await front.browser(cookies={"__Host-session": secret}).is_signed_in()


REFUSED = {
    "wrong": {**CREDENTIALS, "password": OTHER},
    "unknown": {**CREDENTIALS, "address": "ghost@example.com"},
    "nowhere": {**CREDENTIALS, "address": "ghost@nowhere.test"},
    "no address": {**CREDENTIALS, "address": "ghost"},
    "other organisation": {**CREDENTIALS, "organization": "globex"},
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
async def test_every_refusal_is_the_same(front: Reception, body: dict[str, str]):
    await front.person()
    answer = await begin(front, body)
    assert problem(answer) == (403, "sign_in_refused")
    assert answer.text == (await begin(front, REFUSED["wrong"])).text


async def test_refusal_of_who_signs_in_by_saml_is_the_same(front: Reception):
    okta = await federation(front)
    await okta.managed()
    answer = await begin(front)
    assert problem(answer) == (403, "sign_in_refused")
    assert answer.text == (await begin(front, REFUSED["unknown"])).text


async def test_password_that_has_to_be_changed_begins_none(front: Reception, connection: asyncpg.Connection):
    await front.person(must_change=True)
    for _ in range(6):
        assert problem(await begin(front)) == (403, "password_change_required")
    assert await connection.fetchval("SELECT count(*) FROM sessions") == 0
    await front.installation.http.app[TIDYING].once(last=True)
    assert await front.reasons(front.organization) == [
        ("session.sign_in", "password_change_required", 1),
        ("session.sign_in", "password_change_required", 5),
    ]
    assert problem(await begin(front, REFUSED["wrong"])) == (403, "sign_in_refused")


async def test_tries_here_and_on_the_page_count_together(front: Reception):
    await front.person()
    for _ in range(5):
        await begin(front, REFUSED["wrong"])
    assert (await front.browser().sign_in()).status == 422


async def test_address_of_the_client_counts_as_the_proxy_says_it(front: Reception):
    await front.person()
    await begin(front, **{"X-Forwarded-For": "203.0.113.9"})
    [logged] = await front.logged("session.sign_in")
    assert logged.personal["client"] == "203.0.113.9"


async def test_address_that_failed_too_often_is_told_to_wait(
    front: Reception, connection: asyncpg.Connection
):
    await begin(front, REFUSED["unknown"])
    await connection.execute(
        "UPDATE sign_in_sources SET empty_at = $1::timestamptz + interval '10 minutes'", front.hands.now
    )
    answer = await begin(front)
    assert problem(answer) == (429, "too_many_failures")
    assert answer.headers["Retry-After"] == "6"


# -- ending --------------------------------------------------------------------


async def test_session_is_ended_by_its_secret(front: Reception):
    await front.person()
    secret = (await begin(front)).json["token"]
    assert (await end(front, secret)).status == 204
    assert problem(await end(front, secret)) == (401, "unauthenticated")
    [logged] = await front.logged("session.end")
    assert logged.entry["actor"]["kind"] == "user"


@pytest.mark.parametrize("secret", ["x", "x" * 64, "scim_" + "x" * 43])
async def test_secret_that_is_none_ends_nothing_and_is_counted(front: Reception, secret: str):
    answer = await end(front, secret)
    assert problem(answer) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert await front.reasons(INSTALLATION) == [("credential.refuse", "unauthenticated", 1)]


async def test_token_of_a_connection_is_no_session(front: Reception):
    client = await front.installation.client(front.organization)
    assert problem(await end(front, client.token)) == (401, "unauthenticated")


async def test_session_is_no_token_of_a_connection(front: Reception):
    await front.person(roles=[{"value": "Admin Role"}])
    secret = (await begin(front)).json["token"]
    answer = await ask(front, "GET", "/scim/v2/Users", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status == 401


async def test_cookie_ends_nothing(front: Reception):
    await front.person()
    secret = (await begin(front)).json["token"]
    answer = await ask(front, "DELETE", "/session", headers={"Cookie": f"__Host-session={secret}"})
    assert problem(answer) == (401, "unauthenticated")
    assert await front.browser(cookies={"__Host-session": secret}).is_signed_in()


# -- asking --------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="session")
async def product(front: Reception) -> ScimClient:
    """A connection that may ask about sessions."""
    return await front.installation.client(front.organization, scopes=ASKING)


async def test_session_that_is_alive_is_told_of(
    front: Reception, product: ScimClient, connection: asyncpg.Connection
):
    ada = await front.person()
    secret = (await begin(front)).json["token"]
    answer = await introspect(front, product, secret, token_type_hint="access_token")
    role = await connection.fetchrow("SELECT id, name FROM roles WHERE name_key = 'minimal permissions'")
    assert role is not None
    assert answer.status == 200
    assert answer.json == {
        "active": True,
        "iss": "https://scim.test",
        "sub": str(ada.id),
        "username": ADA,
        "iat": int(front.hands.now.timestamp()),
        "exp": int(front.hands.now.timestamp()) + 3600,
        "sid": str(await connection.fetchval("SELECT id FROM sessions")),
        "amr": ["pwd"],
        "organization": {"id": str(front.organization), "name": "acme"},
        "role": {"id": str(role["id"]), "name": "Minimal Permissions"},
        "permissions": [],
    }
    assert answer.headers["Cache-Control"] == "no-store"


async def test_session_by_saml_is_told_of_as_one(front: Reception, product: ScimClient):
    okta = await federation(front)
    await okta.managed()
    browser = front.browser()
    await okta.arrive(browser)
    told = (await introspect(front, product, browser.cookies["__Host-session"])).json
    assert (told["active"], told["username"], told["amr"]) == (True, ADA, ["saml"])


async def test_session_by_a_recovery_account_is_told_of_as_one(
    front: Reception, product: ScimClient, connection: asyncpg.Connection
):
    ada = await front.person(roles=[{"value": "Admin Role"}])
    secret = await enrolled(connection, front.organization, ada.id, front.hands())
    browser = front.browser()
    code = code_of(secret, front.hands())
    await browser.submit("/recovery", address=ADA, password=PASSWORD, code=code)
    told = (await introspect(front, product, browser.cookies["__Host-session"])).json
    assert (told["amr"], told["permissions"]) == (["pwd", "otp"], ["domains.manage", "saml.manage"])


async def test_permissions_are_those_of_the_role_now(
    front: Reception, product: ScimClient, connection: asyncpg.Connection
):
    await front.person(roles=[{"value": "Admin Role"}])
    secret = (await begin(front)).json["token"]
    told = (await introspect(front, product, secret)).json["permissions"]
    assert "users.update" in told
    assert "organizations.manage" not in told
    await connection.execute("UPDATE roles SET permissions = '{log.read,of.a.newer.version}'")
    assert (await introspect(front, product, secret)).json["permissions"] == ["log.read"]


async def test_asking_is_using(front: Reception, product: ScimClient):
    await front.person()
    secret = (await begin(front)).json["token"]
    for _ in range(3):
        front.hands.move(minutes=59)
        assert (await introspect(front, product, secret)).json["active"]
    front.hands.move(minutes=60)
    assert (await introspect(front, product, secret)).json == {"active": False}


@pytest.mark.parametrize("secret", ["x", "x" * 64, "x" * 9000, "ä", "\0"], ids=ascii)
async def test_what_is_no_session_is_not_active(front: Reception, product: ScimClient, secret: str):
    assert (await introspect(front, product, secret)).json == {"active": False}


async def test_session_of_another_organisation_is_not_active(front: Reception):
    await front.person()
    other = await front.installation.organization("globex", domain="example.org")
    stranger = await front.installation.client(other, scopes=ASKING)
    secret = (await begin(front)).json["token"]
    assert (await introspect(front, stranger, secret)).text == (
        await introspect(front, stranger, "x" * 64)
    ).text


async def test_session_is_not_active_while_another_password_has_to_be_chosen(
    front: Reception, product: ScimClient
):
    await front.person(must_change=True)
    browser = front.browser()
    await browser.sign_in()
    secret = browser.cookies["__Host-session"]
    assert (await introspect(front, product, secret)).json == {"active": False}
    await browser.submit("/password", current=PASSWORD, new=OTHER, again=OTHER)
    assert (await introspect(front, product, secret)).json["active"]


@pytest.mark.parametrize("end_it", ["deactivate", "delete", "password", "sign out"])
async def test_session_that_was_ended_is_not_active_at_once(
    front: Reception, product: ScimClient, end_it: str
):
    ada = await front.person()
    secret = (await begin(front)).json["token"]
    match end_it:
        case "deactivate":
            await front.change(ada, active=False)
        case "delete":
            await front.delete(ada)
        case "password":
            await front.give(ada, OTHER)
        case _:
            await end(front, secret)
    assert (await introspect(front, product, secret)).json == {"active": False}


async def test_asking_takes_its_own_scope(front: Reception):
    client = await front.installation.client(front.organization, scopes=DEFAULT_SCOPES | {Scope.ROLES_ASSIGN})
    answer = await introspect(front, client, "x" * 64)
    assert problem(answer) == (403, "not_permitted")
    assert "sessions.introspect" in answer.json["detail"]


async def test_scope_of_asking_opens_nothing_else(front: Reception, product: ScimClient):
    assert (await product.get("/Users")).status == 403


async def test_asking_takes_a_token(front: Reception):
    assert problem(await introspect(front, None, "x" * 64)) == (401, "unauthenticated")
    assert await front.reasons(INSTALLATION) == [("credential.refuse", "unauthenticated", 1)]


async def test_asking_is_no_way_around_the_limit_of_a_connection(
    database: Database, connection: asyncpg.Connection
):
    async with reception(database, connection, rate_limit=1 / 3600, rate_burst=1) as front:
        product = await front.installation.client(front.organization, scopes=ASKING)
        assert (await introspect(front, product, "x" * 64)).status == 200
        answer = await introspect(front, product, "x" * 64)
        assert problem(answer) == (429, "rate_limited")
        assert int(answer.headers["Retry-After"]) > 0


async def test_wrong_tokens_are_limited_as_over_scim(database: Database, connection: asyncpg.Connection):
    async with reception(database, connection, failure_burst=1, failure_seconds=3600) as front:
        assert (await introspect(front, None, "x")).status == 401
        wrong = {"Authorization": "Bearer wrong", "Content-Type": "application/x-www-form-urlencoded"}
        assert (await ask(front, "POST", "/session/introspect", b"token=x", wrong)).status == 401
        assert problem(await ask(front, "POST", "/session/introspect", b"token=x", wrong)) == (
            429,
            "too_many_failures",
        )


# -- requests that are none ----------------------------------------------------

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BAD: list[tuple[bytes, Mapping[str, str], int]] = [
    (b"", JSON, 400),
    (b"{", JSON, 400),
    (b"[]", JSON, 400),
    (b'"x"', JSON, 400),
    (b'{"address": "a", "address": "b", "password": "c"}', JSON, 400),
    (b'{"address": NaN, "password": "c"}', JSON, 400),
    (b'{"address": "\xff", "password": "c"}', JSON, 400),
    (b"[" * 8000, JSON, 400),
    (b'{"address": "a"}', JSON, 422),
    (b'{"address": "", "password": "c"}', JSON, 422),
    (b'{"address": ["a", "b"], "password": "c"}', JSON, 422),
    (b'{"address": 1, "password": "c"}', JSON, 422),
    (b'{"address": null, "password": "c"}', JSON, 422),
    (b'{"address": "a", "password": "c", "device": "x"}', JSON, 422),
    (b'{"address": "a", "password": "c"}', FORM, 415),
    (b"address=a&password=c", JSON, 400),
    (b'{"address": "a", "password": "c"}', {**JSON, "Content-Encoding": "gzip"}, 415),
    (b'{"address": "' + b"a" * 20_000 + b'"}', JSON, 413),
]


@pytest.mark.parametrize("data,headers,status", BAD, ids=lambda value: ascii(value)[:40])
async def test_body_that_cannot_be_read_is_refused(
    front: Reception, connection: asyncpg.Connection, data: bytes, headers: Mapping[str, str], status: int
):
    assert problem(await ask(front, "POST", "/session", data, headers)) == (status, "malformed")
    assert await connection.fetchval("SELECT count(*) FROM sign_in_sources") == 0


@pytest.mark.parametrize("address", ["\\ud800", "a\\u0000@example.com", "\\u202eada@example.com"])
async def test_any_text_is_taken_for_a_name(front: Reception, address: str):
    data = f'{{"address": "{address}", "password": "{address}"}}'.encode()
    assert problem(await ask(front, "POST", "/session", data, JSON)) == (403, "sign_in_refused")


@pytest.mark.parametrize(
    "data,headers,status",
    [
        (b"token=a&token=b", FORM, 400),
        (b"", FORM, 400),
        (b"token=", FORM, 400),
        (b"tok\xc3\xa9n=1", FORM, 400),
        (b"token=%ff", FORM, 400),
        (b'{"token": "a"}', JSON, 415),
    ],
)
async def test_question_that_cannot_be_read_is_refused(
    front: Reception, product: ScimClient, data: bytes, headers: Mapping[str, str], status: int
):
    sent = {**headers, "Authorization": f"Bearer {product.token}"}
    assert problem(await ask(front, "POST", "/session/introspect", data, sent)) == (status, "malformed")


@pytest.mark.parametrize(
    "method,path,allowed",
    [
        ("GET", "/session", "DELETE, POST"),
        ("PUT", "/session", "DELETE, POST"),
        ("GET", "/session/introspect", "POST"),
    ],
)
async def test_other_methods_are_refused(front: Reception, method: str, path: str, allowed: str):
    answer = await ask(front, method, path)
    assert problem(answer) == (405, "malformed")
    assert answer.headers["Allow"] == allowed


async def test_failure_of_our_own_is_a_problem_without_details(
    front: Reception, product: ScimClient, connection: asyncpg.Connection
):
    await connection.execute("ALTER TABLE sessions RENAME COLUMN agent TO agents")
    try:
        answer = await introspect(front, product, "x" * 64)
    finally:
        await connection.execute("ALTER TABLE sessions RENAME COLUMN agents TO agent")
    assert problem(answer) == (500, "internal_error")
    assert "agent" not in answer.text
