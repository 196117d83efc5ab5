"""What an address, a role or a time zone may not be (P1, P2, P3 and P6), at every door that gives one."""

from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from scimserver.audit.store import Logged
from scimserver.kernel.errors import AlreadyTaken, DomainNotAllowed, InvalidValue, Refused
from tests.commands import clean_settings as clean_settings
from tests.doors import DOORS, PARTLY, Door, Face, Told, changed, doors_to, ran, told
from tests.leaving import House
from tests.leaving import house as house
from tests.serving import USER, Answer, replace

EVERYTHING = """
SELECT (SELECT jsonb_agg(to_jsonb(u) ORDER BY id) FROM users AS u)::text,
       (SELECT jsonb_agg(to_jsonb(m) ORDER BY group_id, user_id) FROM group_members AS m)::text,
       (SELECT count(*) FROM outbox)
"""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What no user may be, and how it is refused."""

    wanted: dict[str, Any]
    error: tuple[int, str] = (400, "invalidValue")
    raises: type[Refused] = InvalidValue
    says: tuple[str, ...] = ()
    """What every refusal says."""
    left_out: frozenset[str] = field(default_factory=frozenset[str])
    """Doors where it means something else."""

    def code(self, face: Face) -> Any:
        """How a face refuses it."""
        return {
            Face.SCIM: self.error,
            Face.COMMAND: 1,
            Face.IMPORT: PARTLY,
            Face.ACTION: self.raises,
        }[face]


NEW_ROWS = frozenset(f"import of {written}, a new user" for written in ("csv", "json", "jsonl"))
WRONG = {
    "outside of the Email Domains": Wrong(
        {"userName": "anna@elsewhere.test"},
        raises=DomainNotAllowed,
        says=('"elsewhere.test"', "Email Domains", "scimserver domain add"),
    ),
    "the placeholder of a clone": Wrong({"userName": "anna@example.com (Copy 7)"}, says=("(Copy N)",)),
    "no address": Wrong({"userName": "anna"}),
    "blank": Wrong({"userName": " "}, says=("userName",)),
    # A row of a file without an id is about whoever has the address.
    "somebody else's": Wrong(
        {"userName": "BO@example.com"}, error=(409, "uniqueness"), raises=AlreadyTaken, left_out=NEW_ROWS
    ),
    "an unknown role": Wrong({"roles": [{"value": "King"}]}, says=('"King"',)),
    # A command has room for one role.
    "two roles": Wrong(
        {"roles": [{"value": "Admin Role"}, {"value": "Agent"}]},
        says=("roles",),
        left_out=frozenset({"user add"}),
    ),
    "no time zone": Wrong({"timezone": "Mars/Olympus"}, says=("Mars/Olympus",)),
}
CASES = [
    pytest.param(wrong, door, id=f"{name} - {door}")
    for name, wrong in WRONG.items()
    for door in doors_to(wrong.wanted)
    if door.name not in wrong.left_out
]


@pytest_asyncio.fixture(loop_scope="session")
async def anna(house: House) -> Answer:
    """A user in a Team, beside another one."""
    await house.scim.make_user("bo@example.com")
    user = await house.scim.make_user("anna@example.com", title="Agent")
    await house.scim.make_group("Support", user.id)
    return user


async def entries(house: House) -> list[Logged]:
    return await house.installation.log(house.scim.organization)


@pytest.mark.parametrize("wrong,door", CASES)
async def test_what_no_user_may_be_is_refused_changes_nothing_and_is_on_record(
    house: House, anna: Answer, connection: asyncpg.Connection, wrong: Wrong, door: Door
):
    before, seen = await connection.fetchrow(EVERYTHING), len(await entries(house))
    answered = await door.call(house, anna, wrong.wanted)
    assert (answered.done, answered.code) == (False, wrong.code(door.face))
    assert [said for said in wrong.says if said not in answered.text] == []
    assert await connection.fetchrow(EVERYTHING) == before
    [failed] = [each for each in (await entries(house))[seen:] if each.entry["outcome"] == "failure"]
    assert (failed.entry["event"], failed.entry["reason"]) == (door.event, wrong.raises.reason)
    if wrong.raises is DomainNotAllowed:
        old = anna.json["userName"] if door.is_change else None
        assert changed(failed, "userName") == (old, wrong.wanted["userName"])


RIGHT: dict[str, Any] = {
    "userName": "grace@example.com",
    "roles": [{"value": "Admin Role"}],
    "timezone": "Europe/Rome",
}


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_what_a_user_may_be_is_given_and_on_record(house: House, anna: Answer, door: Door):
    seen = len(await entries(house))
    wanted = {name: value for name, value in RIGHT.items() if name in door.takes}
    assert (await door.call(house, anna, wanted)).done
    [found] = (await house.scim.find('userName eq "grace@example.com"')).json["Resources"]
    given = {**found, "roles": [{"value": entry["value"]} for entry in found["roles"]]}
    assert {name: given[name] for name in wanted} == wanted
    [done] = [each for each in (await entries(house))[seen:] if each.entry["event"] == door.event]
    assert done.entry["outcome"] == "success"
    old = anna.json["userName"] if door.is_change else None
    assert changed(done, "userName") == (old, "grace@example.com")


# -- addresses that were allowed once --------------------------------------------------------


async def restored(house: House, user: Answer) -> Told:
    """Somebody who was deleted comes back."""
    return ran(await house.ran("user", "restore", user.id))


async def revived(house: House, user: Answer) -> Told:
    """Somebody who was deactivated is created once more."""
    client = await house.installation.client(house.scim.organization, revive=True)
    answer = await client.post("/Users", {"schemas": [USER], "userName": "anna@example.com"})
    return told(answer)


async def cloned(house: House, user: Answer) -> Told:
    return told(await house.scim.post(f"/Users/{user.id}/.clone", {}))


async def cloned_by_command(house: House, user: Answer) -> Told:
    return ran(await house.ran("user", "clone", user.id))


async def deleted(house: House, user: Answer) -> Answer:
    return await house.scim.delete(f"/Users/{user.id}")


async def deactivated(house: House, user: Answer) -> Answer:
    return await house.scim.patch(f"/Users/{user.id}", replace("active", False))


async def left_alone(house: House, user: Answer) -> Answer:
    return user


@pytest.mark.parametrize(
    "before,way,face,event",
    [
        (deleted, restored, Face.COMMAND, "user.restore"),
        (deactivated, revived, Face.SCIM, "user.create"),
        (left_alone, cloned, Face.SCIM, "user.clone"),
        (left_alone, cloned_by_command, Face.COMMAND, "user.clone"),
    ],
)
async def test_address_whose_domain_was_taken_off_the_list_does_not_come_back(
    house: House, anna: Answer, connection: asyncpg.Connection, before: Any, way: Any, face: Face, event: str
):
    await before(house, anna)
    assert await house.command("domain", "remove", "example.com", "--yes")
    rows, seen = await connection.fetchrow(EVERYTHING), len(await entries(house))
    answered = await way(house, anna)
    outside = WRONG["outside of the Email Domains"]
    assert (answered.done, answered.code) == (False, outside.code(face))
    assert '"example.com"' in answered.text
    assert "scimserver domain add" in answered.text
    assert await connection.fetchrow(EVERYTHING) == rows
    [failed] = (await entries(house))[seen:]
    assert (failed.entry["event"], failed.entry["reason"]) == (event, "domain_not_allowed")
    assert failed.personal["target.display"] == "anna@example.com"


@pytest.mark.parametrize("door", [door for door in DOORS if door.event == "user.create"], ids=str)
async def test_new_user_of_whom_nothing_else_is_said_has_what_every_user_has(
    house: House, anna: Answer, door: Door
):
    assert (await door.call(house, anna, {"userName": "grace@example.com"})).done
    [found] = (await house.scim.find('userName eq "grace@example.com"')).json["Resources"]
    assert {name: found[name] for name in ("active", "roles", "timezone", "emails")} == {
        "active": True,
        "roles": [{"value": "Minimal Permissions", "primary": True}],
        "timezone": "Europe/Berlin",
        "emails": [{"value": "grace@example.com", "type": "work", "primary": True}],
    }
