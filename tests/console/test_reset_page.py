"""Choosing a password by a mailed link: looked at as often as one likes, used once, signing nobody in."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest

from scimserver.app import TIDYING
from scimserver.kernel.ids import INSTALLATION
from tests.people import ADA, OTHER, PASSWORD, Browser, Reception, Shown

LINK = "__Host-link"


async def follow(browser: Browser, token: str) -> Shown:
    """Follow a link from a mail."""
    return await browser.follow(await browser.get(f"/reset?token={token}"))


async def choose(browser: Browser, page: Shown, new: str = OTHER, again: str | None = None) -> Shown:
    """Fill in the form."""
    fields = {"token": page.field("token")["value"], "new": new, "again": new if again is None else again}
    return await browser.post("/reset", fields)


async def test_new_password_signs_in(front: Reception):
    ada = await front.person()
    browser = front.browser()
    page = await follow(browser, await front.link(ada))
    answer = await choose(browser, page)
    assert answer.location == "/signin?done=password-set"
    assert "Your password is set." in (await browser.follow(answer)).main
    assert (await browser.sign_in(password=PASSWORD)).status == 422
    assert (await browser.sign_in(password=OTHER)).status == 303


async def test_nobody_is_signed_in_by_a_link(front: Reception):
    ada = await front.person()
    browser = front.browser()
    await choose(browser, await follow(browser, await front.link(ada)))
    assert "__Host-session" not in browser.cookies
    assert not await browser.is_signed_in()


async def test_first_password_can_be_set(front: Reception):
    ada = await front.person(password=None)
    browser = front.browser()
    assert (await choose(browser, await follow(browser, await front.link(ada)))).status == 303
    assert (await browser.sign_in(password=OTHER)).status == 303


async def test_token_moves_out_of_the_address(front: Reception):
    ada = await front.person()
    browser, token = front.browser(), await front.link(ada)
    answer = await browser.get(f"/reset?token={token}")
    assert (answer.status, answer.location) == (303, "/reset")
    assert browser.cookies[LINK] == token
    assert browser.attributes[LINK] == "HttpOnly; Max-Age=900; Path=/; SameSite=Lax; Secure"
    page = await browser.follow(answer)
    assert token not in page.text
    for shown in (answer, page):
        assert (shown.headers["Referrer-Policy"], shown.headers["Cache-Control"]) == (
            "no-referrer",
            "no-store",
        )


async def test_token_is_in_no_log_line(front: Reception, capsys: pytest.CaptureFixture[str]):
    ada = await front.person()
    browser, token = front.browser(), await front.link(ada)
    await choose(browser, await follow(browser, token))
    written = capsys.readouterr()
    assert "/reset" in written.out + written.err
    assert token not in written.out + written.err


async def test_token_goes_with_its_use(front: Reception):
    ada = await front.person()
    browser = front.browser()
    await choose(browser, await follow(browser, await front.link(ada)))
    assert LINK not in browser.cookies


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_uses_nothing(front: Reception, method: str):
    ada = await front.person()
    token = await front.link(ada)
    for _ in range(3):
        scanner = front.browser(address="198.51.100.9")
        await scanner.request(method, f"/reset?token={token}")
        await scanner.request(method, "/reset")
    browser = front.browser()
    assert (await choose(browser, await follow(browser, token))).status == 303


async def test_page_says_whose_password_it_is_and_what_it_has_to_be(
    front: Reception, connection: asyncpg.Connection
):
    await connection.execute(
        "UPDATE organizations SET support_contact = 'Helpdesk, 1234' WHERE name = 'acme'"
    )
    ada = await front.person()
    page = await follow(front.browser(), await front.link(ada))
    assert ADA in page.main
    assert "It has 15 to 256 characters." in page.main
    assert "Help: Helpdesk, 1234" in page.main


# -- what ends -----------------------------------------------------------------


async def test_every_session_of_the_user_ends(front: Reception):
    ada = await front.person()
    left = front.browser()
    await left.sign_in()
    browser = front.browser()
    await choose(browser, await follow(browser, await front.link(ada)))
    assert not await left.is_signed_in()


async def test_link_works_where_the_user_is_signed_in(front: Reception):
    ada = await front.person()
    browser = front.browser()
    await browser.sign_in()
    assert (await choose(browser, await follow(browser, await front.link(ada)))).status == 303
    assert not await browser.is_signed_in()


async def test_link_works_where_somebody_else_is_signed_in_and_stays_so(front: Reception):
    ada = await front.person()
    await front.person("bob@example.com", "ten tiny brown wrens")
    browser = front.browser()
    await browser.sign_in("bob@example.com", "ten tiny brown wrens")
    page = await follow(browser, await front.link(ada))
    assert ADA in page.main
    assert (await choose(browser, page)).status == 303
    assert "bob@example.com" in (await browser.get("/sessions")).text
    assert (await front.browser().sign_in("bob@example.com", "ten tiny brown wrens")).status == 303
    assert (await front.browser().sign_in(ADA, OTHER)).status == 303


async def test_owner_is_told_by_mail(front: Reception):
    ada = await front.person()
    browser = front.browser()
    await choose(browser, await follow(browser, await front.link(ada)))
    assert await front.mailed() == ["notice.password_reset"]


async def test_reset_is_on_record_without_token_or_password(front: Reception):
    ada = await front.person()
    browser, token = front.browser(), await front.link(ada)
    await choose(browser, await follow(browser, token))
    [logged] = await front.logged("password.set_by_link")
    assert (logged.entry["outcome"], logged.entry["actor"]["user"]) == ("success", str(ada.id))
    assert "session" not in logged.entry["actor"]
    assert OTHER not in str(logged)
    assert token not in str(logged)


# -- links that are dead -------------------------------------------------------


async def is_dead(front: Reception, token: str) -> bool:
    """Whether a link leads to the page that says so."""
    page = await follow(front.browser(), token)
    return page.status == 410 and "This link cannot be used" in page.title


async def test_link_is_used_once(front: Reception):
    ada = await front.person()
    browser, token = front.browser(), await front.link(ada)
    page = await follow(browser, token)
    await choose(browser, page)
    assert await is_dead(front, token)
    again = front.browser(cookies={LINK: token, "__Host-form": browser.cookies["__Host-form"]})
    assert (await choose(again, page, "ten tiny brown wrens")).status == 410
    assert (await front.browser().sign_in(password=OTHER)).status == 303


async def test_of_two_at_once_one_wins(front: Reception):
    ada = await front.person()
    token = await front.link(ada)
    browsers = [front.browser(), front.browser()]
    pages = [await follow(browser, token) for browser in browsers]
    news = [OTHER, "ten tiny brown wrens"]
    answers = await asyncio.gather(
        *(choose(browser, page, new) for browser, page, new in zip(browsers, pages, news, strict=True))
    )
    assert sorted(answer.status for answer in answers) == [303, 410]
    won = news[[answer.status for answer in answers].index(303)]
    assert (await front.browser().sign_in(password=won)).status == 303


async def test_link_ends_after_its_time(front: Reception):
    ada = await front.person()
    token = await front.link(ada)
    front.hands.move(hours=24)
    assert await is_dead(front, token)


async def test_older_of_two_links_is_dead(front: Reception):
    ada = await front.person()
    older, newer = await front.link(ada), await front.link(ada)
    assert await is_dead(front, older)
    assert not await is_dead(front, newer)


@pytest.mark.parametrize("attributes", [{"active": False}, {"userName": "countess@example.com"}])
async def test_link_ends_with_what_it_was_for(front: Reception, attributes: dict[str, object]):
    ada = await front.person()
    token = await front.link(ada)
    await front.change(ada, **attributes)
    assert await is_dead(front, token)


async def test_link_ends_with_another_password(front: Reception):
    ada = await front.person()
    token = await front.link(ada)
    browser = front.browser()
    await browser.sign_in()
    await browser.submit("/password", current=PASSWORD, new=OTHER, again=OTHER)
    assert await is_dead(front, token)


async def test_link_ends_with_the_user(front: Reception):
    ada = await front.person()
    token = await front.link(ada)
    await front.delete(ada)
    assert await is_dead(front, token)


async def test_user_who_is_deactivated_meanwhile_gets_no_password(front: Reception):
    ada = await front.person()
    browser = front.browser()
    page = await follow(browser, await front.link(ada))
    await front.change(ada, active=False)
    assert (await choose(browser, page)).status == 410


ALTERED: dict[str, Callable[[str], str]] = {
    "last letter": lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
    "first letter": lambda token: ("A" if token[0] != "A" else "B") + token[1:],
    "case": lambda token: token.swapcase(),
    "shorter": lambda token: token[:-1],
    "longer": lambda token: token + "A",
    "NUL": lambda token: token + "%00",
    "line feed": lambda token: token + "%0a",
    "nothing": lambda _: "",
    "very long": lambda _: "A" * 5000,
    "semicolon": lambda token: token + ";%20Path=/x",
}


@pytest.mark.parametrize("alter", ALTERED.values(), ids=ALTERED)
async def test_altered_token_is_none(front: Reception, alter: Callable[[str], str]):
    ada = await front.person()
    assert await is_dead(front, alter(await front.link(ada)))


async def test_token_that_came_twice_is_none(front: Reception):
    ada = await front.person()
    token = await front.link(ada)
    browser = front.browser()
    answer = await browser.get(f"/reset?token=other&token={token}")
    assert (await browser.follow(answer)).status == 410


async def test_dead_link_on_record_is_counted(front: Reception):
    ada = await front.person()
    browser, token = front.browser(), await front.link(ada)
    page = await follow(browser, token)
    await front.delete(ada)
    for _ in range(3):
        dead = front.browser(cookies={LINK: token, "__Host-form": browser.cookies["__Host-form"]})
        assert (await choose(dead, page)).status == 410
    await front.installation.http.app[TIDYING].once(last=True)
    told = await front.reasons(INSTALLATION)
    assert told == [
        ("password.set_by_link", "link_not_live", 1),
        ("password.set_by_link", "link_not_live", 2),
    ]


async def test_tokens_cannot_be_guessed_for_long(front: Reception, connection: asyncpg.Connection):
    ada = await front.person()
    token = await front.link(ada)
    browser = front.browser()
    assert (await follow(browser, "A" * 64)).status == 410
    await connection.execute(
        "UPDATE sign_in_sources SET empty_at = $1::timestamptz + interval '10 minutes'", front.hands.now
    )
    assert (await follow(browser, "B" * 64)).status == 429
    assert (await follow(front.browser(address="198.51.100.9"), token)).status == 200


# -- forms that are refused ----------------------------------------------------


@pytest.mark.parametrize(
    "new,again,name",
    [
        ("", "", "new"),
        ("short", "short", "new"),
        (OTHER, "something else", "again"),
        ("x y" * 400, None, "new"),
    ],
)
async def test_password_that_is_refused_does_not_use_the_link(
    front: Reception, new: str, again: str | None, name: str
):
    ada = await front.person()
    browser = front.browser()
    page = await choose(browser, await follow(browser, await front.link(ada)), new, again)
    assert (page.status, list(page.errors)) == (422, [name])
    assert (await choose(browser, page)).status == 303


async def test_refusal_by_the_policy_is_on_record(front: Reception):
    ada = await front.person()
    browser = front.browser()
    await choose(browser, await follow(browser, await front.link(ada)), "herons too few")
    [logged] = await front.logged("password.set_by_link")
    assert (logged.entry["outcome"], logged.entry["reason"]) == ("failure", "password_not_allowed")
    assert "herons too few" not in str(logged)


async def test_page_without_a_link_says_so(front: Reception):
    page = await front.browser().get("/reset")
    assert page.status == 410
    assert [each["href"] for each in page.all("a") if "link" in each.text] == ["/forgot"]
