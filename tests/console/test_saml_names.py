"""Users' names, where a SAML connection takes them from what the identity provider says at each sign-in."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from scimserver.directory import users
from scimserver.directory.roles import ADMIN_ROLE
from scimserver.directory.users import User
from tests.federation import Federation, federation
from tests.people import ADA, Reception

NAME = {"givenName": "Ada", "familyName": "Byron", "formatted": "Ada Byron", "middleName": "Augusta"}
KING = (("firstName", "Ada"), ("lastName", "King"))
EVE = "eve@example.com"


@pytest_asyncio.fixture(loop_scope="session")
async def okta(front: Reception) -> Federation:
    """A connection in use that takes names, and Ada, whom it signs in."""
    made = await federation(front, takes_names=True)
    await made.managed(name=NAME, displayName="Ada B.", title="Analyst", nickName="Ada")
    return made


async def found(okta: Federation, user_name: str = ADA) -> User:
    async with okta.front.work() as work:
        return await users.find(work, user_name)


async def test_names_follow_at_the_first_sign_in(okta: Federation):
    shown = await okta.arrive(attributes=KING)
    assert shown.status == 303, shown.main
    assert (await found(okta)).document["name"] == {**NAME, "familyName": "King"}


async def test_names_follow_at_each_later_sign_in(okta: Federation):
    for family in ("Byron", "King", "Lovelace"):
        assert (await okta.arrive(attributes=(("lastName", family),))).status == 303
        assert (await found(okta)).document["name"] == {**NAME, "familyName": family}


async def test_names_come_to_who_had_none(okta: Federation):
    await okta.managed("bob@example.com")
    await okta.arrive(name_id="bob@example.com", attributes=(("givenName", "Bob"),))
    assert (await found(okta, "bob@example.com")).document["name"] == {"givenName": "Bob"}


async def test_family_name_that_changed_is_sorted_and_found_by(okta: Federation):
    await okta.arrive(attributes=KING)
    statement = "SELECT family_name_key FROM users WHERE user_name = $1"
    assert await okta.front.connection.fetchval(statement, ADA) == "king"


@pytest.mark.parametrize(
    "attributes,name",
    [
        ((("firstName", "Augusta"),), {**NAME, "givenName": "Augusta"}),
        ((("lastName", "King"),), {**NAME, "familyName": "King"}),
        ((("firstName", "Augusta"), ("lastName", "")), {**NAME, "givenName": "Augusta"}),
    ],
    ids=["given", "family", "empty"],
)
async def test_name_that_is_not_asserted_stays(
    okta: Federation, attributes: tuple[tuple[str, str], ...], name: dict[str, str]
):
    await okta.arrive(attributes=attributes)
    assert (await found(okta)).document["name"] == name


async def test_everything_but_the_two_names_stays(okta: Federation):
    before = await found(okta)
    others = (("displayName", "Mallory"), ("title", "Countess"), ("formatted", "Mallory"))
    await okta.arrive(attributes=(*KING, *others))
    after = await found(okta)
    assert after.document == {**before.document, "name": {**NAME, "familyName": "King"}}
    assert (after.version, after.role, after.provider) == (before.version + 1, before.role, before.provider)


async def test_address_never_follows(okta: Federation):
    await okta.arrive(name_id="00u1", attributes=(("email", ADA),))
    await okta.arrive(name_id="00u1", attributes=(*KING, ("email", EVE), ("mail", EVE)))
    ada = await found(okta)
    assert (ada.document["userName"], ada.document["emails"]) == (
        ADA,
        [{"value": ADA, "type": "work", "primary": True}],
    )


@pytest.mark.parametrize(
    "attributes",
    [(), (("firstName", "Ada"), ("lastName", "Byron")), (("lastName", "Byron"),), (("displayName", "A"),)],
    ids=["nothing", "both", "one", "another"],
)
async def test_names_that_are_as_they_were_are_not_written(
    okta: Federation, attributes: tuple[tuple[str, str], ...]
):
    before = await found(okta)
    assert (await okta.arrive(attributes=attributes)).status == 303
    assert await found(okta) == before
    assert await okta.front.logged("user.update") == []


@pytest.mark.parametrize("name", ["x" * 201, "Ki\u202eng", "Ki\u200bng"], ids=["long", "hidden", "no width"])
async def test_name_that_is_none_changes_nothing(okta: Federation, name: str):
    before = await found(okta)
    assert (await okta.arrive(attributes=(("lastName", name),))).status == 303
    assert await found(okta) == before


async def test_longest_name_is_taken(okta: Federation):
    longest = "\U0001f600" * 200
    assert (await okta.arrive(attributes=(("lastName", longest),))).status == 303
    assert (await found(okta)).document["name"] == {**NAME, "familyName": longest}


async def test_names_do_not_follow_by_default(okta: Federation):
    await okta.changed(takes_names=False)
    before = await found(okta)
    assert (await okta.arrive(attributes=KING)).status == 303
    assert await found(okta) == before


async def test_change_of_a_name_is_on_record_as_the_connection_s_doing(okta: Federation):
    await okta.arrive(attributes=KING)
    [entry] = await okta.front.logged("user.update")
    assert (entry.entry["actor"]["kind"], entry.entry["actor"]["name"]) == ("system", "Okta")
    assert [each["path"] for each in entry.entry["changes"]] == ["name.familyName"]
    assert entry.entry["target"]["id"] == str((await found(okta)).id)
    [started] = await okta.front.logged("session.sign_in")
    assert started.entry["actor"]["kind"] == "user"


async def test_names_of_an_administrator_follow(okta: Federation):
    await okta.managed("root@example.com", roles=[{"value": ADMIN_ROLE}])
    shown = await okta.arrive(name_id="root@example.com", attributes=KING)
    assert shown.status == 303, shown.main
    assert (await found(okta, "root@example.com")).document["name"] == {
        "givenName": "Ada",
        "familyName": "King",
    }


async def test_names_follow_in_a_domain_that_is_not_allowed_any_more(okta: Federation):
    await okta.arrive()
    await okta.front.connection.execute("DELETE FROM email_domains")
    await okta.front.connection.execute("UPDATE organizations SET rules = gen_random_uuid()")
    assert (await okta.arrive(attributes=KING)).status == 303
    assert (await found(okta)).document["name"] == {**NAME, "familyName": "King"}


async def test_names_of_who_is_refused_stay(okta: Federation):
    await okta.arrive()
    async with okta.front.work() as work:
        await users.deactivate(work, await users.find(work, ADA))
    before = await found(okta)
    assert (await okta.arrive(attributes=KING)).status == 403
    assert await found(okta) == before


@pytest.mark.parametrize("attribute", [None, "id"], ids=["address", "externalId"])
async def test_user_who_is_added_has_the_names_at_once(okta: Federation, attribute: str | None):
    await okta.changed(jit=True, external_id_attribute=attribute)
    shown = await okta.arrive(name_id=EVE, attributes=(*KING, ("id", "00u1")))
    assert shown.status == 303, shown.main
    eve = await found(okta, EVE)
    assert (eve.version, eve.document["name"]) == (1, {"givenName": "Ada", "familyName": "King"})


async def test_names_follow_whoever_is_found_by_external_id(okta: Federation):
    await okta.managed(EVE, externalId="00u1")
    await okta.changed(external_id_attribute="id")
    assert (await okta.arrive(name_id="00u1", attributes=(*KING, ("id", "00u1")))).status == 303
    assert (await found(okta, EVE)).document["name"] == {"givenName": "Ada", "familyName": "King"}


@pytest.mark.parametrize("is_linked", [False, True], ids=["first", "later"])
@pytest.mark.parametrize("families", [("King", "King"), ("King", "Lovelace")], ids=["same", "different"])
async def test_two_sign_ins_at_once_both_succeed(
    okta: Federation, families: tuple[str, str], is_linked: bool
):
    if is_linked:
        await okta.arrive()
    browsers = [okta.front.browser() for _ in families]
    sent: list[str] = []
    for browser, family in zip(browsers, families, strict=True):
        said: dict[str, Any] = {"attributes": (("lastName", family),)}
        sent.append(okta.good(await okta.begin(browser), **said))
    shown = await asyncio.gather(
        *(okta.answer(browser, each) for browser, each in zip(browsers, sent, strict=True))
    )
    assert [each.status for each in shown] == [303, 303]
    ada = await found(okta)
    assert ada.document["name"] in [{**NAME, "familyName": family} for family in families]
    assert len(await okta.front.logged("user.update")) == len(set(families))
