"""The bin (rule P5): who was deleted comes back with what is still there; to everybody else they are gone."""

import asyncio
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from scimserver.access.connections import Passwords
from scimserver.directory import bin
from scimserver.kernel.actor import Origin, operator
from scimserver.kernel.errors import NotFound
from tests.commands import clean_settings as clean_settings
from tests.leaving import DELETING, Door, House
from tests.leaving import house as house
from tests.serving import ENTERPRISE, Answer, ScimClient

UNKNOWN = "0190b4f0-0000-7000-8000-000000000000"
ADMIN = [{"value": "Admin Role"}]
ANNA: dict[str, Any] = {
    "displayName": "Anna",
    "externalId": "00u1",
    "title": "Agent",
    "timezone": "Europe/Rome",
    "emails": [{"value": "anna@home.test", "type": "home"}],
}


@pytest_asyncio.fixture(loop_scope="session")
async def anna(house: House) -> Answer:
    """A user with a little of everything."""
    return await house.scim.make_user("anna@example.com", **ANNA)


async def deleted(house: House, user: Answer) -> None:
    assert (await house.scim.delete(f"/Users/{user.id}")).status == 204


async def restored(house: House, user: Answer) -> Answer:
    """A deleted user, who is back."""
    result = await house.ran("user", "restore", user.id)
    assert result.exit_code == 0, result.output
    return await house.scim.get(f"/Users/{user.id}")


def itself(user: Answer) -> dict[str, Any]:
    """The user without what says which version it is."""
    body = user.json
    meta = {name: body["meta"][name] for name in ("resourceType", "created", "location")}
    return {**body, "meta": meta}


@pytest.mark.parametrize("door", DELETING)
async def test_who_is_deleted_is_gone_and_in_the_bin(house: House, anna: Answer, door: Door):
    assert await door(house, anna.id)
    assert (await house.scim.get(f"/Users/{anna.id}")).error == (404, None)
    assert (await house.scim.find('userName eq "anna@example.com"')).ids == []
    [found] = await bin.every(house.installation.database, house.scim.organization)
    assert (str(found.id), found.user_name, found.role) == (
        anna.id,
        "anna@example.com",
        "Minimal Permissions",
    )
    assert found.request_id == (await house.latest()).entry["request"]["id"]


@pytest.mark.parametrize("door", DELETING)
async def test_address_of_who_is_in_the_bin_is_free(house: House, anna: Answer, door: Door):
    assert await door(house, anna.id)
    again = await house.scim.make_user("ANNA@example.com")
    assert again.id != anna.id
    assert (await house.scim.get("/Users")).json["totalResults"] == 1


async def test_who_is_restored_is_as_before(house: House, anna: Answer):
    await deleted(house, anna)
    back = await restored(house, anna)
    assert itself(back) == itself(anna)
    assert back.headers["ETag"] == 'W/"2"'
    assert back.json["meta"]["lastModified"] > anna.json["meta"]["lastModified"]
    assert (await house.scim.get("/Users")).json["totalResults"] == 1
    assert await bin.every(house.installation.database, house.scim.organization) == []


async def test_restoring_is_on_record_and_announced(
    house: House, anna: Answer, connection: asyncpg.Connection
):
    await deleted(house, anna)
    await restored(house, anna)
    entry = await house.latest()
    assert (entry.entry["event"], entry.entry["target"]["id"]) == ("user.restore", anna.id)
    changes = {change["path"]: number for number, change in enumerate(entry.entry["changes"])}
    assert entry.personal[f"changes.{changes['userName']}.new"] == "anna@example.com"
    assert "new" not in entry.entry["changes"][changes["deleted"]]
    assert await connection.fetchval("SELECT topic FROM outbox ORDER BY id DESC LIMIT 1") == "user.restored"


@pytest.mark.parametrize("how", ["id", "address"])
async def test_who_is_restored_is_named_by_address_or_id(house: House, anna: Answer, how: str):
    await deleted(house, anna)
    assert await house.command("user", "restore", anna.id if how == "id" else "ANNA@example.com")


async def test_who_is_restored_may_be_deleted_and_restored_again(house: House, anna: Answer):
    for version in (2, 3):
        await deleted(house, anna)
        assert (await restored(house, anna)).headers["ETag"] == f'W/"{version}"'


async def test_teams_that_are_there_are_joined_again(house: House, anna: Answer):
    kept, gone = [await house.scim.make_group(name, anna.id) for name in ("Kept", "Gone")]
    await deleted(house, anna)
    await house.scim.delete(f"/Groups/{gone.id}")
    back = await restored(house, anna)
    assert [group["display"] for group in back.json["groups"]] == ["Kept"]
    team = await house.scim.get(f"/Groups/{kept.id}")
    assert [member["value"] for member in team.json["members"]] == [anna.id]
    assert team.headers["ETag"].startswith('W/"3-')
    request = (await house.latest()).entry["request"]["id"]
    logged = await house.installation.log(house.scim.organization, request_id=request)
    assert [entry.entry["event"] for entry in logged] == ["group.update", "user.restore"]


