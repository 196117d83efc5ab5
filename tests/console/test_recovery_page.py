"""`/recovery`: a password and a code let owners in, for sign-in settings alone."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from scimserver.access import sessions
from scimserver.access.sessions import Caller
from scimserver.console.pages.recovery import REFUSED
from scimserver.directory import passwords, recovery, users
from scimserver.directory.organizations import Addresses
from scimserver.directory.users import User
from scimserver.kernel.actor import Origin
from scimserver.kernel.errors import NotPermitted
from scimserver.kernel.permissions import Permission
from scimserver.work import Work
from tests.people import ADA, OTHER, PASSWORD, Browser, Reception, Shown
from tests.recovering import code_of, enforced, enrolled

OWNERS: list[dict[str, str]] = [{"value": "Admin Role"}]
EVE = "eve@example.com"
# Another answer takes another code: each counts once.
STEP = timedelta(seconds=30)


@dataclass(slots=True)
class Recovering:
    """Ada, who has a recovery account; Eve, an owner who has none. SAML is enforced where they are."""

    front: Reception
    ada: User
    eve: User
    secret: str

    def code(self, **later: float) -> str:
        return code_of(self.secret, self.front.hands() + timedelta(**later))

    async def recover(self, browser: Browser | None = None, /, **fields: str) -> Shown:
        given = {"address": ADA, "password": PASSWORD, "code": self.code(), **fields}
        return await (browser or self.front.browser()).submit("/recovery", **given)

    async def let_in(self) -> Browser:
        browser = self.front.browser()
        shown = await self.recover(browser)
        assert (shown.status, shown.location) == (303, "/sessions"), shown.errors
        return browser

    async def caller(self, browser: Browser) -> Caller:
        database, now = self.front.installation.database, self.front.hands()
        found = await sessions.caller(database, browser.cookies["__Host-session"], now)
        assert found is not None
        return found

    async def reasons(self) -> list[str]:
        return [reason for _, reason, _ in await self.front.reasons(self.front.organization)]


@pytest_asyncio.fixture(loop_scope="session")
async def recovering(front: Reception) -> AsyncGenerator[Recovering]:
    ada = await front.person(roles=OWNERS)
    eve = await front.person(EVE, roles=OWNERS)
    await front.person("bob@example.com", password=None)
    await front.person("gone@example.com", roles=OWNERS, password=None, active=False)
    secret = await enrolled(front.connection, front.organization, ada.id, front.hands())
    await enforced(front.connection, front.organization)
    yield Recovering(front, ada, eve, secret)


# -- letting in ------------------------------------------------------------------------------------


async def test_owner_is_let_in_by_password_and_code(recovering: Recovering):
    browser = await recovering.let_in()
    assert await browser.is_signed_in()
    assert "by a recovery account" in (await browser.get("/sessions")).main


async def test_session_lasts_an_hour_however_much_it_is_used(recovering: Recovering):
    browser = await recovering.let_in()
    for minutes in (30, 29):
        recovering.front.hands.move(minutes=minutes)
        assert await browser.is_signed_in()
    recovering.front.hands.move(minutes=1)
    assert not await browser.is_signed_in()


async def test_session_is_for_sign_in_settings_alone(recovering: Recovering):
    caller = await recovering.caller(await recovering.let_in())
    assert caller.actor.confined
    assert caller.actor.permissions == {Permission.SAML_MANAGE, Permission.DOMAINS_MANAGE}


async def test_session_is_not_shown_the_form_for_a_password(recovering: Recovering):
    shown = await (await recovering.let_in()).get("/password")
    assert shown.status == 403
    assert "changes how people sign in, and nothing else" in shown.main


async def test_session_changes_no_password(recovering: Recovering):
    browser = await recovering.let_in()
    token = (await browser.get("/sessions")).field("token")["value"]
    form = {"token": token, "current": PASSWORD, "new": OTHER, "again": OTHER}
    shown = await browser.post("/password", form)
    assert shown.status == 403
    assert "not_permitted" in await recovering.reasons()
    recovering.front.hands.now += STEP
    assert (await recovering.recover()).status == 303


async def test_session_changes_no_user_and_enrols_nobody(recovering: Recovering):
    actor = (await recovering.caller(await recovering.let_in())).actor
    room = recovering.front.installation.room

    async def change(work: Work) -> None:
        await users.update(work, recovering.ada, {**recovering.ada.document, "title": "Queen"})

    async def withdraw(work: Work) -> None:
        await recovery.withdraw(work, recovering.ada)

    async def clear(work: Work) -> None:
        await passwords.clear(work, recovering.ada)

    for act in (change, withdraw, clear):
        with pytest.raises(NotPermitted):
            async with room.open(actor, Origin(request_id="r-1")) as work:
                await act(work)


async def test_sign_in_is_logged_as_one_by_a_recovery_account(recovering: Recovering):
    await recovering.let_in()
    [entry] = await recovering.front.logged("session.sign_in")
    assert (entry.entry["outcome"], entry.personal["changes.1.new"]) == ("success", "recovery")


async def test_owners_are_told_by_mail_and_nobody_else(recovering: Recovering):
    front = recovering.front
    await recovering.let_in()
    rows = await front.connection.fetch(
        "SELECT user_id FROM mail_jobs WHERE kind = 'notice.recovery_used' ORDER BY user_id"
    )
    assert [row["user_id"] for row in rows] == sorted([recovering.ada.id, recovering.eve.id])


async def test_owner_is_let_in_whose_password_is_too_old_for_the_organisation(recovering: Recovering):
    await recovering.front.connection.execute("UPDATE organizations SET password_profile = 'pci'")
    recovering.front.hands.move(days=100)
    browser = await recovering.let_in()
    assert (await browser.get("/sessions")).status == 200


async def test_whoever_was_signed_in_before_is_not_any_more(recovering: Recovering):
    browser = await recovering.let_in()
    before = browser.cookies["__Host-session"]
    recovering.front.hands.now += STEP
    assert (await recovering.recover(browser)).status == 303
    now, database = recovering.front.hands(), recovering.front.installation.database
    assert await sessions.caller(database, before, now) is None


async def test_session_ends_when_the_account_is_withdrawn(recovering: Recovering):
    browser = await recovering.let_in()
    await recovering.front.connection.execute("UPDATE email_domains SET saml_connection_id = NULL")
    async with recovering.front.work() as work:
        await recovery.withdraw(work, recovering.ada)
    assert not await browser.is_signed_in()


_FREE_DOMAIN = """
    WITH added AS (
        INSERT INTO email_domains (org_id, domain, subdomains, public_override, created)
        SELECT id, unnest(ARRAY['free.example', 'other.example']), false, false, now() FROM organizations
        WHERE name = 'acme')
    UPDATE organizations SET rules = gen_random_uuid(), addresses = $1 WHERE name = 'acme'
