"""Cookies where there is no https: on the machine itself, for a demonstration."""

import asyncio

import asyncpg
import pytest

from scimserver.db.pool import Database
from tests.people import Reception, reception


async def test_cookies_work_over_http_on_the_machine_itself(
    database: Database, connection: asyncpg.Connection
):
    async with reception(database, connection, public_url="http://127.0.0.1:8080") as front:
        await front.person()
        browser = front.browser(host="127.0.0.1:8080", scheme="http")
        assert (await browser.sign_in()).status == 303
        assert set(browser.cookies) == {"scimserver-session", "scimserver-device"}
        assert browser.attributes["scimserver-session"] == "HttpOnly; Path=/; SameSite=Lax"
        assert await browser.is_signed_in()


async def test_cookies_without_the_prefix_are_not_taken_over_https(front: Reception):
    await front.person()
    browser = front.browser()
    await browser.sign_in()
    plain = {
        "session": browser.cookies["__Host-session"],
        "scimserver-session": browser.cookies["__Host-session"],
    }
    assert not await front.browser(cookies=plain).is_signed_in()


COOKIES = b"; ".join(
    b"__Host-%s=\xff\xfe" % name for name in (b"session", b"device", b"form", b"link", b"saml")
)


@pytest.mark.parametrize("path", [b"/signin", b"/recovery", b"/forgot", b"/reset", b"/password", b"/signout"])
@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_cookie_of_bytes_that_are_no_text_is_none(front: Reception, method: bytes, path: bytes):
    """The reader of headers keeps them in characters that cannot be written again."""
    url = front.installation.http.make_url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(
        b"%s %s HTTP/1.1\r\nHost: scim.test\r\nConnection: close\r\nCookie: %s\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\ntoken=x"
        % (method, path, COOKIES)
    )
    line = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    assert int(line.split()[1]) < 500
