"""Users who are added just in time: when somebody comes by SAML whom nobody has provisioned."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from scimserver.directory import organizations, users
from scimserver.directory.roles import MINIMAL_PERMISSIONS
from scimserver.directory.users import User
from tests.federation import Federation, federation
from tests.people import Reception
from tests.responses.provider import PERSISTENT

EVE = "eve@example.com"
CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"


@pytest_asyncio.fixture(loop_scope="session")
async def okta(front: Reception) -> Federation:
    """A connection in use that adds users."""
    return await federation(front, jit=True)


async def found(okta: Federation, user_name: str = EVE) -> User | None:
    async with okta.front.work() as work:
        return await users.find_named(work, user_name)


async def test_somebody_new_is_added_and_signed_in(okta: Federation):
    browser = okta.front.browser()
    shown = await okta.arrive(browser, name_id=EVE)
    assert shown.status == 303, shown.main
    assert await browser.is_signed_in()
    eve = await found(okta)
    assert eve is not None
    assert eve.provider is not None
    assert (eve.provider.id, eve.mark, eve.active) == (okta.connection.id, None, True)
    assert (eve.permissions, MINIMAL_PERMISSIONS in str(eve.document["roles"])) == (frozenset(), True)
    assert await okta.links() == [(EVE, EVE)]
    assert await okta.front.connection.fetchval("SELECT count(*) FROM credentials") == 0


async def test_addition_is_on_record_as_the_connection_s_doing(okta: Federation):
    await okta.arrive(name_id=EVE)
    [entry] = await okta.front.logged("user.create")
    assert (entry.entry["actor"]["kind"], entry.entry["actor"]["name"]) == ("system", "Okta")
    assert {"samlManaged", "identityProvider"} <= {each["path"] for each in entry.entry["changes"]}
    assert str(okta.connection.id) in str(entry)
    [started] = await okta.front.logged("session.sign_in")
    assert started.entry["actor"]["kind"] == "user"


@pytest.mark.parametrize(
    "attributes",
    [
        ((f"{CLAIMS}givenname", "Eve"), (f"{CLAIMS}surname", "Stone")),
        (("firstName", "Eve"), ("lastName", "Stone")),
        (("urn:oid:2.5.4.42", "Eve"), ("urn:oid:2.5.4.4", "Stone")),
    ],
    ids=lambda attributes: attributes[0][0],
)
async def test_names_are_those_that_the_identity_provider_sends(
    okta: Federation, attributes: tuple[tuple[str, str], ...]
):
    await okta.arrive(name_id=EVE, attributes=attributes)
    eve = await found(okta)
    assert eve is not None
    assert eve.document["name"] == {"givenName": "Eve", "familyName": "Stone"}


@pytest.mark.parametrize("name", ["x" * 300, "E\u202eve", ""], ids=["long", "hidden", "empty"])
async def test_name_that_is_none_is_left_out(okta: Federation, name: str):
    assert (await okta.arrive(name_id=EVE, attributes=(("firstName", name),))).status == 303
    eve = await found(okta)
    assert eve is not None
    assert "name" not in eve.document


async def test_address_may_be_an_attribute(okta: Federation):
    said: dict[str, Any] = {"name_id": "00u1", "name_format": PERSISTENT, "attributes": (("email", EVE),)}
    assert (await okta.arrive(**said)).status == 303
    assert await okta.links() == [(EVE, "00u1")]


@pytest.mark.parametrize(
    "user_name,reason",
    [
        ("eve@other.example", "saml_domain"),
        ("eve", "saml_unknown"),
        ("eve@example.com (Copy 1)", "saml_unknown"),
        ("eve@gmail.com", "saml_domain"),
    ],
)
async def test_address_that_is_not_the_organisation_s_adds_nobody(
    okta: Federation, user_name: str, reason: str
):
    assert (await okta.arrive(name_id=user_name)).status == 403
    assert await okta.reasons() == [reason]
    assert await okta.front.connection.fetchval("SELECT count(*) FROM users") == 0


async def test_domain_that_nobody_proved_adds_nobody(okta: Federation):
    await okta.front.connection.execute("UPDATE email_domains SET verified_at = NULL")
    assert (await okta.arrive(name_id=EVE)).status == 403
    assert await found(okta) is None


async def test_domain_that_another_connection_signs_in_adds_nobody(okta: Federation):
    await okta.enforce(await okta.other_connection())
    assert (await okta.arrive(name_id=EVE)).status == 403
    assert await okta.reasons() == ["immutable"]
    assert await found(okta) is None


async def test_whoever_is_added_is_the_connection_s_that_signs_in(okta: Federation):
    """Whoever else is marked is the oldest connection's."""
    await okta.other_connection()
    assert (await okta.arrive(name_id=EVE)).status == 303
    eve = await found(okta)
    assert eve is not None
    assert eve.provider is not None
    assert eve.provider.id == okta.connection.id


async def test_user_who_is_there_is_not_changed(okta: Federation):
    await okta.front.person(EVE)
    assert (await okta.arrive(name_id=EVE, attributes=(("firstName", "Mallory"),))).status == 403
    eve = await found(okta)
    assert eve is not None
    assert (eve.version, eve.provider) == (1, None)


async def test_nobody_is_added_where_the_connection_does_not_say_so(okta: Federation):
    await okta.changed(jit=False)
    assert (await okta.arrive(name_id=EVE)).status == 403
    assert await okta.reasons() == ["saml_unknown"]
    assert await found(okta) is None


async def test_somebody_new_in_eight_windows_is_added_once(okta: Federation):
    browsers = [okta.front.browser() for _ in range(8)]
    responses = [okta.good(await okta.begin(browser), name_id=EVE) for browser in browsers]
    shown = await asyncio.gather(
        *(okta.answer(browser, response) for browser, response in zip(browsers, responses, strict=True))
    )
    assert [each.status for each in shown] == [303] * 8
    assert await okta.front.connection.fetchval("SELECT count(*) FROM users") == 1
    assert len(await okta.front.logged("user.create")) == 1


async def test_rules_that_changed_a_moment_ago_are_looked_at_again(okta: Federation):
    """What was remembered of the organisation is out of date: the second look is for certain."""
    await okta.arrive(name_id="bob@example.com")
    async with okta.front.work() as work:
        acme = await organizations.find(okta.front.installation.database, "acme")
        await organizations.update(work, acme, timezone="Europe/Vienna")
    assert (await okta.arrive(name_id=EVE)).status == 303
    eve = await found(okta)
    assert eve is not None
    assert eve.document["timezone"] == "Europe/Vienna"
