"""What is asked of every request for a page: its host, its method, where its form comes from, its token."""

import asyncio

import asyncpg
import pytest

from scimserver.app import TIDYING
from scimserver.console.forms import BODY_LIMIT
from scimserver.db.pool import Database
from scimserver.kernel.ids import INSTALLATION
from tests.people import ADA, PASSWORD, Browser, Reception, reception

FORMS = ["/signin", "/signout", "/forgot", "/reset", "/password", "/sessions"]
READ = ["/password/managed", "/help/passwords"]
PATHS = [*FORMS, "/help/passwords"]
POLICY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:;"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


async def signed_in(front: Reception) -> Browser:
    """A browser in which Ada is signed in."""
    await front.person()
    browser = front.browser()
    await browser.sign_in()
    return browser


# -- the host ------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["attacker.test", "scim.test.attacker.test", "scim.test:8443", "127.0.0.1"])
async def test_other_host_is_not_this_server(front: Reception, path: str, host: str):
    page = await front.browser(host=host).get(path)
    assert page.status == 421
    assert f"https://scim.test{path}" in page.main
    assert host not in page.text


@pytest.mark.parametrize("host", ["scim.test", "SCIM.test", "scim.test:443"])
async def test_own_host_is_known_in_every_spelling(front: Reception, host: str):
    assert (await front.browser(host=host).get("/signin")).status == 200


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Original-Host", "Forwarded", "X-Forwarded-Server"])
async def test_hosts_of_other_headers_count_for_nothing(
    front: Reception, connection: asyncpg.Connection, name: str
):
    browser = front.browser()
    page = await browser.get("/forgot", **{name: "attacker.test"})
    fields = {"token": page.field("token")["value"], "address": ADA}
    answer = await browser.post("/forgot", fields, **{name: "attacker.test"})
    assert (page.status, answer.location) == (200, "/forgot?sent")
    assert "attacker" not in page.text