"""


async def _outside(recovering: Recovering, addresses: Addresses = Addresses.REQUIRED) -> tuple[User, Browser]:
    """Zoe, who has a recovery account where nothing is enforced; she is signed in by her password."""
    front = recovering.front
    await front.connection.execute(_FREE_DOMAIN, addresses.value)
    zoe = await front.person("zoe@free.example", roles=OWNERS)
    await enrolled(front.connection, front.organization, zoe.id, front.hands())
    browser = front.browser()
    assert (await browser.sign_in("zoe@free.example")).status == 303
    return zoe, browser


async def test_session_by_a_password_ends_when_its_owner_comes_to_where_saml_is_enforced(
    recovering: Recovering,
):
    zoe, browser = await _outside(recovering)
    await recovering.front.change(zoe, userName="zoe@example.com")
    assert not await browser.is_signed_in()


async def test_session_by_a_password_ends_when_the_mail_comes_to_where_saml_is_enforced(
    recovering: Recovering,
):
    zoe, browser = await _outside(recovering, Addresses.FREE)
    await recovering.front.change(zoe, emails=[{"value": "zoe@example.com", "primary": True}])
    assert not await browser.is_signed_in()


async def test_session_by_a_password_ends_of_whoever_goes_to_where_saml_is_enforced(recovering: Recovering):
    zoe, browser = await _outside(recovering)
    actor = (await recovering.caller(browser)).actor
    async with recovering.front.installation.room.open(actor, Origin(request_id="r-1")) as work:
        current = await users.get(work, zoe.id)
        await users.update(work, current, {**current.document, "userName": "zoe@example.com"})
    assert not await browser.is_signed_in()


async def test_session_by_a_password_ends_when_the_other_address_comes_to_count_and_saml_is_enforced_there(
    recovering: Recovering,
):
    zoe, browser = await _outside(recovering)
    await recovering.front.change(zoe, emails=[{"value": "zoe@example.com", "primary": True}])
    assert await browser.is_signed_in()
    await recovering.front.connection.execute(
        "UPDATE organizations SET addresses = 'free', rules = gen_random_uuid() WHERE id = $1",
        recovering.front.organization,
    )
    await recovering.front.change(zoe, timezone="Europe/Vienna")
    assert not await browser.is_signed_in()


async def test_session_by_a_password_stays_where_nothing_is_enforced(recovering: Recovering):
    zoe, browser = await _outside(recovering)
    await recovering.front.change(zoe, userName="zoe@other.example")
    assert await browser.is_signed_in()


async def test_session_by_a_recovery_account_stays_with_another_name_in_its_domain(recovering: Recovering):
    browser = await recovering.let_in()
    await recovering.front.change(recovering.ada, userName="lovelace@example.com")
    assert await browser.is_signed_in()


# -- not letting in --------------------------------------------------------------------------------


async def _sql(recovering: Recovering, query: str) -> None:
    await recovering.front.connection.execute(query)


async def _used(recovering: Recovering) -> dict[str, str]:
    await recovering.let_in()
    return {}


async def _earlier(recovering: Recovering) -> dict[str, str]:
    earlier = recovering.code()
    recovering.front.hands.now += STEP
    await recovering.let_in()
    return {"code": earlier}


def _undone(query: str) -> Callable[[Recovering], Awaitable[dict[str, str]]]:
    async def undo(recovering: Recovering) -> dict[str, str]:
        await _sql(recovering, query)
        return {}

    return undo


def _given(**fields: str) -> Callable[[Recovering], Awaitable[dict[str, str]]]:
    async def give(recovering: Recovering) -> dict[str, str]:
        return fields

    return give


AGAINST: dict[str, tuple[Callable[[Recovering], Awaitable[dict[str, str]]], str]] = {
    "another password": (_given(password=OTHER), "wrong_password"),
    "another code": (_given(code="000000"), "wrong_code"),
    "no digits": (_given(code="\N{ARABIC-INDIC DIGIT ZERO}" * 6), "wrong_code"),
    "a code that was used": (_used, "used_code"),
    "a code before one that was used": (_earlier, "used_code"),
    "no account": (_given(address=EVE), "no_recovery_account"),
    "an account that was never confirmed": (
        _undone("UPDATE recovery_accounts SET confirmed = NULL"),
        "no_recovery_account",
    ),
    "a secret that cannot be opened": (_undone("UPDATE recovery_accounts SET secret = 'x'"), "wrong_code"),
    "no owner any more": (
        _undone("UPDATE roles SET permissions = array_remove(permissions, 'saml.manage')"),
        "no_recovery_account",
    ),
    "somebody deactivated": (_undone("UPDATE users SET active = false"), "inactive"),
    "no password": (_undone("DELETE FROM credentials"), "no_password"),
}


@pytest.mark.parametrize("why", AGAINST)
async def test_nobody_is_let_in_by_less_and_only_the_log_says_why(recovering: Recovering, why: str):
    against, reason = AGAINST[why]
    fields = await against(recovering)
    shown = await recovering.recover(**fields)
    assert (shown.status, shown.errors) == (422, {"": REFUSED})
    assert (await recovering.reasons())[-1] == reason
    assert fields.get("code") is None or fields["code"] not in shown.text


async def test_nobody_is_let_in_under_an_address_of_nobody(recovering: Recovering):
    shown = await recovering.recover(address="ghost@example.com")
    assert (shown.status, shown.errors) == (422, {"": REFUSED})


async def test_code_of_somebody_else_of_that_name_elsewhere_lets_nobody_in(recovering: Recovering):
    """A recovery account of one organisation is none in another, under the same address and password."""
    front = recovering.front
    other = await front.installation.organization("other", addresses=Addresses.FREE, domain="other.example")
    theirs = await front.person(organization=other, emails=[{"value": "ada@other.example", "primary": True}])
    await enrolled(front.connection, other, theirs.id, front.hands())
    await front.connection.execute(
        "UPDATE users SET role_id = r.id FROM roles AS r WHERE users.id = $1 AND r.org_id = $2"
        " AND r.name_key = 'admin role'",
        theirs.id,
        other,
    )
    assert (await recovering.recover(organization="other")).errors == {"": REFUSED}
    assert (await recovering.recover(organization="acme")).status == 303


async def test_wrong_codes_count_as_tries(recovering: Recovering):
    browser = recovering.front.browser()
    for _ in range(5):
        await recovering.recover(browser, code="000000")
    assert (await recovering.recover(browser)).errors == {"": REFUSED}
    assert (await recovering.reasons())[-1] == "too_many_tries"
    recovering.front.hands.move(seconds=1)
    assert (await recovering.recover(browser)).status == 303


async def _exhausted(recovering: Recovering, address: str = ADA) -> None:
    """Let a hundred tries have failed, from wherever: the last one now, by a password alone."""
    front = recovering.front
    await _sql(recovering, "UPDATE email_domains SET saml_connection_id = NULL")
    await front.browser().sign_in(address, OTHER)
    await _sql(recovering, "UPDATE sign_in_tries SET failures = 99")
    await front.browser(address="198.51.100.9").sign_in(address, OTHER)
    assert await front.connection.fetchval("SELECT failures FROM sign_in_tries") == 100


async def test_hundred_failures_keep_a_recovery_account_out_for_half_an_hour(recovering: Recovering):
    await _exhausted(recovering)
    recovering.front.hands.move(minutes=29, seconds=59)
    assert (await recovering.recover()).status == 422
    assert (await recovering.reasons())[-1] == "too_many_tries"
    recovering.front.hands.move(seconds=1)
    assert (await recovering.recover()).status == 303


async def test_each_failure_beyond_a_hundred_keeps_a_recovery_account_out_for_half_an_hour(
    recovering: Recovering,
):
    await _exhausted(recovering)
    for _ in range(3):
        recovering.front.hands.move(minutes=30)
        assert (await recovering.recover(code="000000")).status == 422
        assert (await recovering.reasons())[-1] == "wrong_code"
    recovering.front.hands.move(minutes=29, seconds=59)
    assert (await recovering.recover()).status == 422
    recovering.front.hands.move(seconds=1)
    assert (await recovering.recover()).status == 303


async def test_hundred_failures_keep_whoever_has_no_recovery_account_out_for_ever(recovering: Recovering):
    await _exhausted(recovering, EVE)
    recovering.front.hands.move(days=365)
    await recovering.recover(address=EVE)
    assert (await recovering.reasons())[-1] == "too_many_tries"


async def test_hundred_failures_shut_the_password_alone_of_a_recovery_account_for_ever(
    recovering: Recovering,
):
    await _exhausted(recovering)
    recovering.front.hands.move(minutes=30)
    await recovering.recover(code="000000")
    recovering.front.hands.move(days=365)
    assert (await recovering.front.browser().sign_in()).status == 422
    assert (await recovering.reasons())[-1] == "too_many_tries"


async def _overloaded(recovering: Recovering) -> None:
    """Somebody tries whom the server has no time for, half an hour after a hundred failures."""
    await _exhausted(recovering)
    hashes = "UPDATE credentials SET password_hash = replace(password_hash, '{}', '{}')"
    await _sql(recovering, hashes.format(",p=1", ",p=1,keyid=lost"))
    recovering.front.hands.move(minutes=30)
    assert (await recovering.recover()).status == 503
    await _sql(recovering, hashes.format(",p=1,keyid=lost", ",p=1"))


async def test_try_at_which_nobody_could_look_keeps_no_recovery_account_out(recovering: Recovering):
    await _overloaded(recovering)
    assert (await recovering.recover()).status == 303


async def test_try_that_came_too_early_is_not_given_back_for_want_of_time(recovering: Recovering):
    await _exhausted(recovering)
    hashes = "UPDATE credentials SET password_hash = replace(password_hash, '{}', '{}')"
    await _sql(recovering, hashes.format(",p=1", ",p=1,keyid=lost"))
    for _ in range(3):
        assert (await recovering.front.browser().sign_in()).status == 503
    await _sql(recovering, hashes.format(",p=1,keyid=lost", ",p=1"))
    assert await recovering.front.connection.fetchval("SELECT failures FROM sign_in_tries") == 100
    assert (await recovering.front.browser().sign_in()).status == 422


async def test_try_at_which_nobody_could_look_opens_no_password_after_a_hundred_failures(
    recovering: Recovering,
):
    await _overloaded(recovering)
    assert (await recovering.front.browser().sign_in()).status == 422
    assert (await recovering.reasons())[-1] == "too_many_tries"


async def test_code_that_comes_many_times_at_once_lets_one_in(recovering: Recovering):
    code = recovering.code()
    pages = [recovering.front.browser() for _ in range(4)]
    answers = await asyncio.gather(*(recovering.recover(each, code=code) for each in pages))
    assert sorted(each.status for each in answers).count(303) == 1
    assert await recovering.front.connection.fetchval("SELECT count(*) FROM sessions") == 1


async def test_fields_that_are_missing_are_named(recovering: Recovering):
    shown = await recovering.front.browser().submit("/recovery")
    assert (shown.status, set(shown.errors)) == (422, {"address", "password", "code"})


# -- the page where people sign in as usual ----------------------------------------------------------


async def test_password_alone_lets_no_recovery_account_in_while_saml_is_enforced(recovering: Recovering):
    """Whoever is there is sent on; also where nobody can be, the password is not enough."""
    browser = recovering.front.browser()
    shown = await browser.sign_in()
    assert (shown.status, shown.location.partition("?")[0][-6:]) == (303, "/login")
    assert "__Host-session" not in browser.cookies
    await _sql(recovering, "UPDATE saml_connections SET state = 'disabled'")
    assert (await browser.sign_in()).status == 422
    assert await recovering.reasons() == ["saml_enforced"]


async def test_recovery_account_is_sent_to_the_identity_provider_like_everybody(recovering: Recovering):
    shown = await recovering.front.browser().sign_in()
    assert (shown.status, "/saml/" in (shown.location or "")) == (303, True)
    assert await recovering.front.connection.fetchval("SELECT count(*) FROM sessions") == 0


async def test_password_alone_lets_no_recovery_account_in_when_saml_comes_to_be_enforced_meanwhile(
    recovering: Recovering,
):
    connection = recovering.front.connection
    released = (
        "UPDATE email_domains SET saml_connection_id = NULL RETURNING (SELECT id FROM saml_connections)"
    )
    saml = await connection.fetchval(released)
    async with connection.transaction():
        await connection.execute("SELECT id FROM users WHERE id = $1 FOR UPDATE", recovering.ada.id)
        signing_in = asyncio.create_task(recovering.front.browser().sign_in())
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while not await connection.fetchval(waiting):  # noqa: ASYNC110 - nobody tells when PostgreSQL waits
            await asyncio.sleep(0.01)
        await connection.execute("UPDATE email_domains SET saml_connection_id = $1", saml)
    assert (await signing_in).status == 422
    assert await recovering.reasons() == ["saml_enforced"]
    assert await connection.fetchval("SELECT count(*) FROM sessions") == 0


async def test_password_alone_lets_a_recovery_account_in_where_nothing_is_enforced(recovering: Recovering):
    await _sql(recovering, "UPDATE email_domains SET saml_connection_id = NULL")
    browser = recovering.front.browser()
    assert (await browser.sign_in()).status == 303
    assert not (await recovering.caller(browser)).actor.confined


async def test_page_where_people_sign_in_leads_to_this_one(recovering: Recovering):
    shown = await recovering.front.browser().get("/signin")
    assert "/recovery" in [each["href"].removeprefix("https://scim.test") for each in shown.all("a")]


async def test_recovery_session_may_try_a_connection_out(recovering: Recovering):
    recovering.front.hands.now = datetime.now(UTC)
    caller = await recovering.caller(await recovering.let_in())
    recovering.front.installation.room.open(caller.actor, Origin(request_id="r-1")).require(
        Permission.SAML_MANAGE
    )
