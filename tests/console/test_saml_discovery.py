"""Where people sign in by their address's domain: never by whether there is such a user (rule P8)."""

import pytest
import pytest_asyncio

from scimserver.directory.saml import State
from tests.federation import Federation, federation
from tests.people import ADA, PASSWORD, Reception, Shown

LINK = "Sign in with your organisation"


@pytest_asyncio.fixture(loop_scope="session")
async def okta(front: Reception) -> Federation:
    """A connection in use, of a domain that is not enforced; Bob has a password."""
    made = await federation(front)
    await front.person("bob@example.com")
    return made


def links(shown: Shown) -> list[str]:
    """Where the page says that people sign in."""
    return [each["href"] for each in shown.all("a") if each.text == LINK]


@pytest.mark.parametrize("address", [ADA, "bob@example.com", "nobody@example.com", "NOBODY@Example.com"])
async def test_enforced_domain_leads_to_the_identity_provider(okta: Federation, address: str):
    await okta.enforce()
    browser = okta.front.browser()
    shown = await browser.sign_in(address, "wrong", next="/password")
    assert (shown.status, shown.location) == (303, okta.path("login?ask&next=/password"))
    page = await browser.follow(shown)
    assert [each["href"] for each in page.all("a") if each.text == "Go there"] == ["?next=/password"]
    assert "__Host-session" not in browser.cookies


async def test_password_in_an_enforced_domain_is_not_looked_at(okta: Federation):
    await okta.enforce()
    browser = okta.front.browser()
    for password in (PASSWORD, "wrong", ""):
        shown = await browser.sign_in("bob@example.com", password)
        assert shown.location == okta.path("login?ask&next=/sessions")
    assert await okta.reasons() == []
    assert await okta.front.connection.fetchval("SELECT count(*) FROM sign_in_tries") == 0


async def test_sub_domain_is_enforced_with_its_entry(okta: Federation):
    await okta.enforce()
    browser = okta.front.browser()
    assert (await browser.sign_in("eve@sub.example.com")).status == 422
    await okta.front.connection.execute("UPDATE email_domains SET subdomains = true")
    assert (await browser.sign_in("eve@sub.example.com")).status == 303


@pytest.mark.parametrize("state", [State.TESTING, State.DISABLED])
async def test_connection_that_is_not_in_use_leads_nobody_away(okta: Federation, state: State):
    await okta.switched(state)
    await okta.enforce()
    shown = await okta.front.browser().sign_in("nobody@example.com")
    assert (shown.status, links(shown)) == (422, [])


@pytest.mark.parametrize("address", ["bob@example.com", "nobody@example.com"])
async def test_domain_that_is_not_enforced_offers_a_link(okta: Federation, address: str):
    shown = await okta.front.browser().sign_in(address, "wrong", next="/password")
    assert (shown.status, links(shown)) == (422, [okta.path("login?ask&next=/password")])


async def test_domain_that_was_not_proved_offers_none(okta: Federation):
    """Whoever only says that a domain is theirs sends nobody of it anywhere."""
    await okta.front.connection.execute("UPDATE email_domains SET verified_at = NULL")
    shown = await okta.front.browser().sign_in("nobody@example.com", "wrong")
    assert (shown.status, links(shown)) == (422, [])


async def test_password_signs_in_where_the_domain_is_not_enforced(okta: Federation):
    browser = okta.front.browser()
    assert (await browser.sign_in("bob@example.com")).location == "/sessions"
    assert await browser.is_signed_in()


@pytest.mark.parametrize("address", ["bob@other.example", "bob", "", "bob@example.com@example.com"])
async def test_other_address_offers_none(okta: Federation, address: str):
    shown = await okta.front.browser().sign_in(address, "wrong")
    assert (shown.status, links(shown)) == (422, [])


async def test_organisation_that_is_named_is_the_one_that_is_asked(okta: Federation):
    await okta.enforce()
    await okta.front.installation.organization("other", domain="other.example")
    browser = okta.front.browser()
    assert (await browser.sign_in("bob@example.com", organization="other")).status == 422
    assert (await browser.sign_in("bob@example.com", organization="acme")).status == 303


async def test_wrong_target_is_not_passed_on(okta: Federation):
    await okta.enforce()
    shown = await okta.front.browser().sign_in(ADA, next="https://evil.example/")
    assert shown.location == okta.path("login?ask&next=/sessions")
