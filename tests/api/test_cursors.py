"""Pages by cursor (RFC 9865): forwards and backwards, stable while users change, worth nothing elsewhere."""

import asyncio
import re
from collections.abc import Callable

import pytest

from tests.serving import Answer, Installation, ScimClient

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


async def people(scim: ScimClient, count: int = 5) -> list[str]:
    """The ids of users, in the order of their names."""
    answers = await asyncio.gather(
        *(
            scim.make_user(f"user-{number}@example.com", title="x" if number % 2 else None)
            for number in range(count)
        )
    )
    return [answer.id for answer in answers]


async def pages(scim: ScimClient, path: str = "/Users", **parameters: str) -> list[Answer]:
    """All pages, from the first to the last."""
    answers = [await scim.get(path, cursor="", **parameters)]
    while "nextCursor" in answers[-1].json:
        answers.append(await scim.get(path, cursor=answers[-1].json["nextCursor"], **parameters))
    return answers


@pytest.mark.parametrize("parameters", [{}, {"sortBy": "userName"}, {"filter": "userName pr"}])
async def test_cursors_lead_over_every_resource_once(scim: ScimClient, parameters: dict[str, str]):
    ids = await people(scim)
    found = await pages(scim, count="2", **parameters)
    assert [len(page.ids) for page in found] == [2, 2, 1]
    assert sorted(user for page in found for user in page.ids) == sorted(ids)


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("attribute", ["userName", "title", "active", "meta.created", "meta.lastModified"])
async def test_cursors_keep_the_order_that_index_paging_has(scim: ScimClient, attribute: str, order: str):
    await people(scim)
    sorting = {"sortBy": attribute, "sortOrder": order}
    found = await pages(scim, count="2", **sorting)
    assert [user for page in found for user in page.ids] == (await scim.get("/Users", **sorting)).ids


async def test_cursors_lead_back(scim: ScimClient):
    await people(scim)
    first, second, third = await pages(scim, count="2")
    assert "previousCursor" not in first.json
    back = await scim.get("/Users", count="2", cursor=third.json["previousCursor"])
    assert back.ids == second.ids
    assert (await scim.get("/Users", count="2", cursor=back.json["previousCursor"])).ids == first.ids


async def test_page_by_cursor_has_no_index(scim: ScimClient):
    await people(scim, 2)
    body = (await scim.get("/Users", cursor="", count="1")).json
    assert "startIndex" not in body
    assert (body["itemsPerPage"], body["totalResults"]) == (1, 2)


async def test_later_page_leaves_out_what_it_does_not_know(scim: ScimClient):
    await people(scim, 3)
    for page in await pages(scim, count="1", filter="userName pr"):
        assert page.json.get("totalResults", 3) == 3


async def test_cursor_holds_only_unreserved_characters(scim: ScimClient):
    await people(scim, 2)
    cursor = (await scim.get("/Users", cursor="", count="1")).json["nextCursor"]
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", cursor)


async def test_cursor_tells_nothing(scim: ScimClient):
    ids = await people(scim, 2)
    cursor = (await scim.get("/Users", cursor="", count="1", sortBy="userName")).json["nextCursor"]
    assert not any(part in cursor for part in ("user-", "example", ids[0]))


async def test_page_of_none_has_no_cursor(scim: ScimClient):
    await people(scim, 2)
    body = (await scim.get("/Users", cursor="", count="0")).json
    assert body["Resources"] == []
    assert "nextCursor" not in body


async def test_deleted_anchor_does_not_break_the_next_page(scim: ScimClient):
    await people(scim)
    first = await scim.get("/Users", cursor="", count="2")
    await scim.delete(f"/Users/{first.ids[-1]}")
    rest = await scim.get("/Users", cursor=first.json["nextCursor"], count="2")
    assert len(rest.ids) == 2
    assert not set(rest.ids) & set(first.ids)


