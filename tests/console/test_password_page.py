"""Changing one's own password: by whoever knows it, to one that is allowed; others have to sign in anew."""

import asyncpg
import pytest

from tests.people import ADA, OTHER, PASSWORD, Browser, Reception, Shown


async def signed_in(front: Reception) -> Browser:
    """A browser in which Ada is signed in."""
    await front.person()
    browser = front.browser()
    await browser.sign_in()
    return browser


async def change(
    browser: Browser, current: str = PASSWORD, new: str = OTHER, again: str | None = None
) -> Shown:
    """Fill in the form."""
    return await browser.submit("/password", current=current, new=new, again=new if again is None else again)


async def test_new_password_signs_in_and_the_old_one_does_not(front: Reception):
    browser = await signed_in(front)
    assert (await change(browser)).location == "/sessions?ended=others"
    assert (await front.browser().sign_in(password=PASSWORD)).status == 422
    assert (await front.browser().sign_in(password=OTHER)).status == 303


async def test_other_sessions_end_and_this_one_goes_on(front: Reception):
    browser = await signed_in(front)
    left = front.browser()
    await left.sign_in()
    await change(browser)
    assert (await browser.is_signed_in(), await left.is_signed_in()) == (True, False)


async def test_owner_is_told_by_mail(front: Reception):
    browser = await signed_in(front)
    await change(browser)
    assert await front.mailed() == ["notice.password_changed"]


async def test_change_is_on_record_without_the_password(front: Reception):
    browser = await signed_in(front)
    await change(browser)
    [logged] = await front.logged("password.change")
    assert (logged.entry["outcome"], logged.entry["changes"]) == ("success", [{"path": "password"}])
    assert logged.entry["actor"]["user"] == logged.entry["target"]["id"]
    assert OTHER not in str(logged)


REFUSED = {
    "wrong": ({"current": OTHER, "new": "ten tiny brown wrens"}, "current"),
    "no current": ({"current": ""}, "current"),
    "no new": ({"new": ""}, "new"),
    "other again": ({"again": "something else"}, "again"),
    "short": ({"new": "short"}, "new"),
    "the same": ({"new": PASSWORD}, "new"),
    "too long": ({"new": "x y" * 400}, "new"),
    "with the name": ({"new": "ada@example.com!"}, "new"),
}


@pytest.mark.parametrize("fields,name", REFUSED.values(), ids=REFUSED)
async def test_what_is_wrong_is_told_beside_its_field_and_changes_nothing(
    front: Reception, connection: asyncpg.Connection, fields: dict[str, str], name: str
):
    browser = await signed_in(front)
    left = front.browser()
    await left.sign_in()
    before = await connection.fetch("SELECT * FROM credentials")
    page = await change(browser, **fields)
    assert (page.status, list(page.errors)) == (422, [name])
    assert [each["value"] for each in page.all("input") if each["type"] == "password"] == ["", "", ""]
    assert await connection.fetch("SELECT * FROM credentials") == before
    assert await left.is_signed_in()


async def test_refusal_by_the_policy_is_on_record_without_the_password(front: Reception):
    browser = await signed_in(front)
    await change(browser, new="herons too few")
    [logged] = await front.logged("password.change")
    assert (logged.entry["outcome"], logged.entry["reason"]) == ("failure", "password_not_allowed")
    assert "herons too few" not in str(logged)


async def test_wrong_current_password_is_on_record(front: Reception):
    browser = await signed_in(front)
    await change(browser, current=OTHER, new="ten tiny brown wrens")
    [logged] = await front.logged("password.change")
    assert (logged.entry["outcome"], logged.entry["reason"]) == ("failure", "wrong_password")


async def test_current_password_cannot_be_guessed_here_and_its_owner_is_not_locked_out(front: Reception):
    browser = await signed_in(front)
    for _ in range(5):
        await change(browser, current=OTHER, new="ten tiny brown wrens")
    assert list((await change(browser)).errors) == ["current"]
    assert (await front.browser().sign_in()).status == 303
    front.hands.move(seconds=1)
    assert (await change(browser)).status == 303


async def test_new_password_that_is_refused_often_locks_nobody(front: Reception):
    browser = await signed_in(front)
    for _ in range(6):
        assert list((await change(browser, new="short")).errors) == ["new"]
    assert (await change(browser)).status == 303


async def test_requirements_and_whom_to_ask_are_shown(front: Reception, connection: asyncpg.Connection):
    await connection.execute(
        "UPDATE organizations SET support_contact = 'Helpdesk <1234>' WHERE name = 'acme'"
    )
    browser = await signed_in(front)
    page = await browser.get("/password")
    assert "It has 15 to 256 characters." in page.main
    assert "Help: Helpdesk <1234>" in page.main
    assert "requirements" in page.field("new")["aria-describedby"]
    refused = await change(browser, new="short")
    assert refused.errors["new"].endswith("Help: Helpdesk <1234>")


async def test_fields_are_what_password_managers_look_for(front: Reception):
    page = await (await signed_in(front)).get("/password")
    wanted = {"current": "current-password", "new": "new-password", "again": "new-password"}
    assert {name: page.field(name)["autocomplete"] for name in wanted} == wanted
    names = [each for each in page.all("input") if each["autocomplete"] == "username"]
    assert [each["value"] for each in names] == [ADA]
