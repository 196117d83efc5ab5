"""DELETE (RFC 7644, section 3.6; rule P5): gone from every answer, and nothing left dangling."""

from typing import Any

import asyncpg
import pytest

from tests.serving import ENTERPRISE, Installation, ScimClient, replace


async def test_delete_answers_204_without_a_body(scim: ScimClient):
    user = await scim.make_user()
    answer = await scim.delete(f"/Users/{user.id}")
    assert (answer.status, answer.text) == (204, "")
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize(
    "method,body",
    [
        ("GET", None),
        ("PUT", {"userName": "anna@example.com"}),
        ("PATCH", {"Operations": [replace("title", "x")]}),
        ("DELETE", None),
    ],
)
async def test_deleted_user_is_not_found(scim: ScimClient, method: str, body: Any):
    user = await scim.make_user("anna@example.com")
    await scim.delete(f"/Users/{user.id}")
    assert (await scim.request(method, f"/Users/{user.id}", body)).error == (404, None)


@pytest.mark.parametrize("condition", ["userName pr", 'userName eq "anna@example.com"', "active eq true"])
async def test_deleted_user_is_in_no_list(scim: ScimClient, condition: str):
    user = await scim.make_user("anna@example.com")
    await scim.delete(f"/Users/{user.id}")
    assert (await scim.find(condition)).json["totalResults"] == 0
    assert (await scim.get("/Users")).json["totalResults"] == 0


async def test_address_of_a_deleted_user_is_free(scim: ScimClient):
    user = await scim.make_user("anna@example.com")
    await scim.delete(f"/Users/{user.id}")
    again = await scim.make_user("anna@example.com")
    assert again.id != user.id


async def test_deleted_user_is_in_no_group(scim: ScimClient):
    anna, bo = await scim.make_user(), await scim.make_user()
    group = await scim.make_group("Support", anna.id, bo.id)
    await scim.delete(f"/Users/{anna.id}")
    members = (await scim.get(f"/Groups/{group.id}")).json["members"]
    assert [member["value"] for member in members] == [bo.id]


async def test_deleting_a_member_is_a_change_of_the_group(scim: ScimClient):
    user = await scim.make_user()
    group = await scim.make_group("Support", user.id)
    await scim.delete(f"/Users/{user.id}")
    after = await scim.get(f"/Groups/{group.id}")
    assert after.headers["ETag"] != group.headers["ETag"]
    assert after.json["meta"]["lastModified"] >= group.json["meta"]["lastModified"]


async def test_deleting_a_user_leaves_other_groups_alone(scim: ScimClient):
    user = await scim.make_user()
    group = await scim.make_group("Support")
    await scim.delete(f"/Users/{user.id}")
    assert (await scim.get(f"/Groups/{group.id}")).json == group.json


async def test_deleting_a_member_is_on_record_with_each_group(installation: Installation, scim: ScimClient):
    user = await scim.make_user("anna@example.com")
    groups = [await scim.make_group(name, user.id) for name in ("Support", "Sales")]
    answer = await scim.delete(f"/Users/{user.id}")
    logged = await installation.log(scim.organization, request_id=answer.headers["X-Request-Id"])
    left = [entry for entry in logged if entry.entry["event"] == "group.update"]
    assert {entry.entry["target"]["id"] for entry in left} == {group.id for group in groups}
    for entry in left:
        assert entry.entry["changes"][0]["path"] == "members"
        assert entry.personal["changes.0.old"] == [{"value": user.id}]


async def test_manager_who_is_deleted_is_not_named_any_more(scim: ScimClient):
    boss = await scim.make_user(displayName="Bo Boss")
    user = await scim.make_user("anna@example.com", **{ENTERPRISE: {"manager": {"value": boss.id}}})
    await scim.delete(f"/Users/{boss.id}")
    after = await scim.get(f"/Users/{user.id}")
    assert "$ref" not in after.json[ENTERPRISE]["manager"]
    assert "displayName" not in after.json[ENTERPRISE]["manager"]


async def test_deleting_a_user_leaves_no_row_of_it(scim: ScimClient, connection: asyncpg.Connection):
    user = await scim.make_user()
    await scim.make_group("Support", user.id)
    await scim.delete(f"/Users/{user.id}")
    for table in ("users", "credentials", "group_members"):
        assert await connection.fetchval("SELECT count(*) FROM " + table) == 0


async def test_deletion_is_announced(scim: ScimClient, connection: asyncpg.Connection):
    user = await scim.make_user()
    await scim.delete(f"/Users/{user.id}")
    topics = await connection.fetch("SELECT topic FROM outbox ORDER BY id")
    assert [row["topic"] for row in topics] == ["user.created", "user.deleted"]


@pytest.mark.parametrize("user", ["0190b4f0-0000-7000-8000-000000000000", "nobody"])
async def test_deleting_nobody_is_not_found(scim: ScimClient, user: str):
    assert (await scim.delete(f"/Users/{user}")).error == (404, None)


UNREADABLE = """
    SET document = convert_to((convert_from(document, 'UTF8')::jsonb || '{"externalId": [1]}')::text, 'UTF8')
"""


@pytest.mark.parametrize("table", ["users", "groups"])
@pytest.mark.parametrize("condition", [{}, {"If-Match": "*"}])
async def test_resource_that_the_models_would_refuse_can_be_deleted(
    scim: ScimClient, connection: asyncpg.Connection, table: str, condition: dict[str, str]
):
    user = await scim.make_user()
    group = await scim.make_group("Support", user.id)
    path = {"users": f"/Users/{user.id}", "groups": f"/Groups/{group.id}"}[table]
    await connection.execute("UPDATE " + table + UNREADABLE)
    assert (await scim.delete(path, headers=condition)).status == 204
    assert (await scim.get(path)).error == (404, None)


CONDITIONS = [
    ({"If-Match": "{tag}"}, 204),
    ({"If-Match": 'W/"1"'}, 204),
    ({"If-Match": 'W/"2"'}, 412),
    ({"If-Match": "*", "If-None-Match": 'W/"1"'}, 204),
    ({"If-None-Match": 'W/"1-00000000"'}, 204),
    ({"If-None-Match": "{tag}"}, 412),
    ({"If-Match": "{tag}", "If-None-Match": "{tag}"}, 412),
    ({"If-None-Match": "*"}, 412),
]
"""If-Match looks at the version, If-None-Match at the whole tag, with what derives from elsewhere."""


@pytest.mark.parametrize("conditions,status", CONDITIONS)
async def test_group_is_deleted_on_condition(scim: ScimClient, conditions: dict[str, str], status: int):
    user = await scim.make_user()
    group = await scim.make_group("Support", user.id)
    sent = {name: value.format(tag=group.headers["ETag"]) for name, value in conditions.items()}
    assert (await scim.delete(f"/Groups/{group.id}", headers=sent)).status == status
    assert (await scim.get(f"/Groups/{group.id}")).status == (404 if status == 204 else 200)


async def test_deleting_a_group_leaves_its_members(scim: ScimClient):
    user = await scim.make_user()
    group = await scim.make_group("Support", user.id)
    assert (await scim.delete(f"/Groups/{group.id}")).status == 204
    assert (await scim.get(f"/Groups/{group.id}")).error == (404, None)
    after = await scim.get(f"/Users/{user.id}")
    assert after.json == user.json