# -- the method ----------------------------------------------------------------


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
async def test_other_methods_are_refused(front: Reception, path: str, method: str):
    page = await front.browser().request(method, path)
    assert (page.status, page.headers["Allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_nothing_is_sent_to_a_page_without_a_form(front: Reception, path: str, method: str):
    """Nor is it on record as an attempt at anything."""
    page = await front.browser().request(method, path, headers={"Sec-Fetch-Site": "cross-site"})
    assert (page.status, page.headers["Allow"]) == (405, "GET, HEAD")
    assert await front.reasons() == []


@pytest.mark.parametrize("path", ["/signin", "/forgot"])
async def test_head_is_get_without_the_page(front: Reception, path: str):
    page = await front.browser().request("HEAD", path)
    assert (page.status, page.text) == (200, "")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"


# -- where forms come from -----------------------------------------------------


async def sent(browser: Browser, **headers: str) -> int:
    """How a good form is answered that comes with other headers."""
    token = (await browser.get("/signin")).field("token")["value"]
    fields = {"token": token, "address": ADA, "password": PASSWORD}
    return (await browser.post("/signin", fields, **headers)).status


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://attacker.test"},
        {"Origin": "http://scim.test"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    ],
)
async def test_form_of_another_site_is_refused_and_counted(front: Reception, headers: dict[str, str]):
    await front.person()
    assert await sent(front.browser(), **headers) == 403
    assert await sent(front.browser(), **headers) == 403
    await front.installation.http.app[TIDYING].once(last=True)
    assert await front.reasons(INSTALLATION) == [
        ("session.sign_in", "foreign_form", 1),
        ("session.sign_in", "foreign_form", 1),
    ]


async def test_form_of_a_page_without_referrer_is_taken(front: Reception):
    await front.person()
    assert await sent(front.browser(), Origin="null") == 303


@pytest.mark.parametrize("token", ["", "x", None])
async def test_form_without_its_token_is_shown_again(front: Reception, token: str | None):
    await front.person()
    browser = front.browser()
    await browser.get("/signin")
    fields = {"address": ADA, "password": PASSWORD, **({} if token is None else {"token": token})}
    page = await browser.post("/signin", fields)
    assert page.status == 403
    assert "open for too long" in page.errors[""]
    assert page.field("address")["value"] == ADA
    assert PASSWORD not in page.text
    again = {"token": page.field("token")["value"], "address": ADA, "password": PASSWORD}
    assert (await browser.post("/signin", again)).status == 303


async def test_token_of_another_browser_is_none(front: Reception):
    await front.person()
    token = (await front.browser().get("/signin")).field("token")["value"]
    browser = front.browser()
    await browser.get("/signin")
    fields = {"token": token, "address": ADA, "password": PASSWORD}
    assert (await browser.post("/signin", fields)).status == 403


async def test_token_of_before_signing_in_is_none_after_it(front: Reception):
    await front.person()
    browser = front.browser()
    token = (await browser.get("/signin")).field("token")["value"]
    form = browser.cookies["__Host-form"]
    await browser.sign_in()
    browser.cookies["__Host-form"] = form
    assert (await browser.post("/signout", {"token": token})).status == 403
    assert await browser.is_signed_in()


@pytest.mark.parametrize("path", ["/signout", "/password", "/sessions"])
async def test_every_form_takes_a_token(front: Reception, path: str):
    browser = await signed_in(front)
    fields = {
        "session": "others",
        "current": PASSWORD,
        "new": "ten tiny brown wrens",
        "again": "ten tiny brown wrens",
    }
    assert (await browser.post(path, fields)).status == 403
    assert await browser.is_signed_in()
    assert (await front.browser().sign_in()).status == 303


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_is_done_by_a_cookie_over_scim(front: Reception, path: str):
    browser = await signed_in(front)
    answer = await browser.request("GET", f"/scim/v2/Users?from={path}")
    assert answer.status == 401


# -- bodies --------------------------------------------------------------------


async def post(front: Reception, data: bytes, **headers: str) -> int:
    """How a body is answered."""
    sent = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin", **headers}
    return (await front.browser().request("POST", "/signin", data=data, headers=sent)).status


@pytest.mark.parametrize(
    "data,headers,status",
    [
        (b"x" * (BODY_LIMIT + 1), {}, 413),
        (b"a=1", {"Content-Type": "application/json"}, 415),
        (b"a=1", {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        (b"a=1", {"Content-Type": ""}, 415),
        (b"a=1", {"Content-Encoding": "gzip"}, 415),
        (b"&".join(b"a%d=1" % number for number in range(30)), {}, 400),
        (b"a=%ff%fe", {}, 400),
        ("a=ü".encode(), {}, 400),
        (b"token=1&token=2", {}, 400),
        (b"token=1&unknown=2", {}, 403),
        (b"", {}, 403),
    ],
    ids=lambda value: ascii(value)[:40],
)
async def test_body_that_is_no_form_of_ours_is_refused(
    front: Reception, data: bytes, headers: dict[str, str], status: int
):
    assert await post(front, data, **headers) == status


async def test_form_that_does_not_arrive_in_time_is_given_up(
    database: Database, connection: asyncpg.Connection
):
    async with reception(database, connection, body_seconds=0.05) as front:
        http = front.installation.http
        reader, writer = await asyncio.open_connection(http.host, http.port)
        writer.write(
            b"POST /signin HTTP/1.1\r\nHost: scim.test\r\nContent-Length: 100\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\na=1"
        )
        answer = await reader.readuntil(b"</html>")
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"nothing was done" in answer


# -- answers -------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PATHS, "/signin?next=//x", "/reset?token=x"])
async def test_every_answer_is_under_the_policy(front: Reception, path: str):
    for browser in (front.browser(), await signed_in(front)):
        page = await browser.get(path)
        assert {name: page.headers.get(name) for name in POLICY} == POLICY
        referrer = "no-referrer" if path.startswith("/reset") else "same-origin"
        assert page.headers["Referrer-Policy"] == referrer


@pytest.mark.parametrize("host,path", [("attacker.test", "/signin"), ("attacker.test", "/reset")])
async def test_errors_are_under_the_policy(front: Reception, host: str, path: str):
    page = await front.browser(host=host).get(path)
    assert {name: page.headers.get(name) for name in POLICY} == POLICY
    assert page.headers["Referrer-Policy"] == ("no-referrer" if path == "/reset" else "same-origin")


async def test_style_sheet_may_be_kept_for_ever(front: Reception):
    browser = front.browser()
    [sheet] = [
        each["href"] for each in (await browser.get("/signin")).all("link") if each["rel"] == "stylesheet"
    ]
    answer = await browser.get(sheet)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_failure_of_our_own_is_a_page_without_details(front: Reception, connection: asyncpg.Connection):
    browser = await signed_in(front)
    await connection.execute("ALTER TABLE sessions RENAME COLUMN agent TO agents")
    try:
        page = await browser.get("/sessions")
    finally:
        await connection.execute("ALTER TABLE sessions RENAME COLUMN agents TO agent")
    assert (page.status, "agent" in page.text) == (500, False)
    assert page.headers["X-Request-Id"]
