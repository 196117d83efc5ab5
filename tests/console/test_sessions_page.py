"""The page of one's own sessions, and how long a session lives."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import asyncpg
import pytest

from scimserver.directory import cloning, users
from tests.people import OTHER, Browser, Reception

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"


async def signed_in(front: Reception, **settings: str) -> Browser:
    """A browser in which Ada is signed in."""
    browser = front.browser(**settings)
    assert (await browser.sign_in()).status == 303
    return browser


def ids(text: str) -> list[str]:
    """The ids of the sessions on a page."""
    return [part.partition('"')[0] for part in text.split('name="session" value="')[1:]]


async def test_sessions_are_listed_by_what_one_recognises(front: Reception):
    await front.person()
    await signed_in(front, agent=IPHONE, address="2001:db8:1:2::3")
    front.hands.move(minutes=5)
    browser = await signed_in(front)
    page = await browser.get("/sessions")
    assert [each.text for each in page.all("h2")] == ["Firefox on Linux this one", "Safari on iPhone"]
    assert [each.text for each in page.all("dd")] == [
        "2026-01-01 12:05 UTC",
        "2026-01-01 12:05 UTC, with a password",
        "192.0.2.0/24",
        "2026-01-01 12:00 UTC",
        "2026-01-01 12:00 UTC, with a password",
        "2001:db8:1::/48",
    ]


async def test_session_of_others_is_not_listed(front: Reception):
    await front.person()
    await front.person("bob@example.com", OTHER)
    await front.browser().sign_in("bob@example.com", OTHER)
    page = await (await signed_in(front)).get("/sessions")
    assert len(page.all("li")) == 1


async def test_one_of_them_can_be_ended(front: Reception):
    await front.person()
    left = await signed_in(front, agent=IPHONE)
    front.hands.move(seconds=1)
    browser = await signed_in(front)
    [_, ending, others] = ids((await browser.get("/sessions")).text)
    assert others == "others"
    answer = await browser.submit("/sessions", session=ending)
    assert "The session has ended." in (await browser.follow(answer)).main
    assert not await left.is_signed_in()
    assert await browser.is_signed_in()
    [logged] = await front.logged("session.end")
    assert (logged.entry["outcome"], logged.personal["changes.0.old"]) == ("success", ending)


async def test_all_the_others_can_be_ended(front: Reception):
    await front.person()
    left = [await signed_in(front) for _ in range(3)]
    browser = await signed_in(front)
    assert (await browser.submit("/sessions", session="others")).status == 303
    assert [await each.is_signed_in() for each in (*left, browser)] == [False, False, False, True]
    [logged] = await front.logged("session.end_all")
    assert logged.personal["changes.0.old"] == 3


async def test_ones_own_can_be_ended(front: Reception):
    await front.person()
    browser = await signed_in(front)
    [own] = ids((await browser.get("/sessions")).text)
    answer = await browser.submit("/sessions", session=own)
    assert answer.location == "/signin?done=signed-out"
    assert "__Host-session" not in browser.cookies


async def test_session_of_somebody_else_is_none(front: Reception, connection: asyncpg.Connection):
    await front.person()
    await front.person("bob@example.com", OTHER)
    bob = front.browser()
    await bob.sign_in("bob@example.com", OTHER)
    [theirs] = ids((await bob.get("/sessions")).text)
    answer = await (await signed_in(front)).submit("/sessions", session=theirs)
    assert answer.location == "/sessions?ended=one"
    assert await bob.is_signed_in()
    [logged] = await front.logged("session.end")
    assert (logged.entry["outcome"], logged.entry["reason"]) == ("failure", "not_found")


@pytest.mark.parametrize("sent", ["", "x", "OTHERS", "0192f0c4-0000-7000-8000-00000000000"])
async def test_what_is_no_session_is_refused(front: Reception, sent: str):
    await front.person()
    browser = await signed_in(front)
    assert (await browser.submit("/sessions", session=sent)).status == 422
    assert await browser.is_signed_in()


# -- until when ----------------------------------------------------------------


async def test_session_that_is_not_used_ends_after_an_hour(front: Reception):
    await front.person()
    browser = await signed_in(front)
    front.hands.move(minutes=60)
    assert (await browser.get("/sessions")).location == "/signin?next=/sessions"


async def test_session_that_is_used_goes_on(front: Reception):
    await front.person()
    browser = await signed_in(front)
    for _ in range(3):
        front.hands.move(minutes=59)
        assert await browser.is_signed_in()


async def test_session_ends_after_twelve_hours_however_much_it_is_used(front: Reception):
    await front.person()
    browser = await signed_in(front)
    for _ in range(12):
        front.hands.move(minutes=59)
        assert await browser.is_signed_in()
    front.hands.move(minutes=11)
    assert await browser.is_signed_in()
    front.hands.move(minutes=1)
    assert not await browser.is_signed_in()


async def test_session_under_the_profile_of_pci_ends_after_a_quarter(
    front: Reception, connection: asyncpg.Connection
):
    await front.person()
    browser = await signed_in(front)
    await connection.execute("UPDATE organizations SET password_profile = 'pci' WHERE name = 'acme'")
    front.hands.move(minutes=14, seconds=59)
    assert await browser.is_signed_in()
    front.hands.move(minutes=15)
    assert not await browser.is_signed_in()


async def test_use_is_written_once_a_minute(front: Reception, connection: asyncpg.Connection):
    await front.person()
    browser = await signed_in(front)
    written = "SELECT xmin::text FROM sessions"
    before = await connection.fetchval(written)
    front.hands.move(seconds=59)
    await browser.get("/sessions")
    assert await connection.fetchval(written) == before
    front.hands.move(seconds=1)
    await browser.get("/sessions")
    assert await connection.fetchval(written) != before


# -- what ends it --------------------------------------------------------------


async def test_session_ends_with_the_users_deactivation_for_good(front: Reception):
    ada = await front.person()
    browser = await signed_in(front)
    await front.change(ada, active=False)
    assert not await browser.is_signed_in()
    await front.change(ada, active=True)
    assert not await browser.is_signed_in()


async def test_session_ends_with_the_user(front: Reception, connection: asyncpg.Connection):
    ada = await front.person()
    browser = await signed_in(front)
    await front.delete(ada)
    assert not await browser.is_signed_in()
    assert await connection.fetchval("SELECT count(*) FROM sessions") == 0


@pytest.mark.parametrize("must_change", [None, True, False], ids=["by a link", "to be changed", "set"])
async def test_session_ends_with_another_password(front: Reception, must_change: bool | None):
    ada = await front.person()
    browser = await signed_in(front)
    await front.give(ada, OTHER, must_change=must_change)
    assert not await browser.is_signed_in()


async def test_session_of_somebody_who_is_deactivated_is_none_whatever_rows_are_left(
    front: Reception, connection: asyncpg.Connection
):
    await front.person()
    browser = await signed_in(front)
    await connection.execute("UPDATE users SET active = false")
    assert not await browser.is_signed_in()


async def test_clone_has_neither_sessions_nor_devices_nor_failures(
    front: Reception, connection: asyncpg.Connection
):
    ada = await front.person()
    await signed_in(front)
    await front.browser().sign_in(password=OTHER)
    async with front.work() as work:
        clone = await cloning.clone(work, await users.get(work, ada.id))
    for table, column in (
        ("sessions", "user_id"),
        ("known_devices", "user_id"),
        ("sign_in_tries", "account"),
    ):
        assert await connection.fetchval(f"SELECT count(*) FROM {table} WHERE {column} = $1", ada.id) == 1
        assert await connection.fetchval(f"SELECT count(*) FROM {table} WHERE {column} = $1", clone.id) == 0


async def test_session_goes_on_under_another_name(front: Reception):
    ada = await front.person()
    browser = await signed_in(front)
    await front.change(ada, userName="countess@example.com", displayName="Countess")
    assert "countess@example.com" in (await browser.get("/sessions")).text


@pytest.mark.parametrize("cookie", ["", "x", "x" * 64, "x" * 5000, "../../etc", '"quoted"'])
async def test_cookie_that_is_no_session_is_nobodys(front: Reception, cookie: str):
    await front.person()
    browser = front.browser(cookies={"__Host-session": cookie})
    assert (await browser.get("/sessions")).location == "/signin?next=/sessions"


async def test_session_is_of_its_organisation(front: Reception):
    await front.person()
    other = await front.installation.organization("globex", domain="example.org")
    browser = await signed_in(front)
    secret = urlsafe_b64decode(browser.cookies["__Host-session"])
    moved = urlsafe_b64encode(other.bytes + secret[16:]).decode()
    assert not await front.browser(cookies={"__Host-session": moved}).is_signed_in()


async def test_program_that_calls_itself_markup_is_not_taken_for_it(front: Reception):
    await front.person()
    browser = await signed_in(front, agent="curl/8<script>alert(1)</script>")
    assert "<script" not in (await browser.get("/sessions")).text
