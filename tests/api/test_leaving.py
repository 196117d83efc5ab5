"""Who is deleted owns no Case any more, who is deactivated only where the organisation says so (rule P5).

Each rule is tried at each door: SCIM in all its forms, and the operator's commands.
"""

import asyncio
import json
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from scimserver.directory.cases.actions import AT_ONCE
from tests.commands import clean_settings as clean_settings
from tests.leaving import DEACTIVATING, DELETING, Door, House, deleted_over_scim
from tests.leaving import house as house
from tests.serving import Answer, ScimClient, replace

ADMIN = [{"value": "Admin Role"}]


@pytest_asyncio.fixture(loop_scope="session")
async def user(house: House) -> Answer:
    """A user, who is not the last to manage users."""
    await house.scim.make_user(roles=ADMIN)
    return await house.scim.make_user("anna@example.com", displayName="Anna")


async def owner_of(scim: ScimClient, case: Answer) -> Any:
    return (await scim.get(f"/Cases/{case.id}")).json.get("owner", {}).get("value")


@pytest.mark.parametrize("door", DELETING)
async def test_cases_of_who_is_deleted_become_nobodys(house: House, user: Answer, door: Door):
    scim = house.scim
    cases = [await scim.make_case(f"Case {number}", user.id) for number in range(3)]
    others = [await scim.make_case(owner=(await scim.make_user()).id), await scim.make_case()]
    assert await door(house, user.id)
    for case in cases:
        after = await scim.get(f"/Cases/{case.id}")
        assert "owner" not in after.json
        assert after.headers["ETag"] == 'W/"2"'
        assert after.json["meta"]["lastModified"] > case.json["meta"]["lastModified"]
    assert [(await scim.get(f"/Cases/{case.id}")).json for case in others] == [case.json for case in others]


@pytest.mark.parametrize("door", DELETING)
async def test_each_case_has_an_entry_and_a_message(
    house: House, user: Answer, connection: asyncpg.Connection, door: Door
):
    cases = [await house.scim.make_case(f"Case {number}", user.id) for number in range(2)]
    await connection.execute("DELETE FROM outbox")
    assert await door(house, user.id)
    entries = await house.installation.log(house.scim.organization, events=["case.unassign"])
    assert [entry.entry["target"] | {"display": ""} for entry in entries] == [
        {"kind": "Case", "id": case.id, "display": ""} for case in cases
    ]
    for number, entry in enumerate(entries):
        assert entry.personal["target.display"] == f"Case {number}"
        assert [change["path"] for change in entry.entry["changes"]] == ["owner.value"]
        assert entry.personal["changes.0.old"] == user.id
        assert "changes.0.new" not in entry.personal
    [last] = await house.installation.log(house.scim.organization, events=["user.delete"])
    assert {entry.entry["request"]["id"] for entry in entries} == {last.entry["request"]["id"]}
    told = [json.loads(row[0]) for row in await connection.fetch("SELECT payload FROM outbox ORDER BY id")]
    assert [(each["topic"], each["id"], each["attributes"][:1]) for each in told[:2]] == [
        ("case.unassigned", case.id, ["owner.value"]) for case in cases
    ]
    assert [each["topic"] for each in told[2:]] == ["user.deleted"]


@pytest.mark.parametrize("door", DELETING)
async def test_who_is_deleted_leaves_every_team_and_each_is_on_record(house: House, user: Answer, door: Door):
    teams = [await house.scim.make_group(name, user.id) for name in ("Support", "Sales")]
    assert await door(house, user.id)
    for team in teams:
        after = await house.scim.get(f"/Groups/{team.id}")
        assert "members" not in after.json
        assert after.headers["ETag"].startswith('W/"2')
    left = await house.installation.log(house.scim.organization, events=["group.update"])
    assert {each.entry["target"]["id"] for each in left} == {team.id for team in teams}
    assert {each.entry["outcome"] for each in left} == {"success"}


@pytest.mark.parametrize("door", DEACTIVATING)
async def test_who_is_deactivated_stays_in_every_team(house: House, user: Answer, door: Door):
    team = await house.scim.make_group("Support", user.id)
    assert await door(house, user.id)
    assert [each["value"] for each in (await house.scim.get(f"/Groups/{team.id}")).json["members"]] == [
        user.id
    ]


@pytest.mark.parametrize("door", DEACTIVATING)
@pytest.mark.parametrize("deactivation", ["keep_cases", "unassign_cases"])
async def test_cases_of_who_is_deactivated_stay_or_go_as_the_organisation_says(
    house: House, user: Answer, door: Door, deactivation: str
):
    await house.wanting(deactivation)
    case = await house.scim.make_case(owner=user.id)
    assert await door(house, user.id)
    keeps = deactivation == "keep_cases"
    assert await owner_of(house.scim, case) == (user.id if keeps else None)
    events = await house.events()
    assert events["case.unassign", "success"] == (0 if keeps else 1)
    assert events["user.deactivate", "success"] == 1


async def test_cases_stay_with_who_is_activated_or_changed_otherwise(house: House, user: Answer):
    await house.wanting("unassign_cases")
    case = await house.scim.make_case(owner=user.id)
    for value in (replace("title", "Lead"), replace("active", True)):
        assert (await house.scim.patch(f"/Users/{user.id}", value)).status == 200
    assert await house.command("user", "activate", user.id)
    assert await owner_of(house.scim, case) == user.id


