"""Reading one resource: representation, projection and versions (RFC 7644, sections 3.4.1, 3.9 and 3.14)."""

from typing import Any

import pytest

from tests.serving import BASE_URL, ENTERPRISE, USER, Answer, ScimClient, add, remove, replace

ALWAYS = {"schemas", "id"}
PLAIN = {"schemas", "id", "meta", "userName", "active", "emails", "roles", "timezone"}


async def test_user_shows_its_groups(scim: ScimClient):
    user = await scim.make_user()
    group = await scim.make_group("Support", user.id)
    assert (await scim.get(f"/Users/{user.id}")).json["groups"] == [
        {
            "value": group.id,
            "$ref": f"{BASE_URL}/Groups/{group.id}",
            "display": "Support",
            "type": "direct",
        }
    ]


async def test_user_without_groups_shows_none(scim: ScimClient):
    user = await scim.make_user()
    assert (await scim.get(f"/Users/{user.id}")).json.keys() == PLAIN


async def test_renamed_group_shows_its_new_name_everywhere(scim: ScimClient):
    user = await scim.make_user()
    group = await scim.make_group("Support", user.id)
    await scim.patch(f"/Groups/{group.id}", replace("displayName", "Care"))
    assert (await scim.get(f"/Users/{user.id}")).json["groups"][0]["display"] == "Care"


async def test_renamed_member_shows_the_new_name_everywhere(scim: ScimClient):
    user = await scim.make_user(displayName="Anna")
    group = await scim.make_group("Support", user.id)
    await scim.patch(f"/Users/{user.id}", replace("displayName", "Ann"))
    assert (await scim.get(f"/Groups/{group.id}")).json["members"][0]["display"] == "Ann"


async def test_password_is_in_no_answer(scim: ScimClient):
    user = await scim.make_user(password="seventeen blue socks")
    for answer in (
        user,
        await scim.get(f"/Users/{user.id}"),
        await scim.get(f"/Users/{user.id}", attributes="password"),
        await scim.get("/Users"),
        await scim.patch(f"/Users/{user.id}", replace("password", "seventeen blue socks 2")),
        await scim.put(f"/Users/{user.id}", {**user.json, "password": "seventeen blue socks 3"}),
    ):
        assert answer.status in (200, 201)
        assert "password" not in answer.text
        assert "socks" not in answer.text


PROJECTIONS: list[tuple[dict[str, str], set[str]]] = [
    ({"attributes": "userName"}, ALWAYS | {"userName"}),
    ({"attributes": "USERNAME,nothing"}, ALWAYS | {"userName"}),
    ({"attributes": "meta"}, ALWAYS | {"meta"}),
    ({"attributes": "groups"}, ALWAYS | {"groups"}),
    ({"attributes": f"{USER}:title"}, ALWAYS | {"title"}),
    ({"attributes": ENTERPRISE}, ALWAYS | {ENTERPRISE}),
    ({"attributes": f"{ENTERPRISE}:department"}, ALWAYS | {ENTERPRISE}),
    ({"attributes": "password"}, ALWAYS),
    ({"attributes": "name.givenName"}, ALWAYS | {"name"}),
    ({"excludedAttributes": "groups,emails"}, (PLAIN | {"title", "name", ENTERPRISE}) - {"emails"}),
    ({"excludedAttributes": "id,schemas"}, PLAIN | {"title", "name", "groups", ENTERPRISE}),
    ({"excludedAttributes": ENTERPRISE}, PLAIN | {"title", "name", "groups"}),
]


@pytest.fixture
def whole() -> dict[str, Any]:
    """The attributes of a user who has some of everything."""
    return {
        "title": "Agent",
        "name": {"givenName": "Anna", "familyName": "Berg"},
        ENTERPRISE: {"department": "Care", "division": "North"},
    }


async def member(scim: ScimClient, attributes: dict[str, Any]) -> Answer:
    """A user who is in a group."""
    user = await scim.make_user(**attributes)
    await scim.make_group("Support", user.id)
    return user


@pytest.mark.parametrize("parameters,expected", PROJECTIONS)
async def test_projection_leaves_what_is_asked_for(
    scim: ScimClient, whole: dict[str, Any], parameters: dict[str, str], expected: set[str]
):
    user = await member(scim, whole)
    assert (await scim.get(f"/Users/{user.id}", **parameters)).json.keys() == expected


