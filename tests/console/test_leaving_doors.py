"""Who is deleted or deactivated, at whatever door, is out: sessions, links, sign-in (P5)."""

from collections.abc import Callable
from dataclasses import dataclass

import asyncpg
import pytest
import pytest_asyncio

from scimserver.access.tokens import DEFAULT_SCOPES
from scimserver.directory import password_resets, users
from scimserver.directory.password_resets import Purpose
from scimserver.directory.users import User
from scimserver.kernel.permissions import Scope
from tests.commands import Commands
from tests.commands import clean_settings as clean_settings
from tests.leaving import DEACTIVATING, DELETING, Door, House
from tests.people import ADA, Browser, Reception

EVERYONE = pytest.mark.parametrize("door", [*DELETING, *DEACTIVATING])


@dataclass(frozen=True, slots=True)
class Leaver:
    """Somebody who is signed in, and was mailed a link; and an organisation with somebody who stays."""

    front: Reception
    house: House
    user: User
    browser: Browser
    link: str

    async def opened(self) -> int:
        """The status of the page to which the link leads."""
        browser = self.front.browser()
        return (await browser.follow(await browser.get(f"/reset?token={self.link}"))).status


@pytest_asyncio.fixture(loop_scope="session")
async def leaver(front: Reception, process_database_dsn: str, clean_settings: Callable[..., None]) -> Leaver:
    clean_settings(SCIMSERVER_DATABASE_URL=process_database_dsn)
    scim = await front.installation.client(front.organization, scopes=DEFAULT_SCOPES | {Scope.ADMINISTER})
    house = House(front.installation, scim, Commands(process_database_dsn))
    await front.person("boss@example.com", roles=[{"value": "Admin Role"}])
    ada, browser = await front.person(), front.browser()
    await browser.sign_in()
    return Leaver(front, house, ada, browser, await front.link(ada))


@EVERYONE
async def test_sessions_of_who_leaves_end_and_each_end_is_on_record(
    leaver: Leaver, connection: asyncpg.Connection, door: Door
):
    assert await leaver.browser.is_signed_in()
    assert await door(leaver.house, str(leaver.user.id))
    assert not await leaver.browser.is_signed_in()
    assert await connection.fetchval("SELECT count(*) FROM sessions") == 0
    [ended] = await leaver.front.logged("session.end_all")
    assert (ended.entry["outcome"], ended.entry["target"]["id"]) == ("success", str(leaver.user.id))


@EVERYONE
async def test_link_of_who_leaves_is_dead(leaver: Leaver, door: Door):
    assert await leaver.opened() == 200
    assert await door(leaver.house, str(leaver.user.id))
    assert await leaver.opened() == 410


@EVERYONE
async def test_who_left_does_not_sign_in(leaver: Leaver, door: Door):
    assert await door(leaver.house, str(leaver.user.id))
    assert (await leaver.front.browser().sign_in()).status == 422


@EVERYONE
async def test_who_left_is_mailed_nothing(leaver: Leaver, connection: asyncpg.Connection, door: Door):
    async with leaver.front.work() as work:
        await password_resets.mail_link(work, await users.get(work, leaver.user.id), Purpose.INVITATION)
    assert await door(leaver.house, str(leaver.user.id))
    assert await connection.fetchval("SELECT count(*) FROM mail_jobs") == 0


@pytest.mark.parametrize("door", DELETING)
async def test_password_of_who_is_deleted_does_not_come_back_with_the_address(leaver: Leaver, door: Door):
    assert await door(leaver.house, str(leaver.user.id))
    await leaver.house.scim.make_user(ADA)
    assert (await leaver.front.browser().sign_in()).status == 422
    assert not await leaver.browser.is_signed_in()
