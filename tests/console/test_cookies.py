"""Cookies where there is no https: on the machine itself, for a demonstration."""

import asyncpg

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
