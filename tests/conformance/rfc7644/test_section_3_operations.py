"""RFC 7644, section 3: its examples of creating, retrieving, querying, deleting and versions."""

from typing import Any

import pytest

from tests.conformance.rfc_examples import free_client
from tests.serving import BASE_URL, LIST, USER, Answer, Installation, ScimClient

SEARCH_REQUEST = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

BJENSEN: dict[str, Any] = {
    "schemas": [USER],
    "userName": "bjensen",
    "externalId": "bjensen",
    "name": {"formatted": "Ms. Barbara J Jensen III", "familyName": "Jensen", "givenName": "Barbara"},
}


@pytest.fixture
async def free(installation: Installation) -> ScimClient:
    return await free_client(installation)


@pytest.fixture
async def bjensen(free: ScimClient) -> Answer:
    return await free.post("/Users", BJENSEN)


async def test_creating_answers_as_section_3_3_shows(bjensen: Answer) -> None:
    assert bjensen.status == 201
    location = f"{BASE_URL}/Users/{bjensen.id}"
    meta = bjensen.json["meta"]
    assert (bjensen.headers["Location"], meta["location"]) == (location, location)
    assert (bjensen.headers["ETag"], meta["resourceType"]) == (meta["version"], "User")
    assert {name: bjensen.json[name] for name in BJENSEN} == BJENSEN


async def test_creating_the_same_user_again_is_refused_as_section_3_3_says(
    free: ScimClient, bjensen: Answer
) -> None:
    assert (await free.post("/Users", BJENSEN)).error == (409, "uniqueness")


async def test_answer_is_of_the_media_type_of_section_3_1(bjensen: Answer) -> None:
    assert bjensen.headers["Content-Type"].startswith("application/scim+json")


async def test_retrieving_answers_what_section_3_4_1_shows(free: ScimClient, bjensen: Answer) -> None:
    read = await free.get(f"/Users/{bjensen.id}")
    assert (read.status, read.headers["ETag"], read.json) == (200, bjensen.headers["ETag"], bjensen.json)


async def test_query_for_one_attribute_lists_as_section_3_4_2_shows(free: ScimClient) -> None:
    made = [await free.make_user(name) for name in ("bjensen", "jsmith")]
    listed = (await free.get("/Users", attributes="userName")).json
    assert listed == {
        "schemas": [LIST],
        "totalResults": 2,
        "itemsPerPage": 2,
        "startIndex": 1,
        "Resources": listed["Resources"],
    }
    shown = {(one["id"], one["userName"]) for one in listed["Resources"]}
    assert shown == {(user.id, user.json["userName"]) for user in made}


async def test_query_for_one_attribute_leaves_the_others_out(free: ScimClient, bjensen: Answer) -> None:
    [only] = (await free.get("/Users", attributes="userName")).json["Resources"]
    assert only == {"schemas": [USER], "id": bjensen.id, "userName": "bjensen"}


async def test_query_that_matches_nothing_is_an_empty_list(free: ScimClient) -> None:
    answer = await free.find('userName eq "nobody"')
    assert (answer.status, answer.json["totalResults"], answer.json["Resources"]) == (200, 0, [])


@pytest.mark.parametrize(
    "parameters, names",
    [
        # Figures of section 3.4.2.4, over fewer users.
        ({"startIndex": "1", "count": "2"}, ["anna", "bob"]),
        ({"startIndex": "3", "count": "2"}, ["carol"]),
        ({"startIndex": "0", "count": "1"}, ["anna"]),
        ({"startIndex": "-5", "count": "1"}, ["anna"]),
        ({"startIndex": "9"}, []),
        ({"count": "0"}, []),
        ({"count": "-1"}, []),
        # Section 3.4.2.3.
        ({"sortOrder": "descending"}, ["carol", "bob", "anna"]),
    ],
)
async def test_page_holds_what_section_3_4_2_says(
    free: ScimClient, parameters: dict[str, str], names: list[str]
) -> None:
    for name in ("bob", "carol", "anna"):
        await free.make_user(name)
    answer = await free.get("/Users", **{"sortBy": "userName"} | parameters)
    listed = [user["userName"] for user in answer.json["Resources"]]
    assert (answer.json["totalResults"], listed) == (3, names)


async def test_search_at_the_root_finds_users_and_groups_as_section_3_4_3_shows(free: ScimClient) -> None:
    await free.make_user("dsmith", displayName="Smith, James")
    await free.make_user("other", displayName="Jones")
    await free.make_group("Smith Family")
    sent = {
        "schemas": [SEARCH_REQUEST],
        "attributes": ["displayName", "userName"],
        "filter": 'displayName sw "smith"',
        "startIndex": 1,
        "count": 10,
    }
    listed = (await free.post("/.search", sent)).json
    shown = [{key: one[key] for key in one if key not in ("id", "schemas")} for one in listed["Resources"]]
    assert listed["totalResults"] == 2
    assert sorted(shown, key=lambda one: one["displayName"]) == [
        {"displayName": "Smith Family"},
        {"displayName": "Smith, James", "userName": "dsmith"},
    ]


async def test_projection_of_one_user_is_as_section_3_9_shows(free: ScimClient, bjensen: Answer) -> None:
    read = await free.get(f"/Users/{bjensen.id}", attributes="userName")
    assert read.json == {"schemas": [USER], "id": bjensen.id, "userName": "bjensen"}


@pytest.mark.parametrize("name", ["userName", f"{USER}:userName", "USERNAME"])
async def test_attribute_may_be_written_as_section_3_10_says(
    free: ScimClient, bjensen: Answer, name: str
) -> None:
    read = await free.get(f"/Users/{bjensen.id}", attributes=name)
    assert read.json["userName"] == "bjensen"


async def test_deleting_the_version_that_was_read_is_as_section_3_6_shows(
    free: ScimClient, bjensen: Answer
) -> None:
    deleted = await free.delete(f"/Users/{bjensen.id}", headers={"If-Match": bjensen.headers["ETag"]})
    assert (deleted.status, deleted.text) == (204, "")


async def test_deleted_user_is_unknown_as_section_3_6_shows(free: ScimClient, bjensen: Answer) -> None:
    await free.delete(f"/Users/{bjensen.id}")
    assert (await free.get(f"/Users/{bjensen.id}")).error == (404, None)


async def test_unchanged_user_is_not_answered_again_as_section_3_14_shows(
    free: ScimClient, bjensen: Answer
) -> None:
    read = await free.request(
        "GET", f"/Users/{bjensen.id}", headers={"If-None-Match": bjensen.headers["ETag"]}
    )
    assert (read.status, read.text) == (304, "")


async def test_write_over_another_version_is_refused_as_section_3_14_says(
    free: ScimClient, bjensen: Answer
) -> None:
    answer = await free.put(f"/Users/{bjensen.id}", BJENSEN, headers={"If-Match": 'W/"a330bc54f0671c9"'})
    assert answer.error == (412, None)


async def test_unknown_resource_is_told_as_section_3_12_shows(free: ScimClient) -> None:
    unknown = "2819c223-7f76-453a-919d-413861904646"
    assert (await free.get(f"/Users/{unknown}")).error == (404, None)
