"""How often somebody may try: as a user, from a device, from an address; over all processes at once."""

import asyncio
from typing import Any

import asyncpg
import pytest

from scimserver.app import TIDYING
from scimserver.kernel.ids import INSTALLATION
from tests.people import ADA, OTHER, PASSWORD, Browser, Reception

GHOST = "ghost@example.com"


async def fail(browser: Browser, times: int, address: str = ADA) -> None:
    """Send so many wrong passwords."""
    page = await browser.get("/signin")
    fields = {"token": page.field("token")["value"], "address": address, "password": OTHER}
    for _ in range(times):
        assert (await browser.post("/signin", fields)).status == 422


async def is_let_in(browser: Browser, password: str = PASSWORD) -> bool:
    """Whether the right password is taken."""
    return (await browser.sign_in(password=password)).status == 303


async def failures(connection: asyncpg.Connection) -> list[int]:
    """What was counted."""
    rows = await connection.fetch("SELECT failures FROM sign_in_tries ORDER BY failures")
    return [row["failures"] for row in rows]


async def set_failures(connection: asyncpg.Connection, number: int, *, lasting: bool = False) -> None:
    """Let so many have failed, the last one just now or long ago."""
    moment = "infinity" if lasting else "2020-01-01"
    await connection.execute(
        "UPDATE sign_in_tries SET failures = $1, next_try = $2::text::timestamptz", number, moment
    )


async def test_four_failures_are_free(front: Reception):
    await front.person()
    await fail(front.browser(), 4)
    assert await is_let_in(front.browser())


async def test_fifth_failure_is_followed_by_a_pause(front: Reception):
    await front.person()
    await fail(front.browser(), 5)
    assert not await is_let_in(front.browser())
    front.hands.move(seconds=0.9)
    assert not await is_let_in(front.browser())
    front.hands.move(seconds=0.1)
    assert await is_let_in(front.browser())


async def test_try_that_comes_too_early_counts_nothing(front: Reception, connection: asyncpg.Connection):
    await front.person()
    await fail(front.browser(), 8)
    assert await failures(connection) == [5]


async def test_tenth_failure_locks_for_half_an_hour(front: Reception, connection: asyncpg.Connection):
    await front.person()
    await fail(front.browser(), 1)
    await set_failures(connection, 9)
    await fail(front.browser(), 1)
    front.hands.move(minutes=29, seconds=59)
    assert not await is_let_in(front.browser())
    front.hands.move(seconds=1)
    assert await is_let_in(front.browser())


async def test_hundredth_failure_locks_until_the_password_is_set_anew(
    front: Reception, connection: asyncpg.Connection
):
    ada = await front.person()
    await fail(front.browser(), 1)
    await set_failures(connection, 99)
    await fail(front.browser(), 1)
    front.hands.move(days=3650)
    assert not await is_let_in(front.browser())
    await front.give(ada, OTHER)
    assert await is_let_in(front.browser(), OTHER)


async def test_ceiling_outlives_housekeeping(front: Reception, connection: asyncpg.Connection):
    await front.person()
    await fail(front.browser(), 1)
    await set_failures(connection, 100, lasting=True)
    front.hands.move(days=365)
    await front.installation.http.app[TIDYING].once()
    assert not await is_let_in(front.browser())


async def test_success_begins_anew(front: Reception, connection: asyncpg.Connection):
    await front.person()
    await fail(front.browser(), 4)
    assert await is_let_in(front.browser())
    await fail(front.browser(), 4)
    assert await is_let_in(front.browser())
    assert await failures(connection) == []


async def test_strangers_cannot_keep_a_user_out_of_a_device_that_is_known(
    front: Reception, connection: asyncpg.Connection
):
    await front.person()
    own = front.browser()
    assert await is_let_in(own)
    await own.submit("/signout")
    await fail(front.browser(address="198.51.100.9"), 5)
    assert not await is_let_in(front.browser())
    assert await is_let_in(own)
    assert await failures(connection) == [5]


async def test_known_device_counts_by_itself(front: Reception):
    await front.person()
    own = front.browser()
    assert await is_let_in(own)
    await own.submit("/signout")
    await fail(own, 5)
    assert not await is_let_in(own)
    assert await is_let_in(front.browser())


async def test_device_is_known_for_those_who_signed_in_there(
    front: Reception, connection: asyncpg.Connection
):
    await front.person()
    await front.person("bob@example.com", OTHER)
    shared = front.browser()
    await shared.sign_in("bob@example.com", OTHER)
    await shared.submit("/signout")
    await fail(shared, 5)
    assert not await is_let_in(front.browser())
    assert (await shared.sign_in("bob@example.com", OTHER)).status == 303


async def test_device_of_two_people_is_known_for_both(front: Reception, connection: asyncpg.Connection):
    await front.person()
    await front.person("bob@example.com", OTHER)
    shared = front.browser()
    await shared.sign_in("bob@example.com", OTHER)
    await shared.submit("/signout")
    await shared.sign_in()
    assert await connection.fetchval("SELECT count(DISTINCT digest) FROM known_devices") == 1
    assert await connection.fetchval("SELECT count(*) FROM known_devices") == 2


