"""Searching end to end (RFC 7644, sections 3.4.2 and 3.4.3): filters, order, pages by index, the root."""

from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from scimserver.db.pool import Database, DatabaseSettings
from tests import serving
from tests.serving import ENTERPRISE, LIST, USER, Answer, ScimClient

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"

PEOPLE: list[dict[str, Any]] = [
    {
        "userName": "anna@example.com",
        "externalId": "E1",
        "displayName": "Anna Berg",
        "name": {"givenName": "Anna", "familyName": "Berg"},
        "title": "Agent",
        "emails": [
            {"value": "anna@example.com", "type": "work", "primary": True},
            {"value": "anna@home.test", "type": "home"},
        ],
        ENTERPRISE: {"department": "Care"},
    },
    {
        "userName": "bo@example.com",
        "externalId": "e1",
        "displayName": "bo",
        "name": {"givenName": "Bo"},
        "active": False,
        "emails": [
            {"value": "bo@example.com", "type": "home", "primary": True},
            {"value": "bo@work.test", "type": "work"},
        ],
        "phoneNumbers": [{"value": "1", "type": "work"}],
    },
    {"userName": "carl@example.com", "title": 'say "hi" 100%_\\', "locale": "de-DE"},
]
A, B, C = (person["userName"].partition("@")[0] for person in PEOPLE)


@pytest_asyncio.fixture(loop_scope="session")
async def people(scim: ScimClient) -> dict[str, Answer]:
    """The users by what stands before the @."""
    return {name: await scim.post("/Users", person) for name, person in zip((A, B, C), PEOPLE, strict=True)}


def names(answer: Answer) -> list[str]:
    """Who was found, by what stands before the @."""
    assert answer.status == 200, answer.text
    body = answer.json
    assert body["schemas"] == [LIST]
    assert body["itemsPerPage"] == len(body["Resources"])
    return [resource["userName"].partition("@")[0] for resource in body["Resources"]]


FILTERS: list[tuple[str, list[str]]] = [
    ('userName eq "anna@example.com"', [A]),
    ('userName eq "ANNA@Example.COM"', [A]),
    ('USERNAME Eq "anna@example.com"', [A]),
    (f'{USER}:userName eq "anna@example.com"', [A]),
    ('userName eq "nobody@example.com"', []),
    ('userName ne "anna@example.com"', [B, C]),
    ('userName co "A@"', [A]),
    ('userName sw "bo"', [B]),
    ('userName ew "example.com"', [A, B, C]),
    ('userName gt "bo@example.com"', [C]),
    ('userName ge "bo@example.com"', [B, C]),
    ('userName lt "bo@example.com"', [A]),
    ('userName le "bo@example.com"', [A, B]),
    ("title pr", [A, C]),
    ("not (title pr)", [B]),
    ('title eq "say \\"hi\\" 100%_\\\\"', [C]),
    ('title co "100%"', [C]),
    ('title co "_"', [C]),
    ('title co "%"', [C]),
    ("title eq null", [B]),
    ('externalId eq "E1"', [A]),
    ('externalId eq "e1"', [B]),
    ("active eq true", [A, C]),
    ("active eq false", [B]),
    ('name.familyName eq "berg"', [A]),
    ("name pr", [A, B]),
    ('displayName eq "ANNA BERG"', [A]),
    ('emails eq "bo@work.test"', [B]),
    ('emails.value co "home"', [A]),
    ('emails[type eq "work"].value eq "bo@work.test"', [B]),
    ('emails[type eq "work" and value co "bo"]', [B]),
    ('emails[type eq "home" and value co "example"]', [B]),
    ('emails.type eq "home" and emails.value co "home"', [A]),
    ('emails[primary eq true and value co "anna"]', [A]),
    ("phoneNumbers pr", [B]),
    (f'{ENTERPRISE}:department eq "care"', [A]),
    ('userName sw "anna" or userName sw "bo" and active eq true', [A]),
    ('(userName sw "anna" or userName sw "bo") and active eq true', [A]),
    ('(userName sw "anna" or userName sw "bo") and active eq false', [B]),
    ('meta.created gt "2020-01-01T00:00:00Z"', [A, B, C]),
    ('meta.lastModified lt "2020-01-01T00:00:00Z"', []),
    ('meta.resourceType eq "User"', [A, B, C]),
]


@pytest.mark.parametrize("condition,expected", FILTERS)
async def test_filter_finds(scim: ScimClient, people: dict[str, Answer], condition: str, expected: list[str]):
    answer = await scim.find(condition)
    assert sorted(names(answer)) == expected
    assert answer.json["totalResults"] == len(expected)


async def test_filter_by_id_finds(scim: ScimClient, people: dict[str, Answer]):
    assert names(await scim.find(f'id eq "{people[B].id}"')) == [B]


