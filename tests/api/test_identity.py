"""Who a user is (rule P1): `userName` and its uniqueness, and the e-mails beside it."""

from typing import Any

import pytest

from tests.serving import USER, Answer, Installation, ScimClient, add, fresh_address, remove, replace

WORK = {"value": "anna@example.com", "type": "work", "primary": True}
HOME = {"value": "anna@home.test", "type": "home"}
STAND_IN = [WORK]


async def anna(scim: ScimClient, **attributes: Any) -> Answer:
    """The user whose identity is changed."""
    return await scim.make_user("anna@example.com", **attributes)


@pytest.mark.parametrize(
    "emails",
    [
        [HOME],
        [{"value": "ANNA@Example.COM", "type": "work"}],
        [{"value": "not an address"}],
        [{"type": "work"}],
        [{"value": "anna@elsewhere.test", "type": "work", "primary": True}],
        [WORK, HOME, {"value": "x@example.com", "type": "made up", "display": "X"}],
        [{**WORK, "primary": False}, {**HOME, "primary": True}],
    ],
)
async def test_emails_are_answered_as_they_were_sent(scim: ScimClient, emails: list[Any]):
    user = await anna(scim, emails=emails)
    assert user.json["emails"] == emails
    assert (await scim.get(f"/Users/{user.id}")).json["emails"] == emails


@pytest.mark.parametrize("emails", [{}, {"emails": None}, {"emails": []}])
async def test_user_without_emails_gets_one_made_from_the_user_name(scim: ScimClient, emails: dict[str, Any]):
    assert (await anna(scim, **emails)).json["emails"] == STAND_IN


async def test_user_name_is_answered_as_it_was_sent(scim: ScimClient):
    assert (await scim.make_user("Anna.BERG@Example.COM")).json["userName"] == "Anna.BERG@Example.COM"


SAME = [
    "anna@example.com",
    "ANNA@EXAMPLE.COM",
    "Anna@example.Com",
    "\uff21nna@example.com",
    "\u24d0nna@example.com",
]


@pytest.mark.parametrize("other", SAME)
async def test_user_name_is_unique_whatever_its_spelling(scim: ScimClient, other: str):
    await anna(scim)
    assert (await scim.post("/Users", {"userName": other})).error == (409, "uniqueness")


@pytest.mark.parametrize("other", SAME)
async def test_user_is_found_by_any_spelling_of_the_user_name(scim: ScimClient, other: str):
    user = await anna(scim)
    assert (await scim.find(f'userName eq "{other}"')).ids == [user.id]


async def test_both_spellings_of_an_international_domain_are_one_user(installation: Installation):
    scim = await installation.client(await installation.organization(domain="münchen.example"))
    user = await scim.make_user("anna@münchen.example")
    taken = await scim.post("/Users", {"userName": "anna@xn--mnchen-3ya.example"})
    assert taken.error == (409, "uniqueness")
    assert (await scim.find('userName eq "anna@XN--MNCHEN-3YA.example"')).ids == [user.id]


async def test_similar_names_are_different_users(scim: ScimClient):
    await anna(scim)
    for other in ("anna1@example.com", "a.nna@example.com", "\u0430nna@example.com"):
        assert (await scim.post("/Users", {"userName": other})).status == 201


@pytest.mark.parametrize("form", ["patch", "put"])
async def test_change_of_letter_case_is_a_change_of_the_same_user(scim: ScimClient, form: str):
    user = await anna(scim)
    answer = await renamed(scim, user, "Anna@Example.com", form)
    assert (answer.status, answer.json["userName"]) == (200, "Anna@Example.com")


async def renamed(scim: ScimClient, user: Answer, name: str, form: str) -> Answer:
    """The answer to a change of the user's name."""
    if form == "patch":
        return await scim.patch(f"/Users/{user.id}", replace("userName", name))
    return await scim.put(f"/Users/{user.id}", {**user.json, "userName": name})


@pytest.mark.parametrize("form", ["patch", "put"])
async def test_made_email_follows_the_user_name(scim: ScimClient, form: str):
    answer = await renamed(scim, await anna(scim), "bo@example.com", form)
    assert answer.json["emails"] == [{**WORK, "value": "bo@example.com"}]


async def test_change_of_the_user_name_changes_only_the_email_that_equalled_it(scim: ScimClient):
    others = [HOME, {"value": "anna@example.org", "type": "other"}, {"type": "made up"}]
    user = await anna(scim, emails=[{**WORK, "value": "ANNA@example.com"}, *others])
    answer = await renamed(scim, user, "bo@example.com", "patch")
    assert answer.json["emails"] == [{**WORK, "value": "bo@example.com"}, *others]


