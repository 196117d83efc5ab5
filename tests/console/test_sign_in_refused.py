"""Whoever is not let in learns nothing: one answer for every reason, which only the log says."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest

from scimserver.access.login import REFUSAL
from scimserver.app import TIDYING
from scimserver.directory import cloning, users
from scimserver.kernel.ids import INSTALLATION
from tests.people import ADA, OTHER, PASSWORD, Browser, Reception, Shown

GHOST = "ghost-of-nobody@example.com"


def masked(shown: Shown, address: str) -> tuple[int, str, str]:
    """All that a page says but for what was typed, and its token."""
    text = re.sub(r'name="token" value="[^"]*"', "", shown.text)
    field = shown.field("address")["value"]
    assert field == address
    headers = "\n".join(
        f"{name}: {value}"
        for name, value in sorted(shown.headers.items())
        if name.lower() not in ("date", "x-request-id", "content-length", "set-cookie")
    )
    return shown.status, text.replace(re.sub("&", "&amp;", address), "~"), headers


async def known(front: Reception) -> tuple[str, str]:
    """Somebody whose password is wrong: what all others are compared with."""
    await front.person("eve@example.com")
    return "eve@example.com", OTHER


async def unknown(front: Reception) -> tuple[str, str]:
    return GHOST, PASSWORD


async def of_no_organization(front: Reception) -> tuple[str, str]:
    return "ghost@nowhere.test", PASSWORD


async def no_address(front: Reception) -> tuple[str, str]:
    return "ghost", PASSWORD


async def inactive(front: Reception) -> tuple[str, str]:
    await front.change(await front.person(), active=False)
    return ADA, PASSWORD


async def deleted(front: Reception) -> tuple[str, str]:
    await front.delete(await front.person())
    return ADA, PASSWORD


async def without_password(front: Reception) -> tuple[str, str]:
    await front.person(password=None)
    return ADA, PASSWORD


async def placeholder(front: Reception) -> tuple[str, str]:
    ada = await front.person()
    async with front.work() as work:
        clone = await cloning.clone(work, await users.get(work, ada.id))
    await front.give(clone, PASSWORD)
    return clone.user_name, PASSWORD


async def expired(front: Reception) -> tuple[str, str]:
    await front.person(must_change=True)
    front.hands.move(hours=24)
    return ADA, PASSWORD


async def locked(front: Reception) -> tuple[str, str]:
    await front.person()
    for _ in range(5):
        await front.browser().sign_in(password=OTHER)
    return ADA, PASSWORD


async def unknown_and_locked(front: Reception) -> tuple[str, str]:
    for _ in range(5):
        await front.browser().sign_in(GHOST)
    return GHOST, PASSWORD


async def empty_but_for_spaces(front: Reception) -> tuple[str, str]:
    await front.person()
    return ADA, " " + PASSWORD


CASES: dict[Callable[[Reception], Awaitable[tuple[str, str]]], str] = {
    unknown: "unknown_user",
    of_no_organization: "unknown_user",
    no_address: "unknown_user",
    inactive: "inactive",
    deleted: "unknown_user",
    without_password: "no_password",
    placeholder: "placeholder",
    expired: "password_expired",
    locked: "too_many_tries",
    unknown_and_locked: "too_many_tries",
    empty_but_for_spaces: "wrong_password",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_every_refusal_is_the_same_answer(
    front: Reception, case: Callable[[Reception], Awaitable[tuple[str, str]]]
):
    address, password = await known(front)
    wrong = masked(await front.browser().sign_in(address, password), address)
    address, password = await case(front)
    assert masked(await front.browser().sign_in(address, password), address) == wrong
    assert REFUSAL in wrong[1]


@pytest.mark.parametrize("case,reason", CASES.items(), ids=lambda case: getattr(case, "__name__", case))
async def test_log_says_why(
    front: Reception, case: Callable[[Reception], Awaitable[tuple[str, str]]], reason: str
):
    address, password = await case(front)
    await front.browser(address="198.51.100.9").sign_in(address, password)
    told = [*await front.reasons(front.organization), *await front.reasons(INSTALLATION)]
    assert told[-1] == ("session.sign_in", reason, 1)


async def test_refusal_of_a_user_is_in_the_log_of_the_organisation_with_the_name(front: Reception):
    ada = await front.person()
    await front.browser().sign_in(password=OTHER)
    [logged] = await front.logged("session.sign_in")
    assert (logged.entry["outcome"], logged.entry["target"]["id"]) == ("failure", str(ada.id))
    assert logged.personal == {"client": "192.0.2.7", "target.display": ADA}
    assert logged.entry["actor"]["kind"] == "nobody"


async def test_refusal_of_an_unknown_address_of_ours_is_told_to_the_organisation_without_it(front: Reception):
    await front.browser().sign_in(GHOST)
    [logged] = await front.logged("session.sign_in")
    assert "target" not in logged.entry
    assert logged.personal == {"client": "192.0.2.7"}
    assert await front.reasons(INSTALLATION) == []


async def test_refusal_of_an_address_of_no_organisation_is_told_to_the_installation(front: Reception):
    await front.browser().sign_in("ghost@nowhere.test")
    assert await front.reasons(INSTALLATION) == [("session.sign_in", "unknown_user", 1)]
    assert await front.reasons(front.organization) == []


async def test_like_refusals_within_a_minute_are_counted(front: Reception):
    await front.person()
    for _ in range(4):
        await front.browser().sign_in(password=OTHER)
        await front.browser().sign_in(GHOST)
    await front.browser().sign_in("another-ghost@example.com")
    told = await front.reasons(front.organization)
    assert [(reason, count) for _, reason, count in told] == [
        ("wrong_password", 1),
        ("unknown_user", 1),
        ("unknown_user", 1),
    ]
    await front.installation.http.app[TIDYING].once(last=True)
    counted = (await front.reasons(front.organization))[3:]
    assert sorted((reason, count) for _, reason, count in counted) == [
        ("unknown_user", 3),
        ("wrong_password", 3),
    ]


@pytest.mark.parametrize("typed", [GHOST, "ghost-of-nobody@nowhere.test", "ghost-of-nobody hunter2"])
async def test_what_nobody_is_called_stands_nowhere(
    front: Reception, connection: asyncpg.Connection, typed: str
):
    await front.browser().sign_in(typed, "ghost-of-nobody's password")
    tables = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    )
    for table in tables:
        rows = await connection.fetch(f"SELECT t::text AS text FROM {table['relname']} AS t")
        assert [row["text"] for row in rows if "ghost" in row["text"]] == []


NO_NAMES = [
    f"{ADA},eve@example.com",
    f"{ADA};eve@example.com",
    f"{ADA}|eve@example.com",
    f"{ADA} eve@example.com",
    f"{ADA}\r\nBcc: eve@example.com",
    f"{ADA}\0",
    f"\0{ADA}",
    f"{ADA}\u200b",
    f"{ADA}%0aeve@example.com",
    "\U0001f600",
    "*",
    "%",
    "' OR true --",
    "a" * 5000,
    "ﷺ" * 1000,
    f"<{ADA}>",
    '"ada"@example.com',
]


@pytest.mark.parametrize("typed", NO_NAMES, ids=ascii)
async def test_what_is_no_name_is_nobodys(front: Reception, typed: str):
    await front.person()
    page = await front.browser().sign_in(typed)
    assert (page.status, page.errors) == (422, {"": REFUSAL})


@pytest.mark.parametrize("named", ["nobody", "acme\0", "acme' OR true --", "a" * 5000, "ACME"])
async def test_organisation_that_is_none_is_nobodys(front: Reception, named: str):
    await front.person()
    assert (await front.browser().sign_in(organization=named)).errors == {"": REFUSAL}


NOBODYS = {"1025": "x" * 1025, "NUL": "\0", "long": "x" * 16_000, "marks": "\u0308" * 300}


@pytest.mark.parametrize("password", NOBODYS.values(), ids=NOBODYS)
async def test_password_that_can_be_nobodys_is_wrong(front: Reception, password: str):
    await front.person()
    assert (await front.browser().sign_in(password=password)).errors == {"": REFUSAL}


async def test_field_that_came_twice_is_refused(front: Reception, connection: asyncpg.Connection):
    await front.person()
    browser = front.browser()
    token = (await browser.get("/signin")).field("token")["value"]
    fields = [("token", token), ("address", "eve@example.com"), ("address", ADA), ("password", PASSWORD)]
    page = await browser.post("/signin", fields)
    assert page.status == 400
    assert "came twice" in page.main
    assert await connection.fetchval("SELECT count(*) FROM sessions") == 0


async def test_refusal_leaves_no_session_and_no_device(front: Reception, connection: asyncpg.Connection):
    await front.person()
    browser = front.browser()
    await browser.sign_in(password=OTHER)
    assert set(browser.cookies) == {"__Host-form"}
    assert await connection.fetchval("SELECT count(*) FROM sessions") == 0
    assert await connection.fetchval("SELECT count(*) FROM known_devices") == 0


async def test_session_of_somebody_else_survives_a_refusal(front: Reception):
    await front.person()
    browser = front.browser()
    await browser.sign_in()
    token = (await browser.get("/sessions")).field("token")["value"]
    page = await browser.post("/signin", {"token": token, "address": GHOST, "password": OTHER})
    assert page.status == 422
    assert await browser.is_signed_in()


async def test_clock_that_moves_changes_nothing_of_the_answer(front: Reception):
    await front.person()
    one = masked(await front.browser().sign_in(password=OTHER), ADA)
    front.hands.now += timedelta(days=400)
    assert masked(await Browser(front.installation.http).sign_in(password=OTHER), ADA) == one