async def test_filter_by_group_finds_members(scim: ScimClient, people: dict[str, Answer]):
    group = await scim.make_group("Support", people[A].id, people[B].id)
    assert names(await scim.find(f'groups.value eq "{group.id}" and active eq true')) == [A]


async def test_filter_by_member_finds_groups(scim: ScimClient, people: dict[str, Answer]):
    group = await scim.make_group("Support", people[A].id)
    await scim.make_group("Sales", people[B].id)
    assert (await scim.find(f'members[value eq "{people[A].id}"]', "/Groups")).ids == [group.id]


async def test_filter_on_group_names_is_caseless(scim: ScimClient):
    group = await scim.make_group("Support")
    assert (await scim.find('displayName eq "SUPPORT"', "/Groups")).ids == [group.id]


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "userName",
        'userName eq "x',
        "userName eq x",
        'userName zz "x"',
        'userName eq "x" and',
        '(userName eq "x"',
        'nothing eq "x"',
        'name.nothing eq "x"',
        "active gt true",
        'active eq "maybe"',
        'meta.created gt "yesterday"',
        'emails[type eq "work"',
        'title[value eq "x"]',
        'urn:example:none:x eq "y"',
        'meta.location eq "x"',
        'userName eq "a\\u0000b"',
        "title eq 'x' ; DROP TABLE users",
        "not (" * 60 + 'userName eq "x"' + ")" * 60,
        " or ".join(['userName eq "x"'] * 500),
        'userName eq "' + "x" * 20_000 + '"',
    ],
)
async def test_filter_that_is_not_understood_is_refused(scim: ScimClient, condition: str):
    by_body = await scim.post("/Users/.search", {"schemas": [SEARCH], "filter": condition})
    assert by_body.error == (400, "invalidFilter")


@pytest.mark.parametrize("condition", ["userName zz", 'nothing eq "x"', 'userName eq "a\\u0000b"', ""])
async def test_filter_in_the_query_that_is_not_understood_is_refused(scim: ScimClient, condition: str):
    assert (await scim.find(condition)).error == (400, "invalidFilter")


@pytest.mark.parametrize("condition", ['password eq "x"', "password pr", 'PASSWORD eq "x"'])
async def test_filter_on_a_password_is_sensitive(scim: ScimClient, condition: str):
    assert (await scim.find(condition)).error == (403, "sensitive")


ORDERS: list[tuple[dict[str, str], list[str]]] = [
    ({}, [A, B, C]),
    ({"sortBy": "userName"}, [A, B, C]),
    ({"sortBy": "userName", "sortOrder": "ascending"}, [A, B, C]),
    ({"sortBy": "userName", "sortOrder": "descending"}, [C, B, A]),
    ({"sortBy": "displayName"}, [A, B, C]),
    ({"sortBy": "displayName", "sortOrder": "descending"}, [C, B, A]),
    ({"sortBy": "name.familyName"}, [A, B, C]),
    ({"sortBy": "title"}, [A, C, B]),
    ({"sortBy": "title", "sortOrder": "descending"}, [B, C, A]),
    ({"sortBy": "active"}, [B, A, C]),
    ({"sortBy": "meta.created", "sortOrder": "descending"}, [C, B, A]),
    ({"sortBy": "emails"}, [A, B, C]),
    ({"sortBy": f"{ENTERPRISE}:department"}, [A, B, C]),
    ({"sortOrder": "descending"}, [A, B, C]),
]


@pytest.mark.parametrize("parameters,expected", ORDERS)
async def test_sorting_orders(
    scim: ScimClient, people: dict[str, Answer], parameters: dict[str, str], expected: list[str]
):
    assert names(await scim.get("/Users", **parameters)) == expected


@pytest.mark.parametrize("attribute", ["nothing", "name", "groups", "title[", "emails.nothing"])
async def test_sorting_by_what_orders_nothing_is_refused(scim: ScimClient, attribute: str):
    assert (await scim.get("/Users", sortBy=attribute)).status == 400


PAGES: list[tuple[dict[str, str], list[str], int]] = [
    ({"startIndex": "1", "count": "2"}, [A, B], 1),
    ({"startIndex": "3", "count": "2"}, [C], 3),
    ({"startIndex": "2"}, [B, C], 2),
    ({"startIndex": "4"}, [], 4),
    ({"startIndex": "999999999"}, [], 999999999),
    ({"startIndex": "0", "count": "1"}, [A], 1),
    ({"startIndex": "-5", "count": "1"}, [A], 1),
    ({"count": "0"}, [], 1),
    ({"count": "-3"}, [], 1),
    ({"count": "100000"}, [A, B, C], 1),
]


@pytest.mark.parametrize("parameters,expected,start", PAGES)
async def test_page_by_index_holds(
    scim: ScimClient, people: dict[str, Answer], parameters: dict[str, str], expected: list[str], start: int
):
    answer = await scim.get("/Users", **parameters)
    assert names(answer) == expected
    assert (answer.json["totalResults"], answer.json["startIndex"]) == (3, start)