async def test_cases_stay_unassigned(house: House, anna: Answer):
    case = await house.scim.make_case(owner=anna.id)
    await deleted(house, anna)
    await restored(house, anna)
    assert "owner" not in (await house.scim.get(f"/Cases/{case.id}")).json


async def test_there_is_no_password_any_more(house: House, connection: asyncpg.Connection):
    scim = await house.installation.client(house.scim.organization, passwords=Passwords.ACCEPT)
    user = await scim.make_user(password="correct horse battery")
    await deleted(house, user)
    await restored(house, user)
    assert await connection.fetchval("SELECT count(*) FROM credentials") == 0


async def test_mail_that_was_made_from_the_address_is_made_again(house: House):
    user = await house.scim.make_user("bo@example.com")
    await deleted(house, user)
    await restored(house, user)
    renamed = await house.scim.patch(
        f"/Users/{user.id}", {"op": "replace", "path": "userName", "value": "bo2@example.com"}
    )
    assert [entry["value"] for entry in renamed.json["emails"]] == ["bo2@example.com"]


async def test_manager_who_is_gone_is_not_named(house: House):
    boss = await house.scim.make_user(displayName="Boss")
    user = await house.scim.make_user("bo@example.com", **{ENTERPRISE: {"manager": {"value": boss.id}}})
    for each in (user, boss):
        await deleted(house, each)
    back = await restored(house, user)
    assert back.json[ENTERPRISE]["manager"] == {"value": boss.id}
    await restored(house, boss)
    assert (await house.scim.get(f"/Users/{user.id}")).json[ENTERPRISE]["manager"]["displayName"] == "Boss"


async def test_clone_under_its_placeholder_is_restored(house: House, anna: Answer):
    clone = await house.scim.request("POST", f"/Users/{anna.id}/.clone")
    await deleted(house, clone)
    assert (await restored(house, clone)).json["userName"] == "anna@example.com (Copy 1)"


async def test_deactivated_user_comes_back_deactivated(house: House):
    user = await house.scim.make_user(active=False)
    await deleted(house, user)
    assert (await restored(house, user)).json["active"] is False


# --- Roles ----------------------------------------------------------------------------------------


async def role(scim: ScimClient, name: str) -> str:
    return (await scim.post("/Roles", {"displayName": name, "permissions": [{"value": "log.read"}]})).id


async def test_role_is_given_back(house: House):
    await house.scim.make_user(roles=ADMIN)
    user = await house.scim.make_user(roles=ADMIN)
    await deleted(house, user)
    assert (await restored(house, user)).json["roles"] == user.json["roles"]


async def test_role_that_was_renamed_is_given_back_by_its_name(house: House):
    made = await role(house.scim, "Auditor")
    user = await house.scim.make_user(roles=[{"value": "Auditor"}])
    await deleted(house, user)
    await house.scim.put(f"/Roles/{made}", {"displayName": "Reviewer"})
    assert [each["value"] for each in (await restored(house, user)).json["roles"]] == ["Reviewer"]


@pytest.mark.parametrize("namesake", [False, True])
async def test_whose_role_is_gone_has_the_least(house: House, namesake: bool):
    made = await role(house.scim, "Auditor")
    user = await house.scim.make_user(roles=[{"value": "Auditor"}])
    await deleted(house, user)
    assert (await house.scim.delete(f"/Roles/{made}")).status == 204
    if namesake:
        await role(house.scim, "Auditor")
    assert [each["value"] for each in (await restored(house, user)).json["roles"]] == ["Minimal Permissions"]


async def test_roles_of_a_free_organisation_come_back_as_they_were_sent(house: House):
    assert await house.command("org", "update", "--addresses", "free")
    user = await house.scim.make_user("odd", roles=[{"value": "Whatever"}, {"value": "More"}])
    await deleted(house, user)
    assert itself(await restored(house, user)) == itself(user)


# --- Refused --------------------------------------------------------------------------------------


async def refused(house: House, user: Answer) -> tuple[str, Any]:
    """What the operator is told, and the reason in the log, of one who stays in the bin."""
    before = (await house.scim.get("/Users")).json
    result = await house.ran("user", "restore", user.id)
    assert (result.exit_code, result.stdout) == (1, "")
    assert (await house.scim.get("/Users")).json == before
    [kept] = await bin.every(house.installation.database, house.scim.organization)
    assert str(kept.id) == user.id
    entry = await house.latest()
    assert (entry.entry["event"], entry.entry["outcome"]) == ("user.restore", "failure")
    assert entry.personal["target.display"] == kept.user_name
    return result.stderr, entry.entry["reason"]


