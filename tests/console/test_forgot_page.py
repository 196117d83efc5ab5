"""Asking for a link: everybody gets the same answer."""

import re
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from scimserver.directory.organizations import Addresses
from scimserver.kernel.ids import INSTALLATION
from tests.people import ADA, Browser, Reception, Shown


async def ask(browser: Browser, address: str = ADA, **fields: str) -> Shown:
    """Fill in the form."""
    return await browser.submit("/forgot", address=address, **fields)


async def unknown(front: Reception) -> str:
    return "ghost@example.com"


async def of_no_organization(front: Reception) -> str:
    return "ghost@nowhere.test"


async def inactive(front: Reception) -> str:
    await front.change(await front.person(), active=False)
    return ADA


async def without_password(front: Reception) -> str:
    await front.person(password=None)
    return ADA


async def deleted(front: Reception) -> str:
    await front.delete(await front.person())
    return ADA


CASES: list[Callable[[Reception], Awaitable[str]]] = [
    unknown,
    of_no_organization,
    inactive,
    without_password,
    deleted,
]


def masked(shown: Shown) -> tuple[int, str, str]:
    """All that an answer says."""
    varying = ("date", "x-request-id", "content-length", "set-cookie")
    headers = "\n".join(f"{n}: {v}" for n, v in sorted(shown.headers.items()) if n.lower() not in varying)
    return shown.status, re.sub(r'name="token" value="[^"]*"', "", shown.text), headers


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_everybody_gets_the_same_answer(front: Reception, case: Callable[[Reception], Awaitable[str]]):
    await front.person("eve@example.com")
    browser = front.browser()
    known = await ask(browser, "eve@example.com")
    other = await ask(browser, await case(front))
    assert masked(other) == masked(known)
    assert other.location == "/forgot?sent"
    assert masked(await browser.follow(other)) == masked(await browser.follow(known))


async def test_request_is_written_down_sealed(front: Reception, connection: asyncpg.Connection):
    await front.person()
    await ask(front.browser())
    [row] = await connection.fetch("SELECT org_id, sealed FROM reset_requests")
    assert (row["org_id"], b"ada" in row["sealed"]) == (INSTALLATION, False)


async def test_organisation_can_be_named(front: Reception, connection: asyncpg.Connection):
    free = await front.installation.organization("globex", domain="example.org", addresses=Addresses.FREE)
    await ask(front.browser(), organization="globex")
    await ask(front.browser(), organization="no such thing")
    rows = await connection.fetch("SELECT org_id FROM reset_requests ORDER BY id")
    assert [row["org_id"] for row in rows] == [free, INSTALLATION]


async def test_people_of_an_identity_provider_are_told_whom_to_ask(front: Reception):
    page = await front.browser().get("/forgot")
    assert "turn to your organisation's systems administrator" in page.main
    sent = await front.browser().get("/forgot?sent")
    assert "turn to your organisation's systems administrator" in sent.main


NOT_ONE = [
    "",
    "ada",
    f"{ADA},eve@example.com",
    f"{ADA};eve@example.com",
    f"{ADA}|eve@example.com",
    f"{ADA} eve@example.com",
    f"{ADA}\r\nBcc: eve@example.com",
    f"{ADA}\nTo: eve@example.com",
    f"{ADA}\0",
    f"{ADA}\u200b",
    f"<{ADA}>",
    f"Ada <{ADA}>",
    f"{ADA}%0aeve@example.com",
    "a" * 5000 + "@example.com",
]


@pytest.mark.parametrize("typed", NOT_ONE, ids=ascii)
async def test_what_is_not_exactly_one_address_is_refused_beside_the_field(
    front: Reception, connection: asyncpg.Connection, typed: str
):
    page = await ask(front.browser(), typed)
    assert (page.status, list(page.errors)) == (422, ["address"])
    assert page.errors["address"].startswith("The e-mail address ")
    assert await connection.fetchval("SELECT count(*) FROM reset_requests") == 0
    assert await front.reasons(INSTALLATION) == [("password.request_reset", "invalid_value", 1)]


async def test_address_that_came_twice_is_refused(front: Reception, connection: asyncpg.Connection):
    browser = front.browser()
    token = (await browser.get("/forgot")).field("token")["value"]
    fields = [("token", token), ("address", ADA), ("address", "eve@example.com")]
    assert (await browser.post("/forgot", fields)).status == 400
    assert await connection.fetchval("SELECT count(*) FROM reset_requests") == 0


async def test_address_that_asks_too_often_is_told_to_wait(front: Reception):
    browser = front.browser()
    for number in range(10):
        assert (await ask(browser, f"ghost{number}@example.com")).status == 303
    page = await ask(browser)
    assert page.status == 429
    assert int(page.headers["Retry-After"]) > 0
    assert (await ask(front.browser(address="198.51.100.9"))).status == 303
    assert await front.reasons(INSTALLATION) == [("password.request_reset", "rate_limited", 1)]