@pytest.mark.parametrize("form", ["patch", "put"])
async def test_emails_that_are_sent_with_a_new_user_name_stay_as_they_are_sent(scim: ScimClient, form: str):
    user = await anna(scim, emails=[HOME])
    if form == "put":
        answer = await scim.put(f"/Users/{user.id}", {"userName": "bo@example.com", "emails": [WORK]})
    else:
        operations = replace("userName", "bo@example.com"), replace("emails", [WORK])
        answer = await scim.patch(f"/Users/{user.id}", *operations)
    assert answer.json["emails"] == [WORK]


async def test_change_of_the_user_name_leaves_emails_alone_that_did_not_equal_it(scim: ScimClient):
    user = await anna(scim, emails=[HOME])
    assert (await renamed(scim, user, "bo@example.com", "patch")).json["emails"] == [HOME]


async def test_change_of_an_email_leaves_the_user_name_alone(scim: ScimClient):
    user = await anna(scim)
    answer = await scim.patch(f"/Users/{user.id}", replace('emails[type eq "work"].value', "x@y.test"))
    assert answer.json["userName"] == "anna@example.com"
    assert answer.json["emails"] == [{**WORK, "value": "x@y.test"}]


async def test_change_of_the_user_name_leaves_a_changed_email_alone(scim: ScimClient):
    user = await anna(scim)
    await scim.patch(f"/Users/{user.id}", replace('emails[type eq "work"].value', "x@y.test"))
    answer = await renamed(scim, user, "bo@example.com", "patch")
    assert answer.json["emails"] == [{**WORK, "value": "x@y.test"}]


@pytest.mark.parametrize("operation", [remove("emails"), replace("emails", []), remove("emails[value pr]")])
async def test_removing_emails_leaves_none(scim: ScimClient, operation: dict[str, Any]):
    user = await anna(scim)
    assert "emails" not in (await scim.patch(f"/Users/{user.id}", operation)).json


async def test_removed_emails_do_not_come_back_with_another_change(scim: ScimClient):
    user = await anna(scim)
    await scim.patch(f"/Users/{user.id}", remove("emails"))
    answer = await scim.patch(f"/Users/{user.id}", replace("userName", "bo@example.com"))
    assert "emails" not in answer.json


ADDITIONS = [
    add("emails", [HOME]),
    {"op": "add", "value": {"emails": [HOME]}},
    {"op": "add", "value": {f"{USER}:emails": [HOME]}},
    add(f"{USER}:emails", [HOME]),
]


@pytest.mark.parametrize("operation", ADDITIONS)
async def test_adding_emails_takes_the_place_of_the_made_one(scim: ScimClient, operation: dict[str, Any]):
    user = await anna(scim)
    assert (await scim.patch(f"/Users/{user.id}", operation)).json["emails"] == [HOME]


@pytest.mark.parametrize("operation", ADDITIONS)
async def test_adding_emails_leaves_those_that_were_sent(scim: ScimClient, operation: dict[str, Any]):
    user = await anna(scim, emails=[WORK])
    assert (await scim.patch(f"/Users/{user.id}", operation)).json["emails"] == [WORK, HOME]


async def test_put_without_emails_makes_one_again(scim: ScimClient):
    user = await anna(scim, emails=[HOME])
    answer = await scim.put(f"/Users/{user.id}", {"userName": "anna@example.com"})
    assert answer.json["emails"] == STAND_IN


async def test_email_made_by_a_put_makes_way_too(scim: ScimClient):
    user = await anna(scim, emails=[HOME])
    await scim.put(f"/Users/{user.id}", {"userName": "anna@example.com"})
    answer = await scim.patch(f"/Users/{user.id}", add("emails", [HOME]))
    assert answer.json["emails"] == [HOME]


async def test_put_of_what_was_answered_leaves_the_made_email_made(scim: ScimClient):
    user = await anna(scim)
    same = await scim.put(f"/Users/{user.id}", user.json)
    assert same.json == user.json
    assert (await renamed(scim, user, "bo@example.com", "patch")).json["emails"][0][
        "value"
    ] == "bo@example.com"


async def test_made_email_is_found_by_a_filter(scim: ScimClient):
    user = await anna(scim)
    assert (await scim.find('emails[type eq "work"].value eq "ANNA@example.com"')).ids == [user.id]


async def test_address_of_a_renamed_user_is_free(scim: ScimClient):
    user = await anna(scim)
    await renamed(scim, user, fresh_address(), "patch")
    assert (await scim.post("/Users", {"userName": "anna@example.com"})).status == 201


async def test_emails_that_come_with_a_new_user_name_stay_as_they_came(scim: ScimClient):
    user = await scim.make_user("anna@example.com", emails=[{"value": "anna@example.com", "type": "home"}])
    sent = [{"value": "anna@example.com", "type": "work", "primary": True}]
    answer = await scim.put(f"/Users/{user.id}", {"userName": "bo@example.com", "emails": sent})
    assert (answer.json["userName"], answer.json["emails"]) == ("bo@example.com", sent)
