"""Values that no index or text of PostgreSQL could hold: refused, with the attribute named."""

from typing import Any

import pytest

from scimserver.directory.limits import MAX_KEY_OCTETS
from scimserver.directory.organizations import Addresses
from tests.serving import Installation, ScimClient, add, fresh_address

LONG = "x" * (MAX_KEY_OCTETS + 1)
LONG_WHEN_FOLDED = "İ" * (MAX_KEY_OCTETS // 2)
"""Two octets each; three, in lower case."""


@pytest.mark.parametrize("value", [LONG, LONG_WHEN_FOLDED])
@pytest.mark.parametrize(
    "attribute,body",
    [
        ("externalId", lambda value: {"externalId": value}),
        ("displayName", lambda value: {"displayName": value}),
        ("name.familyName", lambda value: {"name": {"familyName": value}}),
    ],
)
async def test_user_with_a_value_too_long_to_index_is_refused(
    scim: ScimClient, attribute: str, body: Any, value: str
):
    answer = await scim.post("/Users", {"userName": fresh_address(), **body(value)})
    assert answer.error == (400, "invalidValue")
    assert answer.json["detail"].startswith(attribute)
    assert (await scim.get("/Users")).json["totalResults"] == 0


async def test_user_name_too_long_to_index_is_refused_where_names_are_free(installation: Installation):
    organization = await installation.organization(addresses=Addresses.FREE)
    answer = await (await installation.client(organization)).post("/Users", {"userName": LONG})
    assert answer.error == (400, "invalidValue")


@pytest.mark.parametrize("attribute", ["displayName", "externalId"])
async def test_group_with_a_value_too_long_to_index_is_refused(scim: ScimClient, attribute: str):
    answer = await scim.post("/Groups", {"displayName": "Care", attribute: LONG})
    assert answer.error == (400, "invalidValue")
    assert answer.json["detail"].startswith(attribute)


async def test_value_that_just_fits_is_kept(scim: ScimClient):
    fits = "x" * MAX_KEY_OCTETS
    user = await scim.make_user(externalId=fits, displayName=fits, name={"familyName": fits})
    assert (await scim.find(f'externalId eq "{fits}"')).ids == [user.id]


@pytest.mark.parametrize("attribute", ["title", "nickName", "emails", "roles", "timezone"])
async def test_long_value_of_another_attribute_is_no_failure(scim: ScimClient, attribute: str):
    value: Any = "x" * 100_000
    if attribute in ("emails", "roles"):
        value = [{"value": value}]
    answer = await scim.post("/Users", {"userName": fresh_address(), attribute: value})
    assert answer.status in (201, 400)
    assert len(answer.text) < 1_000 or answer.status == 201


@pytest.mark.parametrize("path", ["emails", "addresses", "phoneNumbers"])
async def test_nul_in_the_filter_of_a_path_is_refused(scim: ScimClient, path: str):
    user = await scim.make_user()
    operation = {"op": "add", "path": f'{path}[type eq "\\u0000"].display', "value": "x"}
    if path == "addresses":
        operation["path"] = f'{path}[type eq "\\u0000"].formatted'
    assert (await scim.patch(f"/Users/{user.id}", operation)).error == (400, "invalidPath")
    keyed = {"op": "add", "value": {operation["path"]: "x"}}
    assert (await scim.patch(f"/Users/{user.id}", keyed)).error == (400, "invalidPath")


@pytest.mark.parametrize("half", ["\\ud9fd", "\\udc00", "a\\ud83dx"])
@pytest.mark.parametrize("form", ["path", "name"])
async def test_half_a_surrogate_pair_in_a_path_is_refused(scim: ScimClient, half: str, form: str):
    user = await scim.make_user()
    path = f'emails[value ne "{half}"].display'
    operation = (
        {"op": "add", "path": path, "value": "x"} if form == "path" else {"op": "add", "value": {path: "x"}}
    )
    assert (await scim.patch(f"/Users/{user.id}", operation)).error == (400, "invalidPath")


@pytest.mark.parametrize("path", ['members[value eq "\\ud9fd"]', 'members[display eq "\\ud9fd"]'])
async def test_half_a_surrogate_pair_names_no_member(scim: ScimClient, path: str):
    user = await scim.make_user()
    group = await scim.make_group("Support", user.id)
    answer = await scim.patch(f"/Groups/{group.id}", {"op": "remove", "path": path})
    assert answer.status in (204, 400), answer.text
    assert [each["value"] for each in (await scim.get(f"/Groups/{group.id}")).json["members"]] == [user.id]


async def test_whole_surrogate_pair_in_a_path_is_a_character(scim: ScimClient):
    user = await scim.make_user()
    operation = {"op": "add", "path": 'emails[type eq "\\ud83d\\ude00"].value', "value": "x@y"}
    answer = await scim.patch(f"/Users/{user.id}", operation)
    assert answer.json["emails"][-1] == {"type": "\U0001f600", "value": "x@y"}


async def test_backslash_before_u0000_in_a_path_is_no_nul(scim: ScimClient):
    user = await scim.make_user()
    operation = {"op": "add", "path": 'emails[type eq "\\\\u0000"].value', "value": "x@y"}
    answer = await scim.patch(f"/Users/{user.id}", operation)
    assert answer.json["emails"][-1] == {"type": "\\u0000", "value": "x@y"}


async def test_user_who_would_grow_without_end_is_refused(scim: ScimClient):
    user = await scim.make_user()
    photos = [{"value": digit * 100_000, "type": "photo"} for digit in "123"]
    first, second, third = [await scim.patch(f"/Users/{user.id}", add("photos", [each])) for each in photos]
    assert (first.status, second.status) == (200, 200)
    assert third.error == (400, "invalidValue")
    assert len((await scim.get(f"/Users/{user.id}")).json["photos"]) == 2


async def test_head_is_get_without_a_body(scim: ScimClient):
    user = await scim.make_user()
    for path in (f"/Users/{user.id}", "/Users", "/Schemas"):
        asked, told = await scim.request("HEAD", path), await scim.get(path)
        assert (asked.status, asked.text) == (200, "")
        assert asked.headers["Content-Length"] == told.headers["Content-Length"]