async def test_new_resource_does_not_shift_the_next_page(scim: ScimClient):
    await people(scim, 4)
    first = await scim.get("/Users", cursor="", count="2", sortBy="userName")
    await scim.make_user("aaa@example.com")
    rest = await scim.get("/Users", cursor=first.json["nextCursor"], count="2", sortBy="userName")
    assert not set(rest.ids) & set(first.ids)


async def test_search_by_body_pages_by_cursor_too(scim: ScimClient):
    await people(scim, 3)
    first = await scim.post("/Users/.search", {"schemas": [SEARCH], "cursor": "", "count": 2})
    cursor = first.json["nextCursor"]
    rest = await scim.post("/Users/.search", {"schemas": [SEARCH], "cursor": cursor, "count": 2})
    assert not set(rest.ids) & set(first.ids)
    assert len(rest.ids) == 1


async def test_root_search_pages_by_cursor_too(scim: ScimClient):
    ids = await people(scim, 3)
    group = await scim.make_group("Support")
    roles = (await scim.get("/Roles")).ids
    found = await pages(scim, "/", count="1")
    assert {each for page in found for each in page.ids} == {*ids, group.id, *roles}


OTHERS: list[tuple[str, str, dict[str, str]]] = [
    ("another filter", "/Users", {"filter": "title pr"}),
    ("no filter", "/Users", {}),
    ("another order", "/Users", {"filter": "userName pr", "sortBy": "userName"}),
    ("another type", "/Groups", {"filter": "displayName pr"}),
    ("another projection", "/Users", {"filter": "userName pr", "attributes": "userName"}),
]


@pytest.mark.parametrize("path,parameters", [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS])
async def test_cursor_serves_only_the_search_it_was_made_for(
    scim: ScimClient, path: str, parameters: dict[str, str]
):
    await people(scim, 2)
    cursor = (await scim.find("userName pr", cursor="", count="1")).json["nextCursor"]
    assert (await scim.get(path, cursor=cursor, count="1", **parameters)).error == (400, "invalidCursor")


async def test_cursor_serves_only_the_count_it_was_made_for(scim: ScimClient):
    await people(scim, 2)
    cursor = (await scim.get("/Users", cursor="", count="1")).json["nextCursor"]
    assert (await scim.get("/Users", cursor=cursor, count="2")).error == (400, "invalidCount")


async def test_cursor_of_another_organization_is_worth_nothing(installation: Installation, scim: ScimClient):
    await people(scim, 2)
    other = await installation.client(await installation.organization(domain="example.org"))
    for number in range(2):
        await other.make_user(f"user-{number}@example.org")
    cursor = (await scim.get("/Users", cursor="", count="1")).json["nextCursor"]
    assert (await other.get("/Users", cursor=cursor, count="1")).error == (400, "invalidCursor")


async def test_cursor_serves_every_connection_of_its_organization(
    installation: Installation, scim: ScimClient
):
    await people(scim, 2)
    second = await installation.client(scim.organization)
    cursor = (await scim.get("/Users", cursor="", count="1")).json["nextCursor"]
    assert len((await second.get("/Users", cursor=cursor, count="1")).ids) == 1


@pytest.mark.parametrize(
    "forge",
    [lambda _: "x", lambda cursor: cursor[:-4], lambda cursor: cursor[::-1], lambda cursor: cursor * 2],
    ids=["made up", "cut off", "turned round", "doubled"],
)
async def test_forged_cursor_is_refused(scim: ScimClient, forge: Callable[[str], str]):
    await people(scim, 2)
    cursor = (await scim.get("/Users", cursor="", count="1")).json["nextCursor"]
    answer = await scim.get("/Users", cursor=forge(cursor), count="1")
    assert answer.error == (400, "invalidCursor")


async def test_cursor_and_index_together_are_refused(scim: ScimClient):
    assert (await scim.get("/Users", cursor="", startIndex="1")).error == (400, "invalidValue")