async def test_projection_reaches_into_complex_attributes(scim: ScimClient, whole: dict[str, Any]):
    user = await member(scim, whole)
    asked = f"name.givenName,emails.value,{ENTERPRISE}:division"
    body = (await scim.get(f"/Users/{user.id}", attributes=asked)).json
    assert body["name"] == {"givenName": "Anna"}
    assert body["emails"] == [{"value": user.json["userName"]}]
    assert body[ENTERPRISE] == {"division": "North"}


@pytest.mark.parametrize("parameters", [{"attributes": "userName"}, {"excludedAttributes": "meta,emails"}])
async def test_projection_is_the_same_in_every_answer(scim: ScimClient, parameters: dict[str, str]):
    body = {"schemas": [USER], "userName": "anna@example.com"}
    made = await scim.request("POST", "/Users", body, params=parameters)
    path = f"/Users/{made.id}"
    patch = {"Operations": [replace("active", True)]}
    expected = (await scim.get(path, **parameters)).json
    assert made.json == expected
    assert (await scim.request("PUT", path, body, params=parameters)).json == expected
    assert (await scim.request("PATCH", path, patch, params=parameters)).json == expected
    assert (await scim.get("/Users", **parameters)).json["Resources"] == [expected]
    found = await scim.post("/Users/.search", {k: v.split(",") for k, v in parameters.items()})
    assert found.json["Resources"] == [expected]


async def test_projection_of_a_group_patch_answers_a_body(scim: ScimClient):
    group = await scim.make_group("Support")
    answer = await scim.request(
        "PATCH",
        f"/Groups/{group.id}",
        {"Operations": [replace("displayName", "Care")]},
        params={"attributes": "displayName"},
    )
    assert answer.status == 200
    assert answer.json == {"schemas": group.json["schemas"], "id": group.id, "displayName": "Care"}


@pytest.mark.parametrize("path", ["/Users/{id}", "/Users"])
@pytest.mark.parametrize(
    "parameters", [{"attributes": "userName", "excludedAttributes": "meta"}, {"attributes": "a b("}]
)
async def test_projection_that_makes_no_sense_is_refused(
    scim: ScimClient, path: str, parameters: dict[str, str]
):
    user = await scim.make_user()
    assert (await scim.get(path.format(id=user.id), **parameters)).status == 400


async def test_members_are_left_out_when_excluded(scim: ScimClient):
    user = await scim.make_user()
    group = await scim.make_group("Support", user.id)
    body = (await scim.get(f"/Groups/{group.id}", excludedAttributes="members")).json
    assert body.keys() == {"schemas", "id", "displayName", "meta"}


# -- versions -----------------------------------------------------------------


