"""The first time that somebody comes by SAML: who is linked, and who is asked to see an administrator."""

from typing import Any

import pytest
import pytest_asyncio

from scimserver.access.saml.refusal import Why
from scimserver.directory import users
from tests.federation import Federation, federation
from tests.people import ADA, Reception
from tests.responses.provider import PERSISTENT, TRANSIENT_FORMAT

CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"


@pytest_asyncio.fixture(loop_scope="session")
async def okta(front: Reception) -> Federation:
    """A connection in use, and Ada, whom it signs in."""
    made = await federation(front)
    await made.managed()
    return made


@pytest.mark.parametrize(
    "said",
    [
        {"name_id": ADA},
        {"name_id": "Ada@Example.COM"},
        {"name_id": "ada@EXAMPLE.com"},
        {"name_id": "00u1", "name_format": PERSISTENT, "attributes": (("email", ADA),)},
        {"name_id": "00u1", "name_format": PERSISTENT, "attributes": ((CLAIM, ADA), ("mail", ADA))},
    ],
    ids=str,
)
async def test_whoever_is_meant_by_an_address_is_linked(okta: Federation, said: dict[str, Any]):
    shown = await okta.arrive(**said)
    assert shown.status == 303, shown.main
    assert await okta.links() == [(ADA, said["name_id"])]
    [entry] = await okta.front.logged("user.link")
    assert (entry.entry["outcome"], entry.entry["actor"]["kind"]) == ("success", "user")


async def test_link_is_made_once(okta: Federation):
    await okta.arrive()
    assert (await okta.arrive()).status == 303
    assert await okta.links() == [(ADA, ADA)]
    assert len(await okta.front.logged("user.link")) == 1


async def test_whoever_is_linked_may_have_another_address(okta: Federation):
    """The key is the name, not the address, which changes by SCIM."""
    await okta.arrive(name_id="00u1", attributes=(("email", ADA),))
    async with okta.front.work() as work:
        ada = await users.find(work, ADA)
        await users.update(work, ada, {**ada.document, "userName": "ada.byron@example.com"})
    assert (await okta.arrive(name_id="00u1", attributes=(("email", ADA),))).status == 303
    assert await okta.links() == [("ada.byron@example.com", "00u1")]


async def renamed(okta: Federation) -> None:
    """Ada came by her address, and has another one now."""
    await okta.arrive()
    async with okta.front.work() as work:
        ada = await users.find(work, ADA)
        await users.update(work, ada, {**ada.document, "userName": "ada.byron@example.com"})


async def test_whoever_is_known_by_an_address_is_known_by_the_new_one(okta: Federation):
    await renamed(okta)
    assert (await okta.arrive(name_id="ada.byron@example.com")).status == 303
    assert await okta.links() == [("ada.byron@example.com", "ada.byron@example.com")]


async def test_address_of_before_signs_nobody_in_as_its_former_owner(okta: Federation):
    await renamed(okta)
    assert (await okta.arrive()).status == 403
    assert (await okta.reasons(), await okta.sessions()) == ([Why.UNKNOWN], 1)


async def test_address_of_before_is_its_new_owner_s(okta: Federation):
    await renamed(okta)
    await okta.managed(ADA.upper())
    assert (await okta.arrive()).status == 303
    assert await okta.links() == [(ADA.upper(), ADA)]


@pytest.mark.parametrize(
    "said,why",
    [
        ({"name_id": "eve@example.com"}, Why.UNKNOWN),
        ({"name_id": "00u1"}, Why.UNKNOWN),
        ({"name_id": "00u1", "attributes": (("email", ADA), ("mail", "eve@example.com"))}, Why.UNKNOWN),
        ({"name_id": "00u1", "attributes": (("email", ADA), ("email", "eve@example.com"))}, Why.UNKNOWN),
        ({"name_id": "00u1", "attributes": (("displayName", ADA),)}, Why.UNKNOWN),
        ({"name_id": "ada@example.com@example.com"}, Why.UNKNOWN),
        ({"name_id": "ada@example.com (Copy 1)"}, Why.UNKNOWN),
        ({"name_id": "a da@example.com"}, Why.UNKNOWN),
        ({"name_id": "eve@other.example"}, Why.DOMAIN),
        ({"name_id": "ada@sub.example.com"}, Why.DOMAIN),
        ({"name_id": "eve@other.example", "attributes": (("email", ADA),)}, Why.DOMAIN),
    ],
    ids=str,
)
async def test_whoever_is_not_meant_is_not_linked(okta: Federation, said: dict[str, Any], why: Why):
    shown = await okta.arrive(**said)
    assert shown.status == 403
    assert "systems administrator" in shown.main
    assert await okta.reasons() == [why.value]
    assert (await okta.links(), await okta.sessions()) == ([], 0)


