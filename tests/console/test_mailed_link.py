"""From "I have forgotten my password" to being signed in, by mail that a real mail server took."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from datetime import UTC, datetime

import asyncpg
import pytest
import pytest_asyncio

from scimserver.app import MAIL
from scimserver.db.pool import Database
from scimserver.directory.users import User
from scimserver.kernel.ids import INSTALLATION
from scimserver.scim.actions import PASSWORD_REQUEST
from tests.commands import Commands
from tests.commands import clean_settings as clean_settings
from tests.people import ADA, OTHER, PASSWORD, Browser, Reception, Shown, reception
from tests.postbox import Postbox, serving_elsewhere


@pytest.fixture
def postbox() -> Generator[Postbox]:
    """A mail server."""
    with serving_elsewhere() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def front(
    database: Database, connection: asyncpg.Connection, postbox: Postbox
) -> AsyncGenerator[Reception]:
    """An organisation whose mail goes to `postbox`."""
    settings = {"smtp_url": f"smtp://127.0.0.1:{postbox.port}", "mail_from": "Acme <no-reply@scim.test>"}
    async with reception(database, connection, **settings) as made:
        yield made


async def delivered(front: Reception) -> None:
    """Let what waits be answered and sent."""
    await front.installation.http.app[MAIL].once()


async def chosen(browser: Browser, token: str, new: str) -> Shown:
    """Follow a link, and choose a password."""
    page = await browser.follow(await browser.get(f"/reset?token={token}"))
    return await browser.post("/reset", {"token": page.field("token")["value"], "new": new, "again": new})


async def test_whoever_forgot_a_password_signs_in_with_another_one(front: Reception, postbox: Postbox):
    await front.person()
    browser = front.browser()
    left = front.browser()
    await left.sign_in()
    await browser.submit("/forgot", address="ADA@example.com")
    await delivered(front)
    [letter] = postbox.received
    assert (letter.recipients, f"https://scim.test/reset?token={letter.token}" in letter.text) == (
        [ADA],
        True,
    )
    assert (await chosen(browser, letter.token, OTHER)).location == "/signin?done=password-set"
    assert (await browser.sign_in(password=OTHER)).location == "/sessions"
    assert await browser.is_signed_in()
    assert not await left.is_signed_in()
    await delivered(front)
    [_, notice] = postbox.received
    assert notice.recipients == [ADA]
    assert OTHER not in notice.text
    assert "token=" not in notice.text


async def ordered_over_scim(front: Reception, commands: Commands, user: User) -> bool:
    scim = await front.installation.client(front.organization)
    body = {"schemas": [PASSWORD_REQUEST], "method": "email"}
    return (await scim.post(f"/Users/{user.id}/.password", body)).status == 202


async def ordered_by_command(front: Reception, commands: Commands, user: User) -> bool:
    return (await asyncio.to_thread(commands, "user", "reset-link", "acme", ADA)).exit_code == 0


async def invited_by_command(front: Reception, commands: Commands, user: User) -> bool:
    arguments = ("user", "reset-link", "acme", ADA, "--invite")
    return (await asyncio.to_thread(commands, *arguments)).exit_code == 0


@pytest.mark.parametrize("ordered", [ordered_over_scim, ordered_by_command, invited_by_command])
async def test_link_that_others_have_mailed_leads_to_signing_in(
    front: Reception,
    postbox: Postbox,
    process_database_dsn: str,
    clean_settings: Callable[..., None],
    ordered: Callable[[Reception, Commands, User], Awaitable[bool]],
):
    clean_settings(SCIMSERVER_DATABASE_URL=process_database_dsn)
    # Commands have no other clock than that of the machine.
    front.hands.now = datetime.now(UTC)
    ada = await front.person(password=None)
    assert await ordered(front, Commands(process_database_dsn), ada)
    front.hands.move(minutes=1)
    await delivered(front)
    [letter] = postbox.received
    browser = front.browser()
    assert (letter.recipients, (await chosen(browser, letter.token, OTHER)).status) == ([ADA], 303)
    assert (await browser.sign_in(password=OTHER)).location == "/sessions"
    assert await browser.is_signed_in()


async def test_host_of_the_request_is_in_no_link(front: Reception, postbox: Postbox):
    await front.person()
    browser = front.browser()
    token = (await browser.get("/forgot")).field("token")["value"]
    fields = {"token": token, "address": ADA}
    assert (await browser.post("/forgot", fields, **{"X-Forwarded-Host": "attacker.test"})).status == 303
    assert (await browser.post("/forgot", fields, Host="attacker.test")).status == 421
    await delivered(front)
    [letter] = postbox.received
    assert "attacker" not in str(letter)


@pytest.mark.parametrize("address", ["ghost@example.com", "ghost@nowhere.test"])
async def test_nobody_gets_no_mail(front: Reception, postbox: Postbox, address: str):
    await front.person()
    await front.browser().submit("/forgot", address=address)
    await delivered(front)
    assert postbox.received == []
    rows = await front.connection.fetch("SELECT entry FROM log_entries")
    assert not [row for row in rows if "ghost" in row["entry"]]
    assert await front.logged("password.request_reset", INSTALLATION)


@pytest.mark.parametrize("asks", ["before", "after"])
@pytest.mark.parametrize("way", ["deleted", "deactivated"])
async def test_who_leaves_gets_no_mail(front: Reception, postbox: Postbox, asks: str, way: str):
    ada = await front.person()
    if asks == "before":
        await front.browser().submit("/forgot", address=ADA)
    await (front.delete(ada) if way == "deleted" else front.change(ada, active=False))
    if asks == "after":
        await front.browser().submit("/forgot", address=ADA)
    await delivered(front)
    assert postbox.received == []


async def test_mail_goes_to_the_address_that_is_stored(front: Reception, postbox: Postbox):
    await front.person("Ada@example.com")
    await front.browser().submit("/forgot", address="ADA@EXAMPLE.COM")
    await delivered(front)
    assert [letter.recipients for letter in postbox.received] == [["Ada@example.com"]]


async def test_link_lets_those_in_who_failed_too_often(front: Reception, postbox: Postbox):
    await front.person()
    await front.browser().sign_in(password=OTHER)
    await front.connection.execute("UPDATE sign_in_tries SET failures = 100, next_try = 'infinity'")
    assert (await front.browser().sign_in(password=PASSWORD)).status == 422
    browser = front.browser()
    await browser.submit("/forgot", address=ADA)
    await delivered(front)
    assert (await chosen(browser, postbox.received[0].token, OTHER)).status == 303
    assert (await browser.sign_in(password=OTHER)).status == 303
