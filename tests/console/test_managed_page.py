"""Changing a password that an identity provider manages: people are told by whom, and where."""

from typing import Any

import pytest

from tests.federation import federation
from tests.people import OTHER, PASSWORD, Browser, Reception

ELSEWHERE = "/password/managed"
SETTINGS = "https://idp.example.com/settings?tab=password"


async def managed_browser(front: Reception, **wanted: Any) -> Browser:
    """A browser in which Ada is signed in by an identity provider."""
    okta = await federation(front, **{"reset_uri": SETTINGS, **wanted})
    await okta.managed()
    browser: Browser = front.browser()
    assert (await okta.arrive(browser)).status == 303
    return browser


async def test_change_of_a_managed_password_leads_to_who_manages_it(front: Reception):
    browser = await managed_browser(front)
    asked = await browser.get("/password")
    assert (asked.status, asked.location) == (303, ELSEWHERE)
    shown = await browser.follow(asked)
    assert shown.status == 200
    assert "by Okta, the identity provider of your organisation at idp.example.com" in shown.main


async def test_form_that_was_open_already_leads_there_too_and_is_on_record(front: Reception):
    browser = await managed_browser(front)
    token = (await browser.get("/sessions")).field("token")["value"]
    form = {"token": token, "current": PASSWORD, "new": OTHER, "again": OTHER}
    sent = await browser.post("/password", form)
    assert (sent.status, sent.location) == (303, ELSEWHERE)
    [logged] = await front.logged("password.change")
    assert (logged.entry["outcome"], logged.entry["reason"]) == (
        "failure",
        "password_managed_by_identity_provider",
    )


async def test_page_of_the_provider_is_shown_and_followed_by_whoever_wants_to(front: Reception):
    shown = await (await managed_browser(front)).get(ELSEWHERE)
    [link] = [each for each in shown.all("a") if each["href"].startswith("https:")]
    assert (link["href"], link.text, link["rel"]) == (SETTINGS, SETTINGS, "noreferrer")
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert "Refresh" not in shown.headers
    assert all(not each["http-equiv"] for each in shown.all("meta"))


async def test_provider_without_such_a_page_is_named_alone(front: Reception):
    shown = await (await managed_browser(front, reset_uri=None)).get(ELSEWHERE)
    assert shown.status == 200
    assert not [each for each in shown.all("a") if each["href"].startswith("http")]


@pytest.mark.parametrize(
    "contact,told",
    [("it@acme.example", "ask it@acme.example."), ("", "ask your organisation's systems administrator.")],
)
async def test_page_names_whom_to_ask(front: Reception, contact: str, told: str):
    assert told in (await (await managed_browser(front, contact=contact)).get(ELSEWHERE)).main


async def test_whoever_has_a_password_here_is_sent_to_where_it_is_changed(front: Reception):
    await front.person()
    browser = front.browser()
    await browser.sign_in()
    assert (await browser.get(ELSEWHERE)).location == "/password"


async def test_page_is_for_those_who_are_managed_browser(front: Reception):
    assert (await front.browser().get(ELSEWHERE)).location == f"/signin?next={ELSEWHERE}"