async def test_cases_stay_with_who_was_deactivated_before_the_organisation_said_otherwise(
    house: House, user: Answer
):
    case = await house.scim.make_case(owner=user.id)
    await house.scim.patch(f"/Users/{user.id}", replace("active", False))
    await house.wanting("unassign_cases")
    await house.scim.patch(f"/Users/{user.id}", replace("title", "Gone"))
    assert await owner_of(house.scim, case) == user.id


@pytest.mark.parametrize("door", [*DELETING, *DEACTIVATING])
async def test_last_administrator_stays_with_all_cases(house: House, door: Door):
    await house.wanting("unassign_cases")
    last = await house.scim.make_user(roles=ADMIN)
    case = await house.scim.make_case(owner=last.id)
    assert not await door(house, last.id)
    assert (await house.scim.get(f"/Users/{last.id}")).json == last.json
    assert await owner_of(house.scim, case) == last.id
    [logged] = await house.installation.log(house.scim.organization, outcomes=["failure"])
    assert logged.entry["reason"] == "last_administrator"
    assert (await house.events())["case.unassign", "success"] == 0


@pytest.mark.parametrize("door", DELETING)
async def test_nobody_is_deleted_who_is_not_there(house: House, door: Door):
    assert not await door(house, "0190b4f0-0000-7000-8000-000000000000")
    assert (await house.events())["user.delete", "failure"] == 1


MANY = 4 * AT_ONCE + 1
_OWNED = """
INSERT INTO cases (org_id, id, subject, subject_key, status, owner_id,
                   version, created, last_modified, document, shadow)
SELECT $1, gen_random_uuid(), 'S', 's', 'open', $2, 1, now(), now(), '{"subject":"S"}', '{}'
FROM generate_series(1, $3)
"""


@pytest.mark.parametrize("door", DELETING)
async def test_thousands_of_cases_become_nobodys_at_once(
    house: House, user: Answer, connection: asyncpg.Connection, door: Door
):
    await connection.execute(_OWNED, house.scim.organization, user.id, MANY)
    assert await door(house, user.id)
    ask = connection.fetchval
    assert await ask("SELECT count(*) FROM cases WHERE owner_id IS NULL AND version = 2") == MANY
    for table, column in (("log_entries", "event"), ("outbox", "topic")):
        word = "case.unassign" if column == "event" else "case.unassigned"
        asked = f"SELECT count(*), count(DISTINCT xmin::text) FROM {table} WHERE {column} = $1"
        [row] = await connection.fetch(asked, word)
        assert tuple(row) == (MANY, 1)


# --- At the same time -----------------------------------------------------------------------------


async def test_two_deletions_at_once_are_one(house: House, user: Answer):
    case = await house.scim.make_case(owner=user.id)
    done = await asyncio.gather(*(deleted_over_scim(house, user.id) for _ in range(6)))
    assert sorted(done) == [False] * 5 + [True]
    assert await owner_of(house.scim, case) is None
    events = await house.events()
    assert (events["user.delete", "success"], events["user.delete", "failure"]) == (1, 5)
    assert events["case.unassign", "success"] == 1


@pytest.mark.parametrize("leaving", ["DELETE FROM users", "UPDATE users SET active = false"])
@pytest.mark.parametrize("way", ["POST", "PATCH"])
async def test_case_is_not_given_to_who_is_just_leaving(
    house: House, user: Answer, connection: asyncpg.Connection, leaving: str, way: str
):
    case = await house.scim.make_case()
    async with connection.transaction():
        await connection.execute(f"{leaving} WHERE id = $1", user.id)
        if way == "POST":
            giving = house.scim.post("/Cases", {"subject": "S", "owner": {"value": user.id}})
        else:
            giving = house.scim.patch(f"/Cases/{case.id}", replace("owner.value", user.id))
        task = asyncio.create_task(giving)
        await waits(task, connection)
    assert (await task).error == (400, "invalidValue")
    assert (await house.scim.get("/Cases")).json["Resources"] == [case.json]


async def test_case_that_is_being_given_becomes_nobodys_with_the_rest(
    house: House, user: Answer, connection: asyncpg.Connection
):
    case = await house.scim.make_case()
    async with connection.transaction():
        await connection.execute("SELECT FROM users WHERE id = $1 FOR SHARE", user.id)
        await connection.execute(
            "UPDATE cases SET owner_id = $1, version = version + 1 WHERE id = $2", user.id, case.id
        )
        task = asyncio.create_task(deleted_over_scim(house, user.id))
        await waits(task, connection)
    assert await task
    assert await owner_of(house.scim, case) is None
    assert (await house.events())["case.unassign", "success"] == 1


@pytest.mark.parametrize("door", [DELETING[0], DEACTIVATING[0]])
async def test_cases_given_while_somebody_leaves_are_nobodys_or_were_refused(
    house: House, user: Answer, door: Door
):
    await house.wanting("unassign_cases")
    cases = [await house.scim.make_case(owner=user.id if number % 2 else None) for number in range(12)]
    giving = [house.scim.patch(f"/Cases/{each.id}", replace("owner.value", user.id)) for each in cases]
    answers = await asyncio.gather(*giving[:6], door(house, user.id), *giving[6:])
    assert {answer.status for answer in answers if isinstance(answer, Answer)} <= {200, 400}
    assert [await owner_of(house.scim, case) for case in cases] == [None] * 12


async def waits(task: asyncio.Task[Any], connection: asyncpg.Connection) -> None:
    """Return when a statement of the task waits for what this connection holds."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while not await connection.fetchval(waiting + " AND datname = current_database()"):
        assert not task.done(), "it did not wait"
        await connection.execute("SELECT pg_stat_clear_snapshot()")
