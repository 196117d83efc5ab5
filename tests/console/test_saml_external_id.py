"""The first time that somebody comes by SAML, where the connection finds users by their `externalId`."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from scimserver.access.saml.refusal import Why
from scimserver.directory import users
from scimserver.directory.users import Mark, User
from tests.federation import Federation, federation
from tests.people import ADA, Reception
from tests.responses.provider import PERSISTENT, TRANSIENT_FORMAT

OBJECT = "http://schemas.microsoft.com/identity/claims/objectidentifier"
ADA_ID = "5f0c8f2e-Ada"
EVE, BOB = "eve@example.com", "bob@example.com"
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest_asyncio.fixture(loop_scope="session")
async def entra(front: Reception) -> Federation:
    """A connection in use that names an attribute, and Ada, whom it signs in."""
    made = await federation(front, external_id_attribute=OBJECT)
    await made.managed(externalId=ADA_ID)
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def adding(front: Reception) -> Federation:
    """A connection in use that names an attribute, and adds users; nobody is there."""
    return await federation(front, external_id_attribute=OBJECT, jit=True)


def said(*values: str, name_id: str = "00u1", **attributes: str) -> dict[str, Any]:
    """What a response says: a name that is no address, values of the attribute, and others."""
    every = (*((OBJECT, value) for value in values), *attributes.items())
    return {"name_id": name_id, "name_format": PERSISTENT, "attributes": every}


def told(value: object) -> str:
    """What a case of a table is called: whose name it is, and what the attributes say."""
    if not isinstance(value, dict):
        return str(value)
    said = " ".join(f"{name.rpartition('/')[2]}={text[:20]}" for name, text in value["attributes"])
    return f"{value['name_id']} {said}"


async def found(okta: Federation, user_name: str) -> User | None:
    async with okta.front.work() as work:
        return await users.find_named(work, user_name)


async def changed(okta: Federation, user_name: str, **attributes: Any) -> None:
    """Change a user as an administrator does."""
    async with okta.front.work() as work:
        user = await users.find(work, user_name)
        await users.update(work, user, {**user.document, **attributes})


async def refused(okta: Federation, said: dict[str, Any]) -> list[str]:
    """Why somebody was refused, who leaves no link and no session behind."""
    shown = await okta.arrive(**said)
    assert shown.status == 403, shown.main
    assert (await okta.links(), await okta.sessions()) == ([], 0)
    return await okta.reasons()


# --- Who is found ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "response",
    [
        said(ADA_ID),
        said(ADA_ID, ADA_ID, ""),
        said(ADA_ID, name_id=ADA),
        said(ADA_ID, name_id=EVE),
        said(ADA_ID, name_id=BOB),
        said(ADA_ID, name_id="ada@other.example"),
        said(ADA_ID, name_id="no@address@at.all"),
        said(ADA_ID, email=BOB),
        said(ADA_ID, email="ada@other.example"),
        said(ADA_ID, email=BOB, mail=EVE),
    ],
    ids=told,
)
async def test_whoever_has_the_external_id_is_linked(entra: Federation, response: dict[str, Any]):
    await entra.managed(BOB, externalId="5f0c8f2e-Bob")
    shown = await entra.arrive(**response)
    assert shown.status == 303, shown.main
    assert await entra.links() == [(ADA, response["name_id"])]


async def test_domain_that_nobody_proved_matters_not_to_an_external_id(entra: Federation):
    await entra.front.connection.execute("UPDATE email_domains SET verified_at = NULL")
    assert (await entra.arrive(**said(ADA_ID, email=ADA))).status == 303
    assert await entra.links() == [(ADA, "00u1")]


async def test_external_id_is_equal_however_its_characters_are_composed(entra: Federation):
    await changed(entra, ADA, externalId="Ad\u00e9")
    assert (await entra.arrive(**said("Ade\u0301"))).status == 303
    assert await entra.links() == [(ADA, "00u1")]


@pytest.mark.parametrize("later", [said(), said("another"), said(ADA_ID, "another")], ids=told)
async def test_whoever_is_linked_is_known_by_name_whatever_the_attribute_says(
    entra: Federation, later: dict[str, Any]
):
    await entra.arrive(**said(ADA_ID))
    assert (await entra.arrive(**later)).status == 303
    assert await entra.links() == [(ADA, "00u1")]
    assert len(await entra.front.logged("user.link")) == 1


async def test_whoever_is_linked_is_known_by_name_whatever_the_external_id_becomes(entra: Federation):
    await entra.arrive(**said(ADA_ID))
    await changed(entra, ADA, externalId="another")
    await entra.managed(BOB, externalId=ADA_ID)
    assert (await entra.arrive(**said(ADA_ID))).status == 303
    assert await entra.links() == [(ADA, "00u1")]


async def test_address_finds_users_again_where_no_attribute_is_named(entra: Federation):
    await entra.changed(external_id_attribute=None)
    assert (await entra.arrive(**said("another", email=ADA))).status == 303
    assert await entra.links() == [(ADA, "00u1")]


# --- Who is not -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "response",
    [
        said(),
        said(email=ADA),
        said(name_id=ADA),
        said(objectidentifier=ADA_ID),
        said(""),
        said("", "", email=ADA),
        said(ADA_ID, "another"),
        said(ADA_ID, "another", email=ADA),
        said("another"),
        said("another", email=ADA),
        said("another", name_id=ADA),
        said(ADA_ID.lower()),
        said(ADA_ID.upper()),
        said(ADA),
    ],
    ids=told,
)
async def test_whoever_has_no_such_external_id_is_refused(entra: Federation, response: dict[str, Any]):
    assert await refused(entra, response) == [Why.UNKNOWN]


async def test_user_without_an_external_id_is_not_found_by_address(entra: Federation):
    await entra.managed(BOB)
    assert await refused(entra, said("another", email=BOB)) == [Why.UNKNOWN]


async def test_transient_name_is_not_linked_by_an_external_id(entra: Federation):
    shown = await entra.arrive(**{**said(ADA_ID), "name_format": TRANSIENT_FORMAT})
    assert shown.status == 403
    assert (await entra.links(), await entra.sessions()) == ([], 0)


@pytest.mark.parametrize("deactivated", [0, 1])
async def test_external_id_of_two_active_users_is_nobody_s(entra: Federation, deactivated: int):
    await entra.managed(BOB, externalId=ADA_ID)
    for number in range(deactivated):
        await entra.managed(f"carol{number}@example.com", externalId=ADA_ID, active=False)
    assert await refused(entra, said(ADA_ID, email=ADA)) == [Why.UNKNOWN]


@pytest.mark.parametrize("deactivated", [1, 3])
async def test_active_user_is_meant_beside_deactivated_ones(entra: Federation, deactivated: int):
    for number in range(deactivated):
        await entra.managed(f"aaron{number}@example.com", externalId=ADA_ID, active=False)
    assert (await entra.arrive(**said(ADA_ID))).status == 303
    assert await entra.links() == [(ADA, "00u1")]


async def test_user_who_was_provisioned_anew_is_meant(entra: Federation):
    await entra.managed("ada.byron@example.com", externalId=ADA_ID, active=False)
    await changed(entra, ADA, active=False)
    await entra.managed(BOB, externalId=ADA_ID)
    assert (await entra.arrive(**said(ADA_ID))).status == 303
    assert await entra.links() == [(BOB, "00u1")]


async def test_external_id_of_deactivated_users_alone_is_nobody_s(entra: Federation):
    await entra.managed(BOB, externalId=ADA_ID, active=False)
    await changed(entra, ADA, active=False)
    assert await refused(entra, said(ADA_ID)) == [Why.UNKNOWN]


async def test_deactivated_user_of_the_external_id_is_refused(entra: Federation):
    await entra.managed(BOB)
    await changed(entra, ADA, active=False)
    assert await refused(entra, said(ADA_ID, email=BOB)) == [Why.INACTIVE]


async def test_user_with_a_password_is_not_found_by_external_id(entra: Federation):
    await entra.front.person(BOB, externalId="5f0c8f2e-Bob")
    assert await refused(entra, said("5f0c8f2e-Bob", email=BOB)) == [Why.UNKNOWN]
    browser = entra.front.browser()
    await browser.sign_in(BOB)
    assert await browser.is_signed_in()


async def test_user_with_a_password_stands_in_nobody_s_way(entra: Federation):
    await entra.front.person(BOB, externalId=ADA_ID)
    assert (await entra.arrive(**said(ADA_ID, email=BOB))).status == 303
    assert await entra.links() == [(ADA, "00u1")]


async def test_user_of_another_connection_is_not_found_by_external_id(entra: Federation):
    other = await entra.other_connection()
    await entra.front.connection.execute("UPDATE users SET saml_connection_id = $1", other)
    assert await refused(entra, said(ADA_ID, email=ADA)) == [Why.UNKNOWN]


async def test_user_of_another_organisation_is_not_found_by_external_id(entra: Federation):
    other = await entra.front.installation.organization("other", domain="other.example")
    there = await federation(entra.front, other, external_id_attribute=OBJECT)
    await there.managed("bob@other.example", externalId="5f0c8f2e-Bob")
    assert await refused(entra, said("5f0c8f2e-Bob", email="bob@other.example")) == [Why.UNKNOWN]


async def test_external_id_of_two_organisations_is_a_user_of_each(entra: Federation):
    other = await entra.front.installation.organization("other", domain="other.example")
    there = await federation(entra.front, other, external_id_attribute=OBJECT)
    await there.managed("bob@other.example", externalId=ADA_ID)
    assert (await entra.arrive(**said(ADA_ID))).status == 303
    assert await entra.links() == [(ADA, "00u1")]


@pytest.mark.parametrize("name_id", ["00u2", ADA])
async def test_user_who_is_linked_is_not_linked_by_another_name_of_the_same_external_id(
    entra: Federation, name_id: str
):
    await entra.arrive(**said(ADA_ID))
    assert (await entra.arrive(**said(ADA_ID, name_id=name_id))).status == 403
    assert await entra.reasons() == [Why.OTHER_NAME]
    assert await entra.links() == [(ADA, "00u1")]


async def test_whoever_gets_the_mark_anew_is_linked_by_another_name(entra: Federation):
    await entra.arrive(**said(ADA_ID))
    for mark in (Mark.OFF, Mark.ON):
        async with entra.front.work() as work:
            ada = await users.find(work, ADA)
            await users.update(work, ada, ada.document, mark=mark)
    assert (await entra.arrive(**said(ADA_ID, name_id="00u2"))).status == 303
    assert await entra.links() == [(ADA, "00u2")]


# --- Who is added ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "response", [said("5f0c8f2e-Eve", name_id=EVE), said("5f0c8f2e-Eve", email=EVE)], ids=told
)
async def test_somebody_new_is_added_with_the_external_id(adding: Federation, response: dict[str, Any]):
    shown = await adding.arrive(**response)
    assert shown.status == 303, shown.main
    eve = await found(adding, EVE)
    assert eve is not None
    assert eve.document["externalId"] == "5f0c8f2e-Eve"
    assert await adding.links() == [(EVE, response["name_id"])]


async def test_somebody_who_is_there_is_not_added_again(adding: Federation):
    await adding.managed(externalId=ADA_ID)
    assert (await adding.arrive(**said(ADA_ID, email=EVE))).status == 303
    assert await adding.links() == [(ADA, "00u1")]
    assert await found(adding, EVE) is None


@pytest.mark.parametrize(
    "response,reason",
    [
        (said(email=EVE), Why.UNKNOWN),
        (said("", email=EVE), Why.UNKNOWN),
        (said("5f0c8f2e-Eve", "another", email=EVE), Why.UNKNOWN),
        (said("5f0c8f2e-Eve"), Why.UNKNOWN),
        (said("5f0c8f2e-Eve", email="eve@other.example"), Why.DOMAIN),
        (said("e" * 1025, email=EVE), "invalid_value"),
    ],
    ids=told,
)
async def test_somebody_new_is_not_added_without_external_id_and_address(
    adding: Federation, response: dict[str, Any], reason: str
):
    assert await refused(adding, response) == [reason]
    assert await adding.front.connection.fetchval("SELECT count(*) FROM users") == 0


@pytest.mark.parametrize(
    "attributes", [{}, {"externalId": "another"}, {"externalId": "5F0C8F2E-EVE"}], ids=str
)
async def test_user_of_the_address_with_another_external_id_is_refused(
    adding: Federation, attributes: dict[str, str]
):
    eve = await adding.managed(EVE, **attributes)
    assert await refused(adding, said("5f0c8f2e-Eve", email=EVE)) == [Why.UNKNOWN]
    assert await found(adding, EVE) == eve


async def test_user_of_address_and_external_id_with_a_password_is_not_taken_over(adding: Federation):
    await adding.front.person(EVE, externalId="5f0c8f2e-Eve")
    assert await refused(adding, said("5f0c8f2e-Eve", email=EVE)) == [Why.NOT_MANAGED]


async def test_deactivated_user_is_not_added_again_under_another_address(adding: Federation):
    await adding.managed(externalId=ADA_ID, active=False)
    assert await refused(adding, said(ADA_ID, email=EVE)) == [Why.INACTIVE]
    assert await found(adding, EVE) is None


async def test_somebody_new_in_eight_windows_is_added_once_with_the_external_id(adding: Federation):
    browsers = [adding.front.browser() for _ in range(8)]
    response = said("5f0c8f2e-Eve", email=EVE)
    sent = [adding.good(await adding.begin(browser), **response) for browser in browsers]
    shown = await asyncio.gather(
        *(adding.answer(browser, each) for browser, each in zip(browsers, sent, strict=True))
    )
    assert [each.status for each in shown] == [303] * 8
    assert await adding.front.connection.fetchval("SELECT count(*) FROM users") == 1
    assert await adding.links() == [(EVE, "00u1")]
    assert len(await adding.front.logged("user.create")) == 1


async def test_users_who_change_places_while_somebody_waits_are_seen_as_they_are_then(entra: Federation):
    """Ada is active and Eve is not; when both are let go, it is the other way round."""
    await entra.managed(EVE, externalId=ADA_ID)
    await changed(entra, EVE, active=False)
    browser = entra.front.browser()
    response = entra.good(await entra.begin(browser), **said(ADA_ID))
    connection = entra.front.connection
    async with connection.transaction():
        await connection.execute("UPDATE users SET active = (user_name <> $1)", ADA)
        waiting = asyncio.create_task(entra.answer(browser, response))
        async with asyncio.timeout(10):
            while not await connection.fetchval(WAITING):  # noqa: ASYNC110 - nobody tells when PostgreSQL waits
                await asyncio.sleep(0.01)
    shown = await waiting
    assert shown.status == 303, shown.main
    assert await entra.links() == [(EVE, "00u1")]
