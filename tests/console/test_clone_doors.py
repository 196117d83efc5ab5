"""Cloning at each of its doors (P6): the same clone, and nobody until it has an address of its own."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from scimserver.directory import cloning, users
from scimserver.directory.users import User
from scimserver.kernel.actor import Actor, ActorKind, Origin
from scimserver.kernel.ids import UserId, new_uuid
from scimserver.kernel.permissions import OF_ORGANIZATION
from scimserver.scim.actions import PASSWORD_REQUEST
from tests.commands import Commands
from tests.commands import clean_settings as clean_settings
from tests.leaving import House
from tests.people import ADA, OTHER, PASSWORD, Reception
from tests.serving import ENTERPRISE, replace

COPY = f"{ADA} (Copy 1)"
WORK = {"value": ADA, "type": "work", "primary": True}
COPIED: dict[str, Any] = {
    "name": {"givenName": "Ada", "familyName": "Lovelace"},
    "displayName": "Ada Lovelace",
    "title": "Agent",
    "timezone": "Europe/London",
    "phoneNumbers": [{"value": "+44 20 1234", "type": "work"}],
    "addresses": [{"locality": "London", "type": "work"}],
}
LEFT: dict[str, Any] = {"externalId": "00u1", "entitlements": [{"value": "seat"}]}
ENTERPRISES: dict[str, Any] = {ENTERPRISE: {"department": "Support", "employeeNumber": "1815"}}
OF_ONE_PERSON = {
    "credentials": "user_id",
    "sessions": "user_id",
    "password_resets": "user_id",
    "known_devices": "user_id",
    "sign_in_tries": "account",
    "cases": "owner_id",
}
"""Tables of what belongs to one person, by the column that says to whom."""


@dataclass(frozen=True, slots=True)
class Original:
    """Somebody with everything that a person can have, and the organisation."""

    front: Reception
    house: House
    user: User


@pytest_asyncio.fixture(loop_scope="session")
async def original(
    front: Reception, process_database_dsn: str, clean_settings: Callable[..., None]
) -> Original:
    clean_settings(SCIMSERVER_DATABASE_URL=process_database_dsn)
    scim = await front.installation.client(front.organization)
    emails = [WORK, {"value": "ada@home.test", "type": "home"}]
    ada = await front.person(ADA, emails=emails, **COPIED, **LEFT, **ENTERPRISES)
    await scim.make_group("Support", str(ada.id))
    await scim.make_case(owner=str(ada.id))
    await front.browser().sign_in()
    await front.browser().sign_in(password=OTHER)
    await front.link(ada)
    return Original(front, House(front.installation, scim, Commands(process_database_dsn)), ada)


async def over_scim(original: Original) -> str:
    return (await original.house.scim.post(f"/Users/{original.user.id}/.clone", {})).id


async def by_command(original: Original) -> str:
    result = await original.house.ran("user", "clone", ADA, "--json")
    return json.loads(result.stdout)["id"]


async def by_a_person(original: Original) -> str:
    organization = original.front.organization
    actor = Actor(
        kind=ActorKind.USER,
        organization=organization,
        permissions=OF_ORGANIZATION,
        user=UserId(new_uuid()),
    )
    async with original.front.installation.room.open(actor, Origin(request_id="of a person")) as work:
        return str((await cloning.clone(work, await users.get(work, original.user.id))).id)


Door = Callable[[Original], Awaitable[str]]
DOORS = pytest.mark.parametrize("door", [over_scim, by_command, by_a_person])


@DOORS
async def test_clone_is_the_same_at_every_door(original: Original, door: Door):
    made = (await original.house.scim.get(f"/Users/{await door(original)}")).json
    assert {name: made.get(name) for name in COPIED} == COPIED
    assert not made.keys() & LEFT.keys()
    assert made[ENTERPRISE] == {"department": "Support"}
    assert (made["userName"], made["active"]) == (COPY, True)
    assert made["emails"] == [{**WORK, "value": COPY}, {"value": "ada@home.test", "type": "home"}]
    assert [group["display"] for group in made["groups"]] == ["Support"]


@DOORS
async def test_clone_has_nothing_that_belongs_to_one_person(
    original: Original, connection: asyncpg.Connection, door: Door
):
    clone = UUID(await door(original))
    for table, column in OF_ONE_PERSON.items():
        asked = f"SELECT count(*) FROM {table} WHERE {column} = $1"
        owned = [await connection.fetchval(asked, user) for user in (original.user.id, clone)]
        assert (table, *owned) == (table, 1, 0)


@DOORS
async def test_clone_is_on_record_with_its_source(original: Original, door: Door):
    clone = await door(original)
    entries = await original.front.installation.log(original.front.organization, events=["user.clone"])
    [logged] = entries
    assert (logged.entry["outcome"], logged.entry["target"]["id"]) == ("success", clone)
    assert logged.entry["changes"][0]["path"] == "clonedFrom"
    assert logged.personal["changes.0.new"] == str(original.user.id)


# -- a placeholder is nobody -----------------------------------------------------------------


async def signed_in_on_the_page(front: Reception, name: str) -> bool:
    return (await front.browser().sign_in(name)).status == 303


async def signed_in_by_the_product(front: Reception, name: str) -> bool:
    body = json.dumps({"address": name, "password": PASSWORD}).encode()
    headers = {"Content-Type": "application/json"}
    async with front.installation.http.post("/session", data=body, headers=headers) as response:
        return response.status == 201


@pytest.mark.parametrize("signed_in", [signed_in_on_the_page, signed_in_by_the_product])
async def test_nobody_signs_in_as_a_clone_until_it_has_an_address(original: Original, signed_in: Any):
    clone = UserId(UUID(await over_scim(original)))
    async with original.front.work() as work:
        made = await users.get(work, clone)
    await original.front.give(made, PASSWORD)
    assert not await signed_in(original.front, COPY)
    await original.house.scim.patch(f"/Users/{clone}", replace("userName", "eve@example.com"))
    assert await signed_in(original.front, "eve@example.com")


async def link_over_scim(original: Original, clone: str) -> Any:
    body = {"schemas": [PASSWORD_REQUEST], "method": "email"}
    return (await original.house.scim.post(f"/Users/{clone}/.password", body)).status


async def link_by_command(original: Original, clone: str) -> Any:
    return (await original.house.ran("user", "reset-link", clone)).exit_code


async def invitation_by_command(original: Original, clone: str) -> Any:
    return (await original.house.ran("user", "reset-link", clone, "--invite")).exit_code


@pytest.mark.parametrize(
    "door,code", [(link_over_scim, 400), (link_by_command, 1), (invitation_by_command, 1)]
)
async def test_clone_is_mailed_no_link_until_it_has_an_address(
    original: Original, connection: asyncpg.Connection, door: Any, code: int
):
    clone = await over_scim(original)
    assert await door(original, clone) == code
    assert await connection.fetchval("SELECT count(*) FROM mail_jobs") == 0
    [failed] = await original.front.installation.log(
        original.front.organization, outcomes=["failure"], events=["password.mail_link"]
    )
    assert failed.entry["reason"] == "not_mailable"
    await original.house.scim.patch(f"/Users/{clone}", replace("userName", "eve@example.com"))
    assert await door(original, clone) in (0, 202)
