"""Signing in by SAML: there and back, once, in the browser that asked, by a connection that is in use."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
import pytest_asyncio

from scimserver.access.throttle import BEGUN_RATE, Accounts, Limits, Throttle
from scimserver.db.pool import Database
from scimserver.directory.roles import ADMIN_ROLE
from scimserver.directory.saml import State
from tests.federation import Federation, federation, request_of
from tests.people import ADA, HOME, Reception, reception
from tests.responses.provider import SSO

WAITING = """
SELECT EXISTS (SELECT FROM pg_stat_activity
               WHERE wait_event_type = 'Lock' AND datname = current_database())"""


@pytest_asyncio.fixture(loop_scope="session")
async def okta(front: Reception) -> Federation:
    """A connection in use, and Ada, whom it signs in."""
    made = await federation(front)
    await made.managed()
    return made


# -- going there ------------------------------------------------------------------------


async def test_browser_is_sent_to_the_identity_provider(okta: Federation):
    browser = okta.front.browser()
    shown = await browser.get(okta.path("login?next=/password"))
    assert (shown.status, shown.location.partition("?")[0]) == (303, SSO)
    query = parse_qs(urlsplit(shown.location).query)
    assert set(query) == {"SAMLRequest", "RelayState"}
    assert "password" not in query["RelayState"][0]
    assert browser.attributes["__Host-saml"] == "HttpOnly; Max-Age=600; Path=/; SameSite=None; Secure"
    [row] = await okta.front.connection.fetch("SELECT * FROM saml_requests")
    assert (row["user_id"], row["return_to"]) == (None, "/password")
    assert browser.cookies["__Host-saml"] not in str(dict(row))


async def test_beginning_is_not_on_record(okta: Federation):
    before = len(await okta.front.installation.log(okta.organization))
    await okta.begin(okta.front.browser())
    assert len(await okta.front.installation.log(okta.organization)) == before


@pytest.mark.parametrize("state", [State.TESTING, State.DISABLED])
async def test_connection_that_is_not_in_use_leads_nowhere(okta: Federation, state: State):
    await okta.switched(state)
    assert (await okta.front.browser().get(okta.path("login"))).status == 404


async def test_page_after_a_form_leads_there_by_a_link(okta: Federation):
    browser = okta.front.browser()
    shown = await browser.get(okta.path("login?ask&next=/password"))
    assert (shown.status, browser.cookies) == (200, {})
    assert [each["href"] for each in shown.all("a") if each.text == "Go there"] == ["?next=/password"]
    assert [each["content"] for each in shown.all("meta") if each["http-equiv"] == "refresh"] == [
        "0; url=?next=/password"
    ]


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\\/evil.example",
        "/%2Fevil.example",
        "/.//evil.example",
        "javascript:alert(1)",
        "/sessions?x=https://evil.example",
        "/sessions#x",
        "/sessions%0d%0aSet-Cookie:x",
        "evil.example",
        "///evil.example",
        "/@evil.example",
        "",
        "/",
    ],
)
async def test_wrong_target_leads_home(okta: Federation, wanted: str):
    browser = okta.front.browser()
    response = okta.good(await okta.begin(browser, f"?next={wanted}".replace("#", "%23")))
    assert (await okta.answer(browser, response)).location == "/sessions"


async def test_target_that_would_lead_there_again_leads_home(okta: Federation):
    browser = okta.front.browser()
    response = okta.good(await okta.begin(browser, f"?next={okta.path('login')}"))
    assert (await okta.answer(browser, response)).location == "/sessions"


async def test_target_that_is_longer_than_any_page_leads_home(okta: Federation):
    browser = okta.front.browser()
    response = okta.good(await okta.begin(browser, f"?next=/{'a' * 200}"))
    assert (await okta.answer(browser, response)).location == "/sessions"


# -- beginning without end --------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="session")
async def crowded(database: Database, connection: asyncpg.Connection) -> AsyncGenerator[Federation]:
    """A network at which as many have begun to sign in, at another process, as may in an hour."""
    accounts = Accounts(processes=1, salt=b"salt")
    nothing = Limits(rate=0, burst=1, failures=0, failure_seconds=1)
    async with reception(database, connection, accounts=accounts) as front:
        made = await federation(front)
        await made.managed()
        Throttle(nothing, accounts).begin(HOME, 3600 * BEGUN_RATE)
        yield made


async def test_so_many_begin_at_a_network_that_others_there_are_asked_to_wait(crowded: Federation):
    browser = crowded.front.browser()
    shown = await browser.get(crowded.path("login"))
    assert (shown.status, browser.cookies) == (429, {})
    assert 3500 < int(shown.headers["Retry-After"]) <= 3600
    assert "network address" in shown.main
    assert await crowded.front.connection.fetchval("SELECT count(*) FROM saml_requests") == 0


async def test_so_many_begin_that_the_first_of_a_minute_is_on_record(crowded: Federation):
    for _ in range(3):
        await crowded.front.browser().get(crowded.path("login"))
    assert await crowded.front.reasons(crowded.organization) == [("session.sign_in", "rate_limited", 1)]


async def test_another_network_does_not_notice(crowded: Federation):
    await crowded.begin(crowded.front.browser(address="198.51.100.9"))


async def test_whoever_comes_back_does_not_notice(crowded: Federation):
    browser = crowded.front.browser(address="198.51.100.9")
    response = crowded.good(await crowded.begin(browser))
    browser.address = HOME
    assert (await crowded.answer(browser, response)).status == 303


async def test_page_that_leads_there_is_shown_however_many_begin(crowded: Federation):
    assert (await crowded.front.browser().get(crowded.path("login?ask"))).status == 200


# -- coming back ------------------------------------------------------------------------


async def test_whoever_is_asserted_is_signed_in(okta: Federation):
    browser = okta.front.browser()
    response = okta.good(await okta.begin(browser, "?next=/sessions"))
    shown = await okta.answer(browser, response)
    assert (shown.status, shown.location) == (303, "/sessions")
    page = await browser.follow(shown)
    assert ADA in page.text
    assert "by your organisation's identity provider" in page.main
    assert "password" not in page.text
    assert browser.attributes["__Host-session"] == "HttpOnly; Path=/; SameSite=Lax; Secure"


async def test_sign_in_is_on_record_with_the_connection(okta: Federation):
    await okta.arrive()
    [entry] = await okta.front.logged("session.sign_in")
    assert entry.entry["outcome"] == "success"
    assert entry.entry["actor"]["kind"] == "user"
    changes = {change["path"]: number for number, change in enumerate(entry.entry["changes"])}
    assert list(changes) == ["session", "method", "connection"]
    assert str(okta.connection.id) in str(entry)


async def test_target_is_where_the_browser_goes_that_asked(okta: Federation):
    browser = okta.front.browser()
    first = await okta.begin(browser, "?next=/password")
    second = await okta.begin(browser)
    assert (await okta.answer(browser, okta.good(second))).location == "/sessions"
    assert (await okta.answer(browser, okta.good(first))).location == "/password"


async def test_response_comes_once(okta: Federation):
    browser = okta.front.browser()
    response = okta.good(await okta.begin(browser))
    assert (await okta.answer(browser, response)).status == 303
    assert (await okta.answer(browser, response)).status == 403
    assert await okta.sessions() == 1


async def test_one_of_eight_responses_at_once_signs_in(okta: Federation):
    browser = okta.front.browser()
    response = okta.good(await okta.begin(browser))
    shown = await asyncio.gather(*(okta.answer(browser, response) for _ in range(8)))
    assert sorted(each.status for each in shown) == [303] + [403] * 7
    assert await okta.sessions() == 1


async def test_eight_windows_at_once_sign_in(okta: Federation):
    """The first time, all of them would link the same user."""
    browsers = [okta.front.browser() for _ in range(8)]
    responses = [okta.good(await okta.begin(browser)) for browser in browsers]
    shown = await asyncio.gather(
        *(okta.answer(browser, response) for browser, response in zip(browsers, responses, strict=True))
    )
    assert [each.status for each in shown] == [303] * 8
    assert await okta.sessions() == 8
    assert await okta.links() == [(ADA, ADA)]


async def test_assertion_is_used_once_whatever_it_answers(okta: Federation):
    assert (await okta.arrive(assertion="_same")).status == 303
    assert (await okta.arrive(assertion="_same")).status == 403
    assert await okta.reasons() == ["saml_replay"]


async def test_response_in_another_browser_is_refused(okta: Federation):
    response = okta.good(await okta.begin(okta.front.browser()))
    other = okta.front.browser()
    await okta.begin(other)
    shown = await okta.answer(other, response)
    assert (shown.status, "__Host-session" in other.cookies) == (403, False)
    [entry] = await okta.front.installation.log(okta.organization, outcomes=["failure"])
    assert (entry.entry["event"], entry.entry["reason"]) == ("session.sign_in", "saml_request")
    assert entry.entry["request"]["id"] in shown.main


async def test_request_waits_for_ten_minutes(okta: Federation):
    browser = okta.front.browser()
    response = okta.good(await okta.begin(browser))
    okta.front.hands.move(minutes=10)
    assert (await okta.answer(browser, response)).status == 403


async def test_session_before_ends_and_the_new_one_has_another_secret(okta: Federation):
    browser = okta.front.browser()
    await okta.arrive(browser)
    before = browser.cookies["__Host-session"]
    await okta.arrive(browser)
    assert browser.cookies["__Host-session"] != before
    assert await okta.sessions() == 1


async def test_session_ends_when_the_identity_provider_wants_it(okta: Federation):
    browser = okta.front.browser()
    ends = okta.front.hands() + timedelta(minutes=30)
    await okta.arrive(browser, session_ends=ends)
    okta.front.hands.move(minutes=29)
    assert await browser.is_signed_in()
    okta.front.hands.move(minutes=2)
    assert not await browser.is_signed_in()


async def test_trial_signs_nobody_in_where_the_connection_is_in_use(okta: Federation):
    await okta.front.person("eve@example.com", roles=[{"value": ADMIN_ROLE}])
    browser = okta.front.browser()
    await browser.sign_in("eve@example.com")
    sent_there = await browser.get(okta.path("try?go"))
    shown = await okta.answer(browser, okta.good(request_of(sent_there)))
    assert (shown.status, await okta.sessions()) == (200, 1)
    assert "nobody was signed in" in shown.main


# -- what is refused --------------------------------------------------------------------

MEANWHILE: dict[str, tuple[str, str]] = {
    "deactivated": ("UPDATE users SET active = false", "saml_inactive"),
    "deleted": ("DELETE FROM users", "saml_unknown"),
    "marked by nobody": ("UPDATE users SET saml_connection_id = NULL", "saml_not_managed"),
    "a clone's": ("UPDATE users SET user_name = 'ada@example.com (Copy 1)'", "saml_unknown"),
}

RENAMED = "UPDATE users SET user_name = 'eve@example.com', user_name_key = 'eve@example.com'"


@pytest.mark.parametrize("what", MEANWHILE)
@pytest.mark.parametrize("linked", [False, True], ids=["new", "linked"])
async def test_whoever_may_not_is_refused(okta: Federation, what: str, linked: bool):
    if linked:
        await okta.arrive()
    before = await okta.sessions()
    browser = okta.front.browser()
    response = okta.good(await okta.begin(browser))
    statement, reason = MEANWHILE[what]
    await okta.front.connection.execute(statement)
    shown = await okta.answer(browser, response)
    assert (shown.status, "__Host-session" in browser.cookies) == (403, False)
    assert await okta.reasons() == [reason]
    assert await okta.sessions() == (0 if what == "deleted" else before)
    [entry] = await okta.front.installation.log(okta.organization, outcomes=["failure"])
    assert entry.entry["request"]["id"] in shown.main


@pytest.mark.parametrize("what", [*MEANWHILE, "renamed"])
async def test_whoever_may_no_more_at_that_moment_is_refused(okta: Federation, what: str):
    """The sign-in waits for what is being done to the user, and sees it."""
    browser = okta.front.browser()
    response = okta.good(await okta.begin(browser))
    statement, reason = MEANWHILE.get(what, (RENAMED, "saml_unknown"))
    async with okta.front.connection.transaction():
        await okta.front.connection.execute(statement)
        answering = asyncio.create_task(okta.answer(browser, response))
        while not await okta.front.connection.fetchval(WAITING):
            await okta.front.connection.execute("SELECT pg_stat_clear_snapshot()")
    assert (await answering).status == 403
    assert await okta.reasons() == [reason]
    assert (await okta.sessions(), await okta.links()) == (0, [])


async def test_refused_response_is_taken_once_what_was_missing_is_done(okta: Federation):
    browser = okta.front.browser()
    response = okta.good(await okta.begin(browser))
    await okta.front.connection.execute("UPDATE users SET active = false")
    assert (await okta.answer(browser, response)).status == 403
    await okta.front.connection.execute("UPDATE users SET active = true")
    assert (await okta.answer(browser, response)).status == 303


async def test_user_of_another_connection_is_refused(okta: Federation):
    other = await okta.other_connection()
    await okta.front.connection.execute("UPDATE users SET saml_connection_id = $1", other)
    assert (await okta.arrive()).status == 403
    assert await okta.reasons() == ["saml_not_managed"]


async def test_user_of_another_organisation_is_nobody(okta: Federation):
    other = await okta.front.installation.organization("other", domain="other.example")
    theirs = await federation(okta.front, other)
    await theirs.managed("bob@other.example")
    assert (await okta.arrive(name_id="bob@other.example")).status == 403
    assert (await theirs.arrive(name_id="bob@other.example")).status == 303
    assert (await theirs.arrive(name_id=ADA)).status == 403


async def test_response_does_not_count_once_the_connection_is_out_of_use(okta: Federation):
    browser = okta.front.browser()
    response = okta.good(await okta.begin(browser))
    await okta.switched(State.TESTING)
    assert (await okta.answer(browser, response)).status == 403
    await okta.switched(State.DISABLED)
    assert (await okta.answer(browser, response)).status == 404
    assert await okta.sessions() == 0


async def test_response_does_not_count_where_the_connection_was_changed_since(okta: Federation):
    """It is judged by what the connection was when it was read: nobody is let in by another one."""
    browser = okta.front.browser()
    response = okta.good(await okta.begin(browser))
    row = "SELECT FROM saml_connections FOR UPDATE"
    async with okta.front.connection.transaction():
        await okta.front.connection.execute(row)
        answering = asyncio.create_task(okta.answer(browser, response))
        # The sign-in waits for the row, having judged: until then nothing of it is done.
        while not await okta.front.connection.fetchval(WAITING):
            await okta.front.connection.execute("SELECT pg_stat_clear_snapshot()")
        await okta.front.connection.execute("UPDATE saml_connections SET version = version + 1")
    assert (await answering).status == 403
    assert await okta.reasons() == ["saml_connection"]


# -- unsolicited ------------------------------------------------------------------------


async def test_nobody_comes_unasked_by_default(okta: Federation):
    browser = okta.front.browser()
    shown = await okta.answer(browser, okta.good(None))
    assert (shown.status, browser.cookies) == (403, {})
    assert await okta.reasons() == ["saml_request"]


async def test_whoever_comes_unasked_goes_home_where_the_connection_lets_them(okta: Federation):
    await okta.changed(allow_unsolicited=True)
    browser = okta.front.browser()
    response = okta.good(None)
    assert (await okta.answer(browser, response)).location == "/sessions"
    assert await browser.is_signed_in()
    assert (await okta.answer(okta.front.browser(), response)).status == 403
    assert await okta.reasons() == ["saml_replay"]


async def test_one_of_eight_unasked_responses_at_once_signs_in(okta: Federation):
    await okta.changed(allow_unsolicited=True)
    response = okta.good(None)
    browsers = [okta.front.browser() for _ in range(8)]
    shown = await asyncio.gather(*(okta.answer(browser, response) for browser in browsers))
    assert sorted(each.status for each in shown) == [303] + [403] * 7


async def test_response_to_a_request_never_comes_unasked(okta: Federation):
    await okta.changed(allow_unsolicited=True)
    response = okta.good(await okta.begin(okta.front.browser()))
    assert (await okta.answer(okta.front.browser(), response)).status == 403
    assert await okta.sessions() == 0


async def test_nobody_comes_unasked_while_the_connection_is_tried_out(okta: Federation):
    await okta.changed(allow_unsolicited=True)
    await okta.switched(State.TESTING)
    assert (await okta.answer(okta.front.browser(), okta.good(None))).status == 403


# -- and then ---------------------------------------------------------------------------


async def test_page_for_changing_a_password_is_not_offered(okta: Federation):
    browser = okta.front.browser()
    await okta.arrive(browser)
    page = await browser.get("/sessions")
    assert [each["href"] for each in page.all("a") if "password" in each["href"]] == []