async def test_whose_address_is_taken_stays_in_the_bin(house: House, anna: Answer):
    await deleted(house, anna)
    await house.scim.make_user("Anna@example.com")
    told, reason = await refused(house, anna)
    assert reason == "already_taken"
    assert "has the address by now" in told


async def test_whose_domain_is_gone_stays_in_the_bin(house: House, anna: Answer):
    await deleted(house, anna)
    assert await house.command("domain", "remove", "example.com", "--yes")
    told, reason = await refused(house, anna)
    assert reason == "domain_not_allowed"
    assert "example.com" in told


async def test_several_of_one_address_are_told_apart_by_id(house: House, anna: Answer):
    await deleted(house, anna)
    other = await house.scim.make_user("anna@example.com")
    await deleted(house, other)
    for verb in (("restore",), ("purge", "--yes")):
        result = await house.ran("user", verb[0], "anna@example.com", *verb[1:])
        assert result.exit_code == 1
        assert f"{other.id}, {anna.id}" in result.stderr
    await restored(house, anna)


@pytest.mark.parametrize("verb", [("restore",), ("purge", "--yes")])
@pytest.mark.parametrize(
    "name", ["eve@example.com", "0190b4f0-0000-7000-8000-000000000000", "anna@example.com"]
)
async def test_who_is_not_in_the_bin_is_unknown(house: House, anna: Answer, verb: tuple[str, ...], name: str):
    result = await house.ran("user", verb[0], name, *verb[1:])
    assert result.exit_code == 1
    assert f'no user "{name}" in the bin' in result.stderr
    assert (await house.latest()).entry["reason"] == "not_found"
    assert (await house.scim.get(f"/Users/{anna.id}")).json == anna.json


# --- Forgotten ------------------------------------------------------------------------------------


async def test_who_is_purged_is_forgotten(house: House, anna: Answer, connection: asyncpg.Connection):
    await deleted(house, anna)
    assert await house.command("user", "purge", "anna@example.com", "--yes")
    assert await connection.fetchval("SELECT count(*) FROM deleted_users") == 0
    assert not await house.command("user", "restore", anna.id)


async def test_purging_is_on_record_without_a_name_and_announced(
    house: House, anna: Answer, connection: asyncpg.Connection
):
    await deleted(house, anna)
    assert await house.command("user", "purge", anna.id, "--yes")
    entry = await house.latest()
    assert (entry.entry["event"], entry.entry["target"]) == ("user.purge", {"kind": "User", "id": anna.id})
    assert [change["path"] for change in entry.entry["changes"]] == ["deleted"]
    assert "anna" not in str(entry.personal).lower()
    assert await connection.fetchval("SELECT topic FROM outbox ORDER BY id DESC LIMIT 1") == "user.purged"


# --- At the same time -----------------------------------------------------------------------------


async def in_the_bin(house: House, user: Answer) -> bin.Deleted:
    found = await bin.every(house.installation.database, house.scim.organization)
    return next(each for each in found if str(each.id) == user.id)


async def attempt(house: House, what: Any, found: bin.Deleted) -> bool:
    """Restore or purge; whether that was done."""
    actor = operator("tests", house.scim.organization)
    try:
        async with house.installation.room.open(actor, Origin(request_id="at-once")) as work:
            await what(work, found)
    except NotFound:
        return False
    return True


async def test_restoring_twice_at_once_restores_once(house: House, anna: Answer):
    team = await house.scim.make_group("Support", anna.id)
    await deleted(house, anna)
    found = await in_the_bin(house, anna)
    done = await asyncio.gather(*(attempt(house, bin.restore, found) for _ in range(4)))
    assert sorted(done) == [False, False, False, True]
    assert (await house.events())["user.restore", "success"] == 1
    assert (await house.scim.get("/Users")).json["totalResults"] == 1
    assert len((await house.scim.get(f"/Groups/{team.id}")).json["members"]) == 1


async def test_restoring_and_purging_at_once_is_one_of_them(house: House, anna: Answer):
    await deleted(house, anna)
    found = await in_the_bin(house, anna)
    back, gone = await asyncio.gather(attempt(house, bin.restore, found), attempt(house, bin.purge, found))
    assert back is not gone
    assert (await house.scim.get(f"/Users/{anna.id}")).status == (200 if back else 404)


async def test_address_that_is_taken_while_somebody_is_restored_is_one_users(house: House, anna: Answer):
    await deleted(house, anna)
    done, other = await asyncio.gather(
        house.ran("user", "restore", anna.id),
        house.scim.post("/Users", {"userName": "anna@example.com"}),
    )
    assert sorted((done.exit_code == 0, other.status == 201)) == [False, True]
    assert (await house.scim.get("/Users")).json["totalResults"] == 1
