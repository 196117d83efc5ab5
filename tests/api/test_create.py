"""POST /Users and /Groups (RFC 7644, section 3.3): what is answered, filled in, ignored and refused."""

from typing import Any
from uuid import UUID

import pytest

from tests.serving import BASE_URL, ENTERPRISE, USER, Answer, ScimClient, fresh_address

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"

WHOLE: dict[str, Any] = {
    "externalId": "E-1",
    "name": {
        "formatted": "Dr. Anna Maria Berg",
        "familyName": "Berg",
        "givenName": "Anna",
        "middleName": "Maria",
        "honorificPrefix": "Dr.",
        "honorificSuffix": "MBA",
    },
    "displayName": "Anna Berg",
    "nickName": "Anni",
    "profileUrl": "https://example.com/anna",
    "title": "Agent",
    "userType": "Employee",
    "preferredLanguage": "de-DE",
    "locale": "de-DE",
    "timezone": "Asia/Tokyo",
    "active": False,
    "emails": [
        {"value": "anna@example.com", "type": "work", "primary": True},
        {"value": "anna@elsewhere.test", "type": "home", "display": "at home"},
    ],
    "phoneNumbers": [{"value": "tel:+49-30-123", "type": "work"}],
    "ims": [{"value": "anna.berg", "type": "skype"}],
    "photos": [{"value": "https://example.com/anna.jpg", "type": "photo"}],
    "addresses": [
        {
            "streetAddress": "Hauptstr. 1",
            "locality": "Berlin",
            "region": "BE",
            "postalCode": "10115",
            "country": "Germany",
            "formatted": "Hauptstr. 1\n10115 Berlin",
            "type": "work",
        }
    ],
    "entitlements": [{"value": "phone"}],
    "roles": [{"value": "Minimal Permissions", "primary": True}],
    "x509Certificates": [{"value": "AQID", "type": "work"}],
}
CARE: dict[str, Any] = {
    "employeeNumber": "7",
    "costCenter": "c",
    "organization": "o",
    "division": "d",
    "department": "Care",
}


async def create(scim: ScimClient, **attributes: Any) -> Answer:
    return await scim.post("/Users", {"schemas": [USER], "userName": fresh_address(), **attributes})


async def test_create_answers_201_with_the_whole_user(scim: ScimClient):
    answer = await create(scim, userName="anna@example.com", **WHOLE)
    assert answer.status == 201
    assert answer.headers["Content-Type"].partition(";")[0] == "application/scim+json"
    body = answer.json
    assert {key: body[key] for key in WHOLE} == WHOLE
    assert body["userName"] == "anna@example.com"


async def test_create_keeps_an_extension_and_lists_it_in_schemas(scim: ScimClient):
    answer = await create(scim, schemas=[USER, ENTERPRISE], **{ENTERPRISE: CARE})
    assert answer.json[ENTERPRISE] == CARE
    assert set(answer.json["schemas"]) == {USER, ENTERPRISE}


@pytest.mark.parametrize("empty", [{}, {"department": None}, {"manager": {}}])
async def test_create_does_not_list_an_extension_without_values(scim: ScimClient, empty: dict[str, Any]):
    answer = await create(scim, schemas=[USER, ENTERPRISE], **{ENTERPRISE: empty})
    assert answer.json["schemas"] == [USER]
    assert ENTERPRISE not in answer.json


async def test_create_gives_an_id_and_meta(scim: ScimClient):
    answer = await create(scim)
    assert str(UUID(answer.id)) == answer.id
    meta = answer.json["meta"]
    assert meta["resourceType"] == "User"
    assert meta["created"] == meta["lastModified"]
    assert meta["location"] == f"{BASE_URL}/Users/{answer.id}"


async def test_create_says_where_the_user_is_and_which_version(scim: ScimClient):
    answer = await create(scim)
    meta = answer.json["meta"]
    assert answer.headers["Location"] == answer.headers["Content-Location"] == meta["location"]
    assert answer.headers["ETag"] == meta["version"]


async def test_create_is_readable_at_once_just_as_answered(scim: ScimClient):
    answer = await create(scim, **WHOLE)
    assert (await scim.get(f"/Users/{answer.id}")).json == answer.json


@pytest.mark.parametrize(
    "name,value",
    [
        ("id", "chosen"),
        ("meta", {"resourceType": "User", "created": "2001-01-01T00:00:00Z", "version": 'W/"9"'}),
        ("groups", [{"value": "0190b4f0-0000-7000-8000-000000000000", "display": "Admins"}]),
    ],
)
async def test_create_ignores_what_only_the_server_assigns(scim: ScimClient, name: str, value: Any):
    answer = await create(scim, **{name: value})
    assert answer.status == 201
    assert answer.json.get(name) != value


@pytest.mark.parametrize("unassigned", [None, []])
async def test_create_takes_null_and_an_empty_list_as_unassigned(scim: ScimClient, unassigned: Any):
    answer = await create(scim, phoneNumbers=unassigned, groups=unassigned, title=None)
    assert answer.status == 201
    assert not {"phoneNumbers", "groups", "title"} & answer.json.keys()


