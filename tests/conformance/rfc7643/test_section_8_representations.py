"""RFC 7643, section 8: the resources it shows can be created, and are read back as they were sent."""

from typing import Any

import pytest

from tests.conformance.rfc_examples import (
    ENTERPRISE_USER,
    FULL_USER,
    GROUP,
    GROUP_NAME,
    MANAGER,
    MEMBER_NAMES,
    MINIMAL_USER,
    free_client,
)
from tests.serving import BASE_URL, ENTERPRISE, USER, Answer, Installation, ScimClient

NEVER_ANSWERED = {"password"}


@pytest.fixture
async def free(installation: Installation) -> ScimClient:
    return await free_client(installation)


async def created(client: ScimClient, path: str, body: dict[str, Any]) -> Answer:
    answer = await client.post(path, body)
    assert answer.status == 201, answer.text
    return answer


@pytest.mark.parametrize(
    "sent", [MINIMAL_USER, FULL_USER, ENTERPRISE_USER], ids=["minimal", "full", "enterprise"]
)
async def test_user_is_read_back_as_it_was_sent(free: ScimClient, sent: dict[str, Any]) -> None:
    made = await created(free, "/Users", sent)
    read = (await free.get(f"/Users/{made.id}")).json
    kept = {name: value for name, value in sent.items() if name not in NEVER_ANSWERED}
    assert {name: read.get(name) for name in kept} == kept


async def test_answer_to_creating_a_user_is_what_is_read_back(free: ScimClient) -> None:
    made = await created(free, "/Users", ENTERPRISE_USER)
    assert (await free.get(f"/Users/{made.id}")).json == made.json


async def test_password_of_the_full_user_is_never_answered(free: ScimClient) -> None:
    made = await created(free, "/Users", FULL_USER)
    read = await free.get(f"/Users/{made.id}", attributes="password")
    assert "password" not in made.json.keys() | read.json.keys()


async def test_user_gets_what_the_service_provider_gives(free: ScimClient) -> None:
    made = await created(free, "/Users", FULL_USER)
    meta = made.json["meta"]
    assert meta == {
        "resourceType": "User",
        "created": meta["created"],
        "lastModified": meta["created"],
        "location": f"{BASE_URL}/Users/{made.id}",
        "version": made.headers["ETag"],
    }


async def test_enterprise_user_tells_who_the_manager_is(free: ScimClient) -> None:
    manager = await created(free, "/Users", MANAGER)
    extension = {**ENTERPRISE_USER[ENTERPRISE], "manager": {"value": manager.id}}
    made = await created(free, "/Users", {**ENTERPRISE_USER, ENTERPRISE: extension})
    assert made.json[ENTERPRISE]["manager"] == {
        "value": manager.id,
        "$ref": f"{BASE_URL}/Users/{manager.id}",
        "displayName": "John Smith",
    }


async def made_group(client: ScimClient) -> tuple[Answer, list[dict[str, str]]]:
    """The group of section 8.4, and its members as it has to tell them."""
    members = [
        {"value": person.id, "$ref": f"{BASE_URL}/Users/{person.id}", "display": name}
        for name in MEMBER_NAMES
        for person in [await created(client, "/Users", {"userName": name, "displayName": name})]
    ]
    body = {"schemas": [GROUP], "displayName": GROUP_NAME, "members": members}
    return await created(client, "/Groups", body), members


async def test_group_is_read_back_with_its_members(free: ScimClient) -> None:
    made, members = await made_group(free)
    read = (await free.get(f"/Groups/{made.id}")).json
    assert (read["displayName"], read["members"]) == (
        GROUP_NAME,
        [{**member, "type": "User"} for member in members],
    )


async def test_member_of_the_group_tells_the_group(free: ScimClient) -> None:
    made, members = await made_group(free)
    read = (await free.get(f"/Users/{members[0]['value']}")).json
    assert read["groups"] == [
        {
            "value": made.id,
            "$ref": f"{BASE_URL}/Groups/{made.id}",
            "display": GROUP_NAME,
            "type": "direct",
        }
    ]


@pytest.mark.parametrize("name, schema", [("User", USER), ("Group", GROUP)])
async def test_resource_type_is_as_section_8_6_shows_it(free: ScimClient, name: str, schema: str) -> None:
    shown = (await free.get(f"/ResourceTypes/{name}")).json
    assert (shown["id"], shown["name"], shown["endpoint"], shown["schema"], shown["meta"]) == (
        name,
        name,
        f"/{name}s",
        schema,
        {"resourceType": "ResourceType", "location": f"{BASE_URL}/ResourceTypes/{name}"},
    )
