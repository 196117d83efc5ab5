"""A provider that removes many users is paused at every door of SCIM, told why, and put on record (P11)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from scimserver.directory import removals
from scimserver.directory.removals import RemovalLimit
from scimserver.kernel.actor import Origin, operator
from tests.commands import clean_settings as clean_settings
from tests.doors import FORMS, Form
from tests.leaving import Door, House, deactivated_by_a_file, deactivated_by_command, deleted_by_command
from tests.leaving import house as house
from tests.serving import ENTERPRISE, USER, Answer, Installation, ScimClient, replace

ORIGIN = Origin(request_id="tests")
Way = Callable[[ScimClient, Answer], Awaitable[Answer]]


async def deleted(scim: ScimClient, user: Answer) -> Answer:
    return await scim.delete(f"/Users/{user.id}")


async def deactivated_by_path(scim: ScimClient, user: Answer) -> Answer:
    return await scim.patch(f"/Users/{user.id}", replace("active", False))


def deactivated(form: Form) -> Way:
    async def way(scim: ScimClient, user: Answer) -> Answer:
        return await scim.patch(f"/Users/{user.id}", form("active", False))

    return way


async def deactivated_as_entra_does(scim: ScimClient, user: Answer) -> Answer:
    return await scim.patch(f"/Users/{user.id}", {"op": "Replace", "path": "active", "value": "False"})


async def deactivated_beside_others(scim: ScimClient, user: Answer) -> Answer:
    operations = replace("title", "Former"), replace("active", False), replace("displayName", "Nobody")
    return await scim.patch(f"/Users/{user.id}", *operations)


async def replaced(scim: ScimClient, user: Answer) -> Answer:
    return await scim.put(f"/Users/{user.id}", {**user.json, "active": False, "title": "Former"})


WAYS: dict[str, Way] = {
    "DELETE": deleted,
    "PUT": replaced,
    "as Entra does": deactivated_as_entra_does,
    "beside others": deactivated_beside_others,
    **{f"PATCH {name}": deactivated(form) for name, form in FORMS.items()},
}
DOORS = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@pytest_asyncio.fixture(loop_scope="session")
async def provider(installation: Installation) -> ScimClient:
    """A connection that may remove one user an hour."""
    organization = await installation.organization()
    return await installation.client(organization, removal_limit=RemovalLimit(count=1, percent=0))


async def resume(installation: Installation, scim: ScimClient) -> None:
    async with installation.room.open(operator("tests", scim.organization), ORIGIN) as work:
        await removals.resume(work, scim.connection.id, scim.connection.name)


@DOORS
async def test_removal_beyond_the_limit_is_refused_and_changes_nothing(provider: ScimClient, way: Way):
    first, second = [await provider.make_user(title="Agent") for _ in range(2)]
    group = await provider.make_group("Support", second.id)
    second = await provider.get(f"/Users/{second.id}")
    assert (await way(provider, first)).status in (200, 204)
    refused = await way(provider, second)
    assert refused.error == (403, None)
    assert (await provider.get(f"/Users/{second.id}")).json == second.json
    assert (await provider.get(f"/Groups/{group.id}")).json == group.json


@DOORS
async def test_refused_removal_is_in_the_log_with_its_reason(
    installation: Installation, provider: ScimClient, way: Way
):
    first, second = [await provider.make_user(title="Agent") for _ in range(2)]
    await way(provider, first)
    request_id = (await way(provider, second)).headers["X-Request-Id"]
    pause, entry = await installation.log(provider.organization, request_id=request_id)
    assert pause.entry["event"] == "connection.pause"
    assert (entry.entry["outcome"], entry.entry["reason"]) == ("failure", "provider_paused")
    assert entry.entry["event"] == ("user.delete" if way is deleted else "user.update")
    assert entry.entry["target"]["id"] == second.id
    assert entry.personal["target.display"] == second.json["userName"]
    assert "active" in [change["path"] for change in entry.entry["changes"]]


@DOORS
async def test_removal_passes_when_an_administrator_agreed(
    installation: Installation, provider: ScimClient, way: Way
):
    users = [await provider.make_user() for _ in range(3)]
    await way(provider, users[0])
    assert (await way(provider, users[1])).status == 403
    await resume(installation, provider)
    assert (await way(provider, users[1])).status in (200, 204)
    assert (await way(provider, users[2])).status == 403


@pytest.mark.parametrize("door", [deleted_by_command, deactivated_by_command, deactivated_by_a_file])
async def test_operator_removes_also_who_a_paused_provider_may_not(house: House, door: Door):
    provider = await house.installation.client(
        house.scim.organization, removal_limit=RemovalLimit(count=0, percent=0)
    )
    first, second = [await provider.make_user() for _ in range(2)]
    assert (await deleted(provider, first)).status == 403
    assert await door(house, first.id)
    assert await door(house, second.id)


async def test_refusal_tells_the_provider_what_to_do_and_not_to_hurry(provider: ScimClient):
    first, second = [await provider.make_user() for _ in range(2)]
    await deleted(provider, first)
    answer = await deleted(provider, second)
    assert "Retry-After" not in answer.headers
    for said in (
        "as many users within an hour as it may: 1",
        "Nothing was changed",
        "scimserver connection resume org-",
    ):
        assert said in answer.json["detail"]


async def test_paused_provider_still_creates_changes_and_reads(provider: ScimClient):
    first, second = [await provider.make_user() for _ in range(2)]
    await deleted(provider, first)
    assert (await deleted(provider, second)).status == 403
    assert (await provider.patch(f"/Users/{second.id}", replace("title", "Lead"))).status == 200
    await provider.make_user(active=False)
    group = await provider.make_group("Support", second.id)
    assert (await provider.delete(f"/Groups/{group.id}")).status == 204
    assert (await provider.get("/Users")).status == 200


async def test_paused_provider_is_told_first_of_what_is_wrong_otherwise(provider: ScimClient):
    first, second = [await provider.make_user() for _ in range(2)]
    await deleted(provider, first)
    assert (await deleted(provider, second)).status == 403
    assert (await deleted(provider, first)).status == 404
    condition = {"If-Match": 'W/"7"'}
    assert (await provider.delete(f"/Users/{second.id}", headers=condition)).status == 412
    elsewhere = {"schemas": [USER], "userName": "a@elsewhere.test", "active": False}
    assert (await provider.put(f"/Users/{second.id}", elsewhere)).error == (400, "invalidValue")


async def test_paused_provider_may_deactivate_who_is_deactivated_and_reactivate(provider: ScimClient):
    former, first, second = [await provider.make_user(active=number > 0) for number in range(3)]
    await deleted(provider, first)
    assert (await deleted(provider, second)).status == 403
    assert (await deactivated_by_path(provider, former)).status == 200
    assert (await provider.patch(f"/Users/{former.id}", replace("active", True))).status == 200


async def test_reviving_a_user_as_deactivated_does_not_count(installation: Installation):
    scim = await installation.client(
        await installation.organization(), revive=True, removal_limit=RemovalLimit(count=0, percent=0)
    )
    user = await scim.make_user("ada@example.com", active=False)
    again = await scim.make_user("ada@example.com", active=False, title="Agent")
    assert again.id == user.id


async def test_two_hundred_who_are_deleted_at_once_are_twenty(
    installation: Installation, connection: asyncpg.Connection
):
    scim = await installation.client(
        await installation.organization(), removal_limit=RemovalLimit(count=20, percent=5)
    )
    users = [await scim.make_user() for _ in range(200)]
    answers = await asyncio.gather(*(deleted(scim, user) for user in users))
    statuses = [answer.status for answer in answers]
    assert {status: statuses.count(status) for status in set(statuses)} == {204: 20, 403: 180}
    assert (await scim.get("/Users", count="0")).json["totalResults"] == 180
    logged = [entry.entry for entry in await installation.log(scim.organization)]
    assert sum(entry.get("reason") == "provider_paused" for entry in logged) == 180
    assert sum(entry["event"] == "connection.pause" for entry in logged) == 1
    topics = await connection.fetch("SELECT topic FROM outbox WHERE topic <> 'user.created'")
    assert sorted(row["topic"] for row in topics) == ["connection.paused", *["user.deleted"] * 20]


async def test_pause_of_one_is_none_of_another(installation: Installation, provider: ScimClient):
    beside = await installation.client(provider.organization, removal_limit=RemovalLimit(count=1, percent=0))
    elsewhere = await installation.organization(domain="other.example")
    other = await installation.client(elsewhere, removal_limit=RemovalLimit(count=1, percent=0))
    stranger = await other.make_user("bo@other.example")
    users = [await provider.make_user() for _ in range(3)]
    await deleted(provider, users[0])
    assert (await deleted(provider, users[1])).status == 403
    assert (await deleted(beside, users[1])).status == 204
    assert (await deleted(other, stranger)).status == 204


async def test_manager_and_groups_of_who_stays_are_untouched(provider: ScimClient):
    boss, first = [await provider.make_user(displayName="Bo Boss") for _ in range(2)]
    user = await provider.make_user("ada@example.com", **{ENTERPRISE: {"manager": {"value": boss.id}}})
    await deleted(provider, first)
    assert (await deleted(provider, boss)).status == 403
    after: Any = (await provider.get(f"/Users/{user.id}")).json
    assert after[ENTERPRISE]["manager"]["displayName"] == "Bo Boss"
