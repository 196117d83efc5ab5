"""Adding a user as an administrator does (rule P3): what is required, and all that is wrong told together."""

from typing import Any

import pytest

from scimserver.directory import users
from scimserver.kernel.errors import AlreadyTaken, FieldsAtFault, InvalidValue, NotPermitted
from scimserver.kernel.permissions import Permission
from tests.commands import Commands
from tests.mailing import House

WHOLE: dict[str, Any] = {
    "userName": "ada@acme.example",
    "name": {"givenName": "Ada", "familyName": "Lovelace"},
    "roles": [{"value": "Minimal Permissions"}],
    "timezone": "Europe/London",
}
FAULTS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "no address": ({"userName": None}, {"userName": "userName is required"}),
    "a blank address": ({"userName": "  "}, {"userName": "userName is required"}),
    "no address at all": ({"userName": "ada"}, {"userName": "has no @"}),
    "an address in another domain": ({"userName": "ada@evil.example"}, {"userName": '"evil.example"'}),
    "an address that cloning gives": (
        {"userName": "ada@acme.example (Copy 1)"},
        {"userName": "given by cloning only"},
    ),
    "no given name": (
        {"name": {"familyName": "Lovelace"}},
        {"name.givenName": "givenName is required"},
    ),
    "a blank family name": (
        {"name": {"givenName": "Ada", "familyName": " "}},
        {"name.familyName": "familyName is required"},
    ),
    "no names": (
        {"name": None},
        {"name.givenName": "givenName is required", "name.familyName": "familyName is required"},
    ),
    "an unknown role": ({"roles": [{"value": "Nobody"}]}, {"roles": 'no role "Nobody"'}),
    "an unknown time zone": ({"timezone": "Mars/Base"}, {"timezone": '"Mars/Base" is not a time zone'}),
    "a blank time zone": ({"timezone": ""}, {"timezone": '"" is not a time zone'}),
    "everything": (
        {
            "userName": "ada@evil.example",
            "name": {},
            "roles": [{"value": "Nobody"}],
            "timezone": "Mars/Base",
        },
        {
            "name.givenName": "givenName is required",
            "name.familyName": "familyName is required",
            "userName": '"evil.example"',
            "roles": 'no role "Nobody"',
            "timezone": '"Mars/Base" is not a time zone',
        },
    ),
}
"""What is different from a user who can be added, and what is said of which field."""

cases = pytest.mark.parametrize("different,said", FAULTS.values(), ids=FAULTS)


async def add(house: House, **different: Any) -> users.User:
    async with house.work() as work:
        return await users.add(work, {**WHOLE, **different})


@cases
async def test_each_field_at_fault_is_named_and_nothing_is_saved(
    house: House, different: dict[str, Any], said: dict[str, str]
):
    with pytest.raises(InvalidValue) as raised:
        await add(house, **different)
    refused = raised.value
    told = refused.fields if isinstance(refused, FieldsAtFault) else {refused.attribute: refused.detail}
    assert list(told) == list(said)
    assert [sentence for name, sentence in said.items() if sentence not in told[name]] == []
    assert {change.path for change in refused.attempted} >= {"timezone"}
    assert await house.connection.fetchval("SELECT count(*) FROM users") == 0


async def test_address_that_is_taken_is_named_beside_what_else_is_wrong(house: House):
    await add(house)
    with pytest.raises(FieldsAtFault) as raised:
        await add(house, userName="ADA@acme.example", timezone="Mars/Base")
    assert list(raised.value.fields) == ["userName", "timezone"]


async def test_one_fault_alone_is_what_it_is_at_every_door(house: House):
    await add(house)
    with pytest.raises(AlreadyTaken):
        await add(house)


async def test_role_and_time_zone_have_defaults(house: House):
    async with house.work() as work:
        made = await users.add(work, {name: WHOLE[name] for name in ("userName", "name")})
    assert made.document["roles"] == [{"value": "Minimal Permissions", "primary": True}]
    assert made.document["timezone"] == "UTC"


async def test_adding_takes_its_permission(house: House):
    with pytest.raises(NotPermitted, match=r"users\.create"):
        async with house.work_with(Permission.USERS_READ) as work:
            await users.add(work, WHOLE)


async def test_role_that_holds_more_than_the_adder_is_refused(house: House):
    with pytest.raises(NotPermitted) as raised:
        async with house.work_with(Permission.USERS_CREATE, Permission.USERS_ASSIGN_ROLE) as work:
            await users.add(work, {**WHOLE, "roles": [{"value": "Admin Role"}]})
    assert raised.value.display == "ada@acme.example"


# -- by command --------------------------------------------------------------------------------------


def command(different: dict[str, Any]) -> tuple[str, ...]:
    """The command that asks for the same."""
    wanted = {**WHOLE, **different}
    name = wanted["name"] or {}
    asked = ("user", "add", "acme", wanted["userName"] or "", "--timezone", wanted["timezone"])
    return (
        *asked,
        *("--given-name", name.get("givenName", "")),
        *("--family-name", name.get("familyName", "")),
        *("--role", wanted["roles"][0]["value"]),
    )


@cases
def test_command_names_each_field_at_fault_and_is_on_record(
    acme: Commands, different: dict[str, Any], said: dict[str, str]
):
    told = acme.refused(*command(different))
    assert [sentence for sentence in said.values() if sentence not in told] == []
    assert acme.json("user", "list", "acme") == []
    [entry] = [each for each in acme.log("acme") if each["event"] == "user.create"]
    assert (entry["outcome"], entry["actor"]["kind"]) == ("failure", "operator")
    assert entry["reason"] == (
        "domain_not_allowed" if list(said.values()) == ['"evil.example"'] else "invalid_value"
    )


def test_command_adds_a_user(acme: Commands):
    made = acme.json(*command({}))
    assert made == {"id": made["id"], "userName": "ada@acme.example", "invited": False}
    shown = acme.json("user", "show", "acme", "ADA@acme.example")
    assert (shown["name"]["familyName"], shown["timezone"]) == ("Lovelace", "Europe/London")
    assert acme.log("acme")[-1]["outcome"] == "success"


def test_command_adds_nobody_twice(acme: Commands):
    acme.done(*command({}))
    assert "has this userName" in acme.refused(*command({}))
    assert len(acme.json("user", "list", "acme")) == 1


def test_command_invites_whom_it_adds(acme: Commands):
    assert acme.done(*command({}), "--invite") == 'Added "ada@acme.example". A link is being mailed.\n'
    assert [each["kind"] for each in acme.json("mail", "list", "acme")] == ["link.invitation"]
    assert [each["event"] for each in acme.log("acme")[-2:]] == ["user.create", "password.mail_link"]
