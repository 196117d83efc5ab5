"""Leaving."""

from tests.people import Browser, Reception


async def test_button_ends_the_session(front: Reception):
    await front.person()
    browser = front.browser()
    await browser.sign_in()
    kept = Browser(browser.http, cookies=dict(browser.cookies))
    answer = await browser.submit("/signout")
    assert "You are signed out." in (await browser.follow(answer)).main
    assert "__Host-session" not in browser.cookies
    assert not await kept.is_signed_in()
    [logged] = await front.logged("session.end")
    assert (logged.entry["outcome"], logged.entry["actor"]["kind"]) == ("success", "user")


async def test_link_does_not(front: Reception):
    await front.person()
    browser = front.browser()
    await browser.sign_in()
    assert (await browser.get("/signout")).status == 200
    assert await browser.is_signed_in()


async def test_whoever_is_not_signed_in_is_sent_to_sign_in(front: Reception):
    assert (await front.browser().get("/signout")).location == "/signin?next=/signout"
    answer = await front.browser().post("/signout", {"token": "x"})
    assert answer.location == "/signin?next=/signout"


async def test_device_stays_known(front: Reception):
    await front.person()
    browser = front.browser()
    await browser.sign_in()
    device = browser.cookies["__Host-device"]
    await browser.submit("/signout")
    assert browser.cookies["__Host-device"] == device