@pytest.mark.parametrize(
    "asserted,user_name",
    [
        ("\u017fusan@example.com", "susan@example.com"),
        ("stra\u00dfe@example.com", "strasse@example.com"),
        ("\uff53usan@example.com", "susan@example.com"),
        ("\u212aate@example.com", "kate@example.com"),
        ("susan@example.com", "\u017fusan@example.com"),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("is_name", [True, False], ids=["name", "attribute"])
async def test_address_that_only_looks_like_somebody_s_is_not_theirs(
    okta: Federation, asserted: str, user_name: str, is_name: bool
):
    """An identity provider tells such letters from one another, and gives them to different people."""
    await okta.managed(user_name)
    name, attributes = (asserted, ()) if is_name else ("00u1", (("email", asserted),))
    assert (await okta.arrive(name_id=name, attributes=attributes)).status == 403
    assert (await okta.links(), await okta.sessions()) == ([], 0)


async def test_transient_name_is_not_linked(okta: Federation):
    assert (await okta.arrive(name_format=TRANSIENT_FORMAT)).status == 403
    assert await okta.links() == []


async def test_domain_that_nobody_proved_links_nobody(okta: Federation):
    await okta.front.connection.execute("UPDATE email_domains SET verified_at = NULL")
    assert (await okta.arrive()).status == 403
    assert await okta.reasons() == ["saml_domain"]


@pytest.mark.parametrize("subdomains,status", [(True, 303), (False, 403)])
async def test_sub_domain_is_proved_where_its_entry_says_so(okta: Federation, subdomains: bool, status: int):
    await okta.front.connection.execute("UPDATE email_domains SET subdomains = true")
    await okta.front.connection.execute("UPDATE organizations SET rules = gen_random_uuid()")
    await okta.managed("bob@sub.example.com")
    await okta.front.connection.execute("UPDATE email_domains SET subdomains = $1", subdomains)
    assert (await okta.arrive(name_id="bob@sub.example.com")).status == status


async def test_user_with_a_password_is_not_taken_over(okta: Federation):
    await okta.front.person("bob@example.com")
    assert (await okta.arrive(name_id="bob@example.com")).status == 403
    assert await okta.reasons() == ["saml_not_managed"]
    browser = okta.front.browser()
    await browser.sign_in("bob@example.com")
    assert await browser.is_signed_in()


async def test_user_who_is_linked_is_not_linked_by_another_name(okta: Federation):
    await okta.arrive(name_id="00u1", attributes=(("email", ADA),))
    assert (await okta.arrive(name_id="00u2", attributes=(("email", ADA),))).status == 403
    assert (await okta.arrive(name_id=ADA)).status == 403
    assert set(await okta.reasons()) == {"saml_other_name"}
    assert await okta.links() == [(ADA, "00u1")]


async def test_refused_person_is_named_in_the_log(okta: Federation):
    await okta.arrive(name_id="eve@example.com")
    [entry] = await okta.front.installation.log(okta.organization, outcomes=["failure"])
    assert "eve@example.com" in str(entry)
    assert entry.entry["actor"]["name"] == "Okta"


async def test_like_refusals_within_a_minute_are_counted(okta: Federation):
    for _ in range(5):
        await okta.arrive(name_id="eve@example.com")
    await okta.arrive(name_id="bob@example.com")
    assert await okta.reasons() == ["saml_unknown", "saml_unknown"]
