"""PUT (RFC 7644, section 3.5.1): what replaces, what is kept, what is ignored, what is refused."""

from typing import Any

import pytest

from tests.serving import ENTERPRISE, USER, Answer, ScimClient, fresh_address, replace

UNKNOWN = "0190b4f0-0000-7000-8000-000000000000"


async def put(scim: ScimClient, user: Answer, **attributes: Any) -> Answer:
    """The answer to a PUT of these attributes and the user's own name."""
    body = {"schemas": [USER], "userName": user.json["userName"], **attributes}
    return await scim.put(f"/Users/{user.id}", body)


async def test_put_answers_200_with_the_user_as_it_is_read_afterwards(scim: ScimClient):
    user = await scim.make_user(title="Agent")
    answer = await put(scim, user, title="Lead", name={"givenName": "Anna"})
    assert answer.status == 200
    assert answer.json["title"] == "Lead"
    assert answer.json == (await scim.get(f"/Users/{user.id}")).json


@pytest.mark.parametrize(
    "name,value",
    [
        ("title", "Agent"),
        ("name", {"givenName": "Anna"}),
        ("phoneNumbers", [{"value": "1", "type": "work"}]),
        ("externalId", "E-1"),
        (ENTERPRISE, {"department": "Care"}),
    ],
)
async def test_put_clears_what_it_leaves_out(scim: ScimClient, name: str, value: Any):
    user = await scim.make_user(**{name: value})
    answer = await put(scim, user)
    assert name not in answer.json
    assert answer.json["schemas"] == [USER]


@pytest.mark.parametrize(
    "name,value",
    [("active", False), ("timezone", "Asia/Tokyo"), ("roles", [{"value": "minimal permissions"}])],
)
@pytest.mark.parametrize("omission", [{}, {"value": None}])
async def test_put_keeps_what_silence_must_not_change(
    scim: ScimClient, name: str, value: Any, omission: dict[str, None]
):
    user = await scim.make_user(**{name: value})
    answer = await put(scim, user, **({name: omission["value"]} if omission else {}))
    assert answer.json[name] == value


async def test_put_sets_active_when_it_says_so(scim: ScimClient):
    user = await scim.make_user(active=False)
    assert (await put(scim, user, active=True)).json["active"] is True


async def test_put_replaces_a_list_as_a_whole(scim: ScimClient):
    user = await scim.make_user(phoneNumbers=[{"value": "1", "type": "work"}, {"value": "2"}])
    answer = await put(scim, user, phoneNumbers=[{"value": "3"}])
    assert answer.json["phoneNumbers"] == [{"value": "3"}]


@pytest.mark.parametrize(
    "name,value",
    [
        ("id", "chosen"),
        ("meta", {"created": "2001-01-01T00:00:00Z", "version": 'W/"9"'}),
        ("groups", [{"value": UNKNOWN}]),
    ],
)
async def test_put_ignores_what_only_the_server_assigns(scim: ScimClient, name: str, value: Any):
    user = await scim.make_user()
    answer = await put(scim, user, **{name: value})
    assert answer.status == 200
    assert answer.json.get(name) == user.json.get(name)


async def test_put_of_what_was_answered_changes_nothing(scim: ScimClient):
    boss = await scim.make_user(displayName="Bo Boss")
    made = await scim.make_user(
        "anna@example.com", title="Agent", **{ENTERPRISE: {"manager": {"value": boss.id}}}
    )
    await scim.make_group("Support", made.id)
    user = await scim.get(f"/Users/{made.id}")
    answer = await scim.put(f"/Users/{made.id}", user.json)
    assert answer.json == user.json
    assert answer.headers["ETag"] == user.headers["ETag"]


async def test_put_with_effect_gives_the_next_version_and_time(scim: ScimClient):
    user = await scim.make_user(title="Agent")
    answer = await put(scim, user, title="Lead")
    before, after = user.json["meta"], answer.json["meta"]
    assert before["version"] != after["version"] == answer.headers["ETag"]
    assert before["created"] == after["created"] <= after["lastModified"]


async def test_put_keeps_memberships(scim: ScimClient):
    user = await scim.make_user()
    group = await scim.make_group("Support", user.id)
    answer = await put(scim, user, title="Lead")
    assert [entry["value"] for entry in answer.json["groups"]] == [group.id]


@pytest.mark.parametrize("user_name", [None, "", " "])
async def test_put_without_a_user_name_is_refused(scim: ScimClient, user_name: str | None):
    user = await scim.make_user()
    answer = await scim.put(f"/Users/{user.id}", {"schemas": [USER], "userName": user_name})
    assert answer.error == (400, "invalidValue")
    assert (await scim.get(f"/Users/{user.id}")).json == user.json


async def test_put_to_a_taken_user_name_is_a_conflict(scim: ScimClient):
    taken, user = await scim.make_user(), await scim.make_user()
    assert (await put(scim, user, userName=taken.json["userName"])).error == (409, "uniqueness")


async def test_put_of_an_unknown_user_creates_nobody(scim: ScimClient):
    answer = await scim.put(f"/Users/{UNKNOWN}", {"userName": fresh_address()})
    assert answer.error == (404, None)
    assert (await scim.get("/Users")).json["totalResults"] == 0


async def test_put_of_an_empty_manager_ends_it(scim: ScimClient):
    boss = await scim.make_user()
    user = await scim.make_user(
        "anna@example.com", **{ENTERPRISE: {"manager": {"value": boss.id}, "division": "d"}}
    )
    answer = await put(scim, user, **{ENTERPRISE: {"division": "d"}})
    assert answer.json[ENTERPRISE] == {"division": "d"}


async def test_put_undoes_what_a_patch_did(scim: ScimClient):
    user = await scim.make_user(title="Agent")
    await scim.patch(f"/Users/{user.id}", replace("title", "Lead"), replace("nickName", "A"))
    answer = await scim.put(f"/Users/{user.id}", user.json)
    assert {**answer.json, "meta": None} == {**user.json, "meta": None}


async def test_put_of_a_group_replaces_name_and_members(scim: ScimClient):
    anna, bo = await scim.make_user(), await scim.make_user()
    group = await scim.make_group("Support", anna.id)
    answer = await scim.put(f"/Groups/{group.id}", {"displayName": "Sales", "members": [{"value": bo.id}]})
    assert (answer.status, answer.json["displayName"]) == (200, "Sales")
    assert [member["value"] for member in answer.json["members"]] == [bo.id]


async def test_put_of_a_group_without_members_empties_it(scim: ScimClient):
    user = await scim.make_user()
    group = await scim.make_group("Support", user.id)
    assert "members" not in (await scim.put(f"/Groups/{group.id}", {"displayName": "Support"})).json
    assert "groups" not in (await scim.get(f"/Users/{user.id}")).json


async def test_put_of_a_group_as_it_was_answered_changes_nothing(scim: ScimClient):
    user = await scim.make_user(displayName="Anna")
    group = await scim.make_group("Support", user.id)
    answer = await scim.put(f"/Groups/{group.id}", group.json)
    assert (answer.status, answer.json) == (200, group.json)


@pytest.mark.parametrize("name", [None, "", " "])
async def test_put_of_a_group_without_a_name_is_refused(scim: ScimClient, name: str | None):
    group = await scim.make_group("Support")
    assert (await scim.put(f"/Groups/{group.id}", {"displayName": name})).error == (400, "invalidValue")
