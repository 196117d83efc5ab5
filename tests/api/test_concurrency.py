"""Eight clients at once: one of them wins where only one can, and nobody's change is lost."""

import asyncio
from collections import Counter
from uuid import UUID

import asyncpg
import pytest

from tests.serving import USER, Answer, Installation, ScimClient, add, fresh_address, remove, replace

CLIENTS = range(8)


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def version(answer: Answer) -> int:
    """The row's version, the first part of the tag."""
    return int(answer.headers["ETag"].removeprefix('W/"').rstrip('"').partition("-")[0])


async def outcomes(installation: Installation, scim: ScimClient) -> Counter[tuple[str, str]]:
    """How many log entries there are of each event and outcome."""
    entries = await installation.log(scim.organization)
    return Counter((entry.entry["event"], entry.entry["outcome"]) for entry in entries)


async def somebody_waits(connection: asyncpg.Connection) -> None:
    """Return when a statement of the application waits for what this connection holds."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    waiting += " AND datname = current_database()"
    while await connection.fetchval(waiting) == 0:
        # Statistics are read once per transaction otherwise.
        await connection.execute("SELECT pg_stat_clear_snapshot()")


async def test_creating_one_user_at_once_creates_it_once(installation: Installation, scim: ScimClient):
    body = {"schemas": [USER], "userName": "anna@example.com"}
    answers = await asyncio.gather(*(scim.post("/Users", body) for _ in CLIENTS))
    assert statuses(answers) == {201: 1, 409: 7}
    assert await outcomes(installation, scim) == {
        ("user.create", "success"): 1,
        ("user.create", "failure"): 7,
    }


async def test_creating_one_user_at_once_in_different_spellings_creates_it_once(scim: ScimClient):
    names = ["anna@example.com", "ANNA@example.com", "Anna@Example.Com", "anna@EXAMPLE.com"] * 2
    answers = await asyncio.gather(*(scim.post("/Users", {"userName": name}) for name in names))
    assert statuses(answers) == {201: 1, 409: 7}
    assert (await scim.get("/Users")).json["totalResults"] == 1


async def test_renaming_users_at_once_to_one_name_renames_one(scim: ScimClient):
    users = [await scim.make_user() for _ in CLIENTS]
    taken = replace("userName", "anna@example.com")
    answers = await asyncio.gather(*(scim.patch(f"/Users/{user.id}", taken) for user in users))
    assert statuses(answers) == {200: 1, 409: 7}


async def test_patching_one_user_at_once_loses_nothing(installation: Installation, scim: ScimClient):
    user = await scim.make_user()
    answers = await asyncio.gather(
        *(scim.patch(f"/Users/{user.id}", add("entitlements", [{"value": f"e{n}"}])) for n in CLIENTS)
    )
    assert statuses(answers) == {200: 8}
    after = await scim.get(f"/Users/{user.id}")
    assert {entry["value"] for entry in after.json["entitlements"]} == {f"e{n}" for n in CLIENTS}
    assert version(after) == version(user) + 8
    assert (await outcomes(installation, scim))["user.update", "success"] == 8


async def test_answers_to_patches_at_once_each_have_a_version_of_their_own(scim: ScimClient):
    user = await scim.make_user()
    answers = await asyncio.gather(
        *(scim.patch(f"/Users/{user.id}", replace("title", f"t{n}")) for n in CLIENTS)
    )
    assert sorted(map(version, answers)) == [version(user) + n for n in range(1, 9)]


async def test_patching_at_once_on_condition_changes_once(scim: ScimClient):
    user = await scim.make_user()
    condition = {"If-Match": user.headers["ETag"]}
    answers = await asyncio.gather(
        *(scim.patch(f"/Users/{user.id}", replace("title", f"t{n}"), headers=condition) for n in CLIENTS)
    )
    assert statuses(answers) == {200: 1, 412: 7}


async def test_deleting_one_user_at_once_deletes_it_once(installation: Installation, scim: ScimClient):
    user = await scim.make_user()
    answers = await asyncio.gather(*(scim.delete(f"/Users/{user.id}") for _ in CLIENTS))
    assert statuses(answers) == {204: 1, 404: 7}
    assert await outcomes(installation, scim) == {
        ("user.create", "success"): 1,
        ("user.delete", "success"): 1,
        ("user.delete", "failure"): 7,
    }


async def test_deleting_while_others_patch_leaves_no_half(installation: Installation, scim: ScimClient):
    user = await scim.make_user()
    path = f"/Users/{user.id}"
    *patches, deletion = await asyncio.gather(
        *(scim.patch(path, replace("title", f"t{n}")) for n in range(7)), scim.delete(path)
    )
    assert deletion.status == 204
    assert set(statuses(patches)) <= {200, 404}
    updates = await installation.log(scim.organization, events=["user.update"], outcomes=["success"])
    [gone] = await installation.log(scim.organization, events=["user.delete"])
    old = {
        change["path"]: gone.personal.get(f"changes.{n}.old")
        for n, change in enumerate(gone.entry["changes"])
    }
    assert old.get("title") == (updates[-1].personal["changes.0.new"] if updates else None)


async def test_deleting_on_condition_fails_when_another_writer_is_just_changing_the_user(
    scim: ScimClient, connection: asyncpg.Connection
):
    user = await scim.make_user()
    async with connection.transaction():
        await connection.execute("UPDATE users SET version = 2 WHERE id = $1", UUID(user.id))
        deletion = asyncio.create_task(
            scim.delete(f"/Users/{user.id}", headers={"If-Match": user.headers["ETag"]})
        )
        await somebody_waits(connection)
    assert (await deletion).error == (412, None)
    assert (await scim.get(f"/Users/{user.id}")).status == 200


async def test_deleting_a_group_on_condition_fails_when_another_writer_is_just_changing_it(
    scim: ScimClient, connection: asyncpg.Connection
):
    group = await scim.make_group("Support")
    async with connection.transaction():
        await connection.execute("UPDATE groups SET version = 2 WHERE id = $1", UUID(group.id))
        deletion = asyncio.create_task(
            scim.delete(f"/Groups/{group.id}", headers={"If-Match": group.headers["ETag"]})
        )
        await somebody_waits(connection)
    assert (await deletion).error == (412, None)


async def test_deleting_a_user_who_is_just_joining_a_group_changes_the_group(
    scim: ScimClient, connection: asyncpg.Connection
):
    user, group = await scim.make_user(), await scim.make_group("Support")
    joining = "INSERT INTO group_members SELECT org_id, $1, id, created FROM users WHERE id = $2"
    async with connection.transaction():
        await connection.execute(joining, UUID(group.id), UUID(user.id))
        deletion = asyncio.create_task(scim.delete(f"/Users/{user.id}"))
        await somebody_waits(connection)
    assert (await deletion).status == 204
    assert version(await scim.get(f"/Groups/{group.id}")) == version(group) + 1


async def test_deleting_on_condition_while_others_patch_deletes_only_what_was_seen(scim: ScimClient):
    users = [await scim.make_user() for _ in range(4)]
    pairs = [
        request
        for user in users
        for request in (
            scim.patch(f"/Users/{user.id}", replace("title", "Lead")),
            scim.delete(f"/Users/{user.id}", headers={"If-Match": user.headers["ETag"]}),
        )
    ]
    answers = await asyncio.gather(*pairs)
    for patch, deletion in zip(answers[::2], answers[1::2], strict=True):
        assert (patch.status, deletion.status) in {(200, 412), (404, 204)}


async def test_adding_members_to_one_group_at_once_loses_nobody(scim: ScimClient):
    group = await scim.make_group("Support")
    users = [await scim.make_user() for _ in CLIENTS]
    answers = await asyncio.gather(
        *(scim.patch(f"/Groups/{group.id}", add("members", [{"value": user.id}])) for user in users)
    )
    assert statuses(answers) == {204: 8}
    members = (await scim.get(f"/Groups/{group.id}")).json["members"]
    assert {member["value"] for member in members} == {user.id for user in users}


async def test_adding_one_member_at_once_adds_it_once(installation: Installation, scim: ScimClient):
    group, user = await scim.make_group("Support"), await scim.make_user()
    joining = add("members", [{"value": user.id}])
    answers = await asyncio.gather(*(scim.patch(f"/Groups/{group.id}", joining) for _ in CLIENTS))
    assert statuses(answers) == {204: 8}
    seen = await outcomes(installation, scim)
    assert (seen["group.update", "success"], seen["group.update", "noop"]) == (1, 7)


async def test_deleting_members_while_the_group_changes_leaves_no_dangling_member(scim: ScimClient):
    users = [await scim.make_user() for _ in range(4)]
    group = await scim.make_group("Support", *(user.id for user in users))
    path = f"/Groups/{group.id}"
    await asyncio.gather(
        *(scim.delete(f"/Users/{user.id}") for user in users),
        *(scim.patch(path, replace("displayName", f"Support {n}")) for n in range(4)),
    )
    assert "members" not in (await scim.get(path)).json
    assert (await scim.get("/Users")).json["totalResults"] == 0


@pytest.mark.parametrize("joining", ["add", "replace"])
async def test_a_user_deleted_while_joining_a_group_is_no_member(scim: ScimClient, joining: str):
    users = [await scim.make_user() for _ in range(4)]
    groups = [await scim.make_group(f"Group {n}") for n in range(4)]
    answers = await asyncio.gather(
        *(scim.delete(f"/Users/{user.id}") for user in users),
        *(
            scim.patch(
                f"/Groups/{group.id}", {"op": joining, "path": "members", "value": [{"value": user.id}]}
            )
            for user, group in zip(users, groups, strict=True)
        ),
    )
    assert {answer.status for answer in answers} <= {204, 400}
    for group in groups:
        assert "members" not in (await scim.get(f"/Groups/{group.id}")).json


async def test_leaving_and_joining_at_once_ends_with_the_last_word_of_each(scim: ScimClient):
    users = [await scim.make_user() for _ in CLIENTS]
    group = await scim.make_group("Support", *(user.id for user in users[:4]))
    path = f"/Groups/{group.id}"
    await asyncio.gather(
        *(scim.patch(path, remove(f'members[value eq "{user.id}"]')) for user in users[:4]),
        *(scim.patch(path, add("members", [{"value": user.id}])) for user in users[4:]),
    )
    members = (await scim.get(path)).json["members"]
    assert {member["value"] for member in members} == {user.id for user in users[4:]}


async def test_many_different_users_at_once_are_all_created(scim: ScimClient):
    names = [fresh_address() for _ in range(24)]
    answers = await asyncio.gather(*(scim.post("/Users", {"userName": name}) for name in names))
    assert statuses(answers) == {201: 24}
    assert (await scim.get("/Users")).json["totalResults"] == 24