async def test_create_matches_names_of_attributes_without_case(scim: ScimClient):
    body = {"SCHEMAS": [USER], "USERNAME": "anna@example.com", "Name": {"FAMILYNAME": "Berg"}}
    answer = await scim.post("/Users", body)
    assert answer.json["userName"] == "anna@example.com"
    assert answer.json["name"] == {"familyName": "Berg"}


@pytest.mark.parametrize(
    "body",
    [
        {"schemas": [USER]},
        {"schemas": [USER], "userName": None},
        {"schemas": [USER], "userName": ""},
        {"schemas": [USER], "userName": " \t"},
    ],
)
async def test_create_without_a_user_name_is_refused(scim: ScimClient, body: dict[str, Any]):
    answer = await scim.post("/Users", body)
    assert answer.error == (400, "invalidValue")
    assert "userName" in answer.json["detail"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"active": "perhaps"},
        {"name": "Anna Berg"},
        {"emails": [{"value": "a@example.com", "primary": "perhaps"}]},
        {
            "emails": [
                {"value": "a@example.com", "primary": True},
                {"value": "b@example.com", "primary": True},
            ]
        },
        {"x509Certificates": [{"value": "not base64!"}]},
    ],
    ids=["boolean", "complex", "inner boolean", "two primaries", "binary"],
)
async def test_create_with_a_value_of_the_wrong_kind_is_refused(scim: ScimClient, attributes: dict[str, Any]):
    answer = await create(scim, **attributes)
    assert answer.status == 400
    assert answer.error[1] in {"invalidValue", "invalidSyntax"}


async def test_create_that_is_refused_creates_nobody(scim: ScimClient):
    await create(scim, timezone="Nowhere/Land")
    assert (await scim.get("/Users")).json["totalResults"] == 0


async def test_create_of_a_taken_user_name_is_a_conflict(scim: ScimClient):
    await create(scim, userName="anna@example.com")
    answer = await create(scim, userName="anna@example.com")
    assert answer.error == (409, "uniqueness")
    assert "userName" in answer.json["detail"]


async def test_create_does_not_ask_for_unique_external_ids(scim: ScimClient):
    await create(scim, externalId="same")
    assert (await create(scim, externalId="same")).status == 201


@pytest.mark.parametrize("media_type", ["application/json", "application/scim+json; charset=utf-8", ""])
async def test_create_reads_json_under_each_of_its_names(scim: ScimClient, media_type: str):
    body = {"schemas": [USER], "userName": fresh_address()}
    assert (await scim.post("/Users", body, **{"Content-Type": media_type})).status == 201


async def test_create_ignores_unknown_query_parameters(scim: ScimClient):
    answer = await scim.request(
        "POST", "/Users", {"userName": fresh_address()}, params={"aadOptscim062020": ""}
    )
    assert answer.status == 201


async def test_create_says_who_the_manager_is(scim: ScimClient):
    boss = await create(scim, displayName="Bo Boss")
    answer = await create(scim, **{ENTERPRISE: {"manager": {"value": boss.id}}})
    assert answer.json[ENTERPRISE]["manager"] == {
        "value": boss.id,
        "$ref": f"{BASE_URL}/Users/{boss.id}",
        "displayName": "Bo Boss",
    }


async def test_create_of_a_group_answers_it_with_its_members(scim: ScimClient):
    anna, bo = await create(scim, displayName="Anna"), await create(scim, displayName="Bo")
    body = {
        "schemas": [GROUP],
        "displayName": "Support",
        "externalId": "G-1",
        "members": [{"value": bo.id}, {"value": anna.id, "type": "User", "$ref": None}],
    }
    answer = await scim.post("/Groups", body)
    assert answer.status == 201
    assert answer.headers["Location"] == f"{BASE_URL}/Groups/{answer.id}"
    assert answer.json["displayName"] == "Support"
    assert answer.json["externalId"] == "G-1"
    assert {member["value"]: member for member in answer.json["members"]} == {
        user.id: {
            "value": user.id,
            "$ref": f"{BASE_URL}/Users/{user.id}",
            "display": name,
            "type": "User",
        }
        for user, name in ((anna, "Anna"), (bo, "Bo"))
    }


@pytest.mark.parametrize("members", [{}, {"members": []}, {"members": None}])
async def test_create_of_a_group_needs_no_members(scim: ScimClient, members: dict[str, Any]):
    answer = await scim.post("/Groups", {"displayName": "Empty", **members})
    assert answer.status == 201
    assert "members" not in answer.json


@pytest.mark.parametrize("name", [None, "", "  "])
async def test_create_of_a_group_without_a_name_is_refused(scim: ScimClient, name: str | None):
    answer = await scim.post("/Groups", {"schemas": [GROUP], "displayName": name})
    assert answer.error == (400, "invalidValue")
    assert "displayName" in answer.json["detail"]


@pytest.mark.parametrize("member", ["0190b4f0-0000-7000-8000-000000000000", "nobody", "' OR 1=1"])
async def test_create_of_a_group_with_an_unknown_member_is_refused(scim: ScimClient, member: str):
    answer = await scim.post("/Groups", {"displayName": "Support", "members": [{"value": member}]})
    assert answer.error == (400, "invalidValue")
    assert (await scim.get("/Groups")).json["totalResults"] == 0


async def test_create_does_not_ask_for_unique_group_names(scim: ScimClient):
    await scim.make_group("Support")
    assert (await scim.post("/Groups", {"displayName": "Support"})).status == 201