@pytest.mark.parametrize("parameters,expected,start", PAGES)
async def test_page_of_a_filtered_search_holds(
    scim: ScimClient, people: dict[str, Answer], parameters: dict[str, str], expected: list[str], start: int
):
    answer = await scim.find('userName ew "example.com"', **parameters)
    assert (names(answer), answer.json["totalResults"]) == (expected, 3)


@pytest.mark.parametrize(
    "parameters",
    [{"startIndex": "x"}, {"count": "x"}, {"count": "1.5"}, {"sortOrder": "sideways"}, {"count": ""}],
)
async def test_parameter_of_the_wrong_kind_is_refused(scim: ScimClient, parameters: dict[str, str]):
    assert (await scim.get("/Users", **parameters)).error == (400, "invalidValue")


@pytest.mark.parametrize("number", [str(2**31), str(2**63), "9" * 30])
@pytest.mark.parametrize("parameter", ["startIndex", "count"])
async def test_number_of_any_size_is_answered(scim: ScimClient, parameter: str, number: str):
    answer = await scim.get("/Users", **{parameter: number})
    assert (answer.status, answer.json["totalResults"]) == (200, 0)


async def test_empty_list_is_an_answer(scim: ScimClient):
    answer = await scim.get("/Users")
    assert answer.json == {
        "schemas": [LIST],
        "totalResults": 0,
        "itemsPerPage": 0,
        "startIndex": 1,
        "Resources": [],
    }


async def test_page_without_a_count_holds_a_hundred(scim: ScimClient):
    for number in range(101):
        await scim.post("/Groups", {"displayName": f"{number:03}"})
    answer = await scim.get("/Groups")
    assert (answer.json["itemsPerPage"], answer.json["totalResults"]) == (100, 101)


async def test_total_counts_what_was_created_and_deleted(scim: ScimClient, people: dict[str, Answer]):
    await scim.delete(f"/Users/{people[B].id}")
    assert (await scim.get("/Users", count="0")).json["totalResults"] == 2


async def test_listed_users_are_those_that_are_read(scim: ScimClient, people: dict[str, Answer]):
    await scim.make_group("Support", people[A].id)
    listed = (await scim.get("/Users")).json["Resources"]
    assert listed == [(await scim.get(f"/Users/{user['id']}")).json for user in listed]


async def test_search_by_body_is_the_same_as_by_query(scim: ScimClient, people: dict[str, Answer]):
    asked = {"filter": 'userName ew "example.com"', "sortBy": "userName", "sortOrder": "descending"}
    by_query = await scim.get("/Users", **asked, startIndex="2", count="1")
    by_body = await scim.post("/Users/.search", {"schemas": [SEARCH], **asked, "startIndex": 2, "count": 1})
    assert by_query.json == by_body.json
    assert names(by_body) == [B]


async def test_root_search_finds_all_types(scim: ScimClient, people: dict[str, Answer]):
    group = await scim.make_group("Anna's")
    answer = await scim.find('displayName sw "anna"', "/")
    assert {resource["meta"]["resourceType"] for resource in answer.json["Resources"]} == {"User", "Group"}
    assert set(answer.ids) == {people[A].id, group.id}


async def test_root_search_takes_what_a_type_does_not_have_as_without_value(
    scim: ScimClient, people: dict[str, Answer]
):
    await scim.make_group("Support")
    answer = await scim.post("/.search", {"schemas": [SEARCH], "filter": "userName pr", "sortBy": "userName"})
    assert names(answer) == [A, B, C]


async def test_root_search_by_type(scim: ScimClient, people: dict[str, Answer]):
    group = await scim.make_group("Support")
    assert (await scim.find('meta.resourceType eq "Group"', "/")).ids == [group.id]


async def test_root_search_pages_over_all_types(scim: ScimClient, people: dict[str, Answer]):
    group = await scim.make_group("Support")
    roles = (await scim.get("/Roles")).ids
    answers = [await scim.get("/", startIndex=str(start), count="3") for start in (1, 4)]
    assert {*answers[0].ids, *answers[1].ids} == {group.id, *roles, *(user.id for user in people.values())}
    assert [answer.json["totalResults"] for answer in answers] == [6, 6]


async def test_search_that_takes_too_long_is_refused(
    process_database_dsn: str, database: Database, connection: asyncpg.Connection
):
    settings = DatabaseSettings(dsn=process_database_dsn, search_timeout_ms=100)
    async with Database.open(settings) as impatient, serving.running(impatient) as installation:
        scim = await installation.client(await installation.organization())
        async with connection.transaction():
            await connection.execute("LOCK TABLE users")
            answer = await scim.find('title co "x"')
    assert answer.error == (400, "tooMany")


async def test_root_search_refuses_an_attribute_of_no_type(scim: ScimClient):
    assert (await scim.find('nothing eq "x"', "/")).error == (400, "invalidFilter")