async def test_devices_are_forgotten_with_another_password(front: Reception, connection: asyncpg.Connection):
    ada = await front.person()
    await front.browser().sign_in()
    await front.give(ada, OTHER)
    assert await connection.fetchval("SELECT count(*) FROM known_devices") == 0


async def test_tries_at_once_are_no_more_than_one_after_the_other(
    front: Reception, connection: asyncpg.Connection
):
    await front.person()
    browser = front.browser()
    page = await browser.get("/signin")
    fields = {"token": page.field("token")["value"], "address": ADA, "password": OTHER}
    answers = await asyncio.gather(*(browser.post("/signin", fields) for _ in range(12)))
    assert {answer.status for answer in answers} == {422}
    assert await failures(connection) == [5]


async def test_name_that_nobody_has_is_counted_in_the_same_way(
    front: Reception, connection: asyncpg.Connection
):
    await fail(front.browser(), 7, GHOST)
    assert await failures(connection) == [5]
    front.hands.move(seconds=1)
    await fail(front.browser(), 3, GHOST.upper())
    assert await failures(connection) == [6]


async def test_names_that_nobody_has_are_counted_apart(front: Reception, connection: asyncpg.Connection):
    for number in range(3):
        await fail(front.browser(), 1, f"ghost{number}@example.com")
    assert await failures(connection) == [1, 1, 1]


# -- where tries come from -----------------------------------------------------


async def fill(front: Reception, connection: asyncpg.Connection, browser: Browser, left: int = 0) -> None:
    """Let so many failures have come from the browser's address that so many are left."""
    await fail(browser, 1, GHOST)
    seconds = (100 - left) * 6
    await connection.execute(
        "UPDATE sign_in_sources SET empty_at = $1::timestamptz + make_interval(secs => $2)",
        front.hands.now,
        seconds,
    )


async def test_address_that_failed_too_often_is_told_to_wait(
    front: Reception, connection: asyncpg.Connection
):
    await front.person()
    browser = front.browser()
    await fill(front, connection, browser)
    page = await browser.sign_in()
    assert (page.status, page.headers["Retry-After"]) == (429, "6")
    assert await front.reasons(INSTALLATION) == [("session.sign_in", "too_many_failures", 1)]
    front.hands.move(seconds=6)
    assert await is_let_in(browser)


async def test_address_may_fail_a_hundred_times_in_ten_minutes(
    front: Reception, connection: asyncpg.Connection
):
    browser = front.browser()
    await fill(front, connection, browser, left=2)
    await fail(browser, 2, GHOST)
    assert (await browser.sign_in(GHOST)).status == 429
    front.hands.move(minutes=10)
    await fail(browser, 1, GHOST)


async def test_other_addresses_do_not_notice(front: Reception, connection: asyncpg.Connection):
    await front.person()
    await fill(front, connection, front.browser())
    assert await is_let_in(front.browser(address="198.51.100.9"))


async def test_addresses_of_one_network_are_one(front: Reception, connection: asyncpg.Connection):
    await fill(front, connection, front.browser(address="2001:db8::1"))
    assert (await front.browser(address="2001:db8::2").sign_in()).status == 429
    assert (await front.browser(address="2001:db8:0:1::1").sign_in()).status == 422


async def test_success_does_not_count_for_the_address(front: Reception, connection: asyncpg.Connection):
    await front.person()
    browser = front.browser()
    await fill(front, connection, browser, left=1)
    for _ in range(3):
        assert await is_let_in(front.browser())


async def test_address_stands_in_no_row_in_clear(front: Reception, connection: asyncpg.Connection):
    await fail(front.browser(), 1)
    rows: list[Any] = await connection.fetch("SELECT * FROM sign_in_sources")
    assert [len(row["source"]) for row in rows] == [16]
    assert bytes([192, 0, 2, 7]) not in rows[0]["source"]


# -- nothing lost --------------------------------------------------------------


async def test_try_at_which_nobody_could_look_is_not_counted(
    front: Reception, connection: asyncpg.Connection
):
    await front.person()
    await connection.execute(
        "UPDATE credentials SET password_hash = replace(password_hash, ',p=1', ',p=1,keyid=lost')"
    )
    page = await front.browser().sign_in()
    assert (page.status, page.headers["Retry-After"]) == (503, "1")
    assert await failures(connection) == [0]
    assert await connection.fetchval("SELECT max(empty_at) FROM sign_in_sources") == front.hands.now


@pytest.mark.parametrize("change", ["UPDATE users SET active = false", "DELETE FROM credentials"])
async def test_right_password_is_refused_where_something_else_is_wrong(
    front: Reception, connection: asyncpg.Connection, change: str
):
    await front.person()
    await connection.execute(change)
    assert not await is_let_in(front.browser())