async def read(scim: ScimClient, user: Answer, **headers: str) -> Answer:
    """The answer to a GET with these headers."""
    return await scim.request(
        "GET", f"/Users/{user.id}", headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


async def test_tag_is_the_version_in_meta(scim: ScimClient):
    user = await scim.make_user()
    answer = await read(scim, user)
    assert answer.headers["ETag"] == answer.json["meta"]["version"]
    assert answer.headers["ETag"].startswith('W/"')


@pytest.mark.parametrize("form", ["{tag}", '"other", {tag}', "*", "{bare}"])
async def test_read_of_a_known_version_is_304(scim: ScimClient, form: str):
    user = await scim.make_user()
    tag = user.headers["ETag"]
    answer = await read(scim, user, If_None_Match=form.format(tag=tag, bare=tag.removeprefix("W/")))
    assert (answer.status, answer.text, answer.headers["ETag"]) == (304, "", tag)


@pytest.mark.parametrize("tag", ['W/"0"', '"x"', 'W/"1-00000000"', "nonsense", ""])
async def test_read_of_another_version_is_whole(scim: ScimClient, tag: str):
    user = await scim.make_user()
    assert (await read(scim, user, If_None_Match=tag)).status == 200


async def changed_by_joining(scim: ScimClient, user: Answer) -> None:
    await scim.make_group("Support", user.id)


async def changed_by_leaving(scim: ScimClient, user: Answer) -> None:
    group = user.json["groups"][0]["value"]
    await scim.patch(f"/Groups/{group}", remove("members"))


async def changed_by_a_name(scim: ScimClient, user: Answer) -> None:
    group = user.json["groups"][0]["value"]
    await scim.patch(f"/Groups/{group}", replace("displayName", "Renamed"))


async def changed_by_the_manager(scim: ScimClient, user: Answer) -> None:
    manager = user.json[ENTERPRISE]["manager"]["value"]
    await scim.patch(f"/Users/{manager}", replace("displayName", "Renamed"))


@pytest.mark.parametrize(
    "change", [changed_by_joining, changed_by_leaving, changed_by_a_name, changed_by_the_manager]
)
async def test_what_derives_from_elsewhere_is_in_the_tag_of_a_user(scim: ScimClient, change: Any):
    boss = await scim.make_user(displayName="Bo")
    made = await scim.make_user("anna@example.com", **{ENTERPRISE: {"manager": {"value": boss.id}}})
    await scim.make_group("First", made.id)
    user = await scim.get(f"/Users/{made.id}")
    await change(scim, user)
    answer = await read(scim, user, If_None_Match=user.headers["ETag"])
    assert answer.status == 200
    assert answer.json["meta"]["lastModified"] == user.json["meta"]["lastModified"]


async def test_names_of_members_are_in_the_tag_of_a_group(scim: ScimClient):
    user = await scim.make_user(displayName="Anna")
    group = await scim.make_group("Support", user.id)
    await scim.patch(f"/Users/{user.id}", replace("displayName", "Ann"))
    answer = await scim.request(
        "GET", f"/Groups/{group.id}", headers={"If-None-Match": group.headers["ETag"]}
    )
    assert answer.status == 200


WRITES: list[tuple[str, Any]] = [
    ("PUT", {"userName": "anna@example.com", "title": "Lead"}),
    ("PATCH", {"Operations": [replace("title", "Lead")]}),
    ("DELETE", None),
]


@pytest.mark.parametrize("method,body", WRITES)
@pytest.mark.parametrize("form", ["{tag}", "*", '"other", {tag}', "{bare}"])
async def test_write_on_the_right_condition_is_done(scim: ScimClient, method: str, body: Any, form: str):
    user = await scim.make_user("anna@example.com")
    tag = user.headers["ETag"]
    condition = {"If-Match": form.format(tag=tag, bare=tag.removeprefix("W/"))}
    answer = await scim.request(method, f"/Users/{user.id}", body, headers=condition)
    assert answer.status in (200, 204)


@pytest.mark.parametrize("method,body", WRITES)
@pytest.mark.parametrize("header", [("If-Match", 'W/"0"'), ("If-Match", "x"), ("If-None-Match", "*")])
async def test_write_on_the_wrong_condition_is_412(
    scim: ScimClient, method: str, body: Any, header: tuple[str, str]
):
    user = await scim.make_user("anna@example.com")
    answer = await scim.request(method, f"/Users/{user.id}", body, headers=dict([header]))
    assert answer.error == (412, None)
    assert (await scim.get(f"/Users/{user.id}")).json == user.json


async def test_write_on_an_old_version_is_412(scim: ScimClient):
    user = await scim.make_user()
    await scim.patch(f"/Users/{user.id}", replace("title", "Lead"))
    condition = {"If-Match": user.headers["ETag"]}
    answer = await scim.patch(f"/Users/{user.id}", replace("title", "Agent"), headers=condition)
    assert answer.error == (412, None)


async def test_condition_looks_at_the_user_alone_not_at_what_derives(scim: ScimClient):
    user = await scim.make_user()
    await scim.make_group("Support", user.id)
    condition = {"If-Match": user.headers["ETag"]}
    assert (await scim.patch(f"/Users/{user.id}", replace("title", "x"), headers=condition)).status == 200


async def test_condition_on_a_group_sees_changes_of_membership(scim: ScimClient):
    user, group = await scim.make_user(), await scim.make_group("Support")
    await scim.patch(f"/Groups/{group.id}", add("members", [{"value": user.id}]))
    condition = {"If-Match": group.headers["ETag"]}
    assert (await scim.delete(f"/Groups/{group.id}", headers=condition)).error == (412, None)


async def test_version_after_a_group_patch_is_the_one_that_is_read(scim: ScimClient):
    user, group = await scim.make_user(), await scim.make_group("Support")
    answer = await scim.patch(f"/Groups/{group.id}", add("members", [{"value": user.id}]))
    assert answer.status == 204
    assert answer.headers["ETag"] == (await scim.get(f"/Groups/{group.id}")).headers["ETag"]
