"""What is remembered of an organisation's rules never outlives them, and nobody is refused by it."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest_asyncio

from scimserver.directory import domains, organizations
from scimserver.directory.organizations import Addresses
from scimserver.kernel.actor import Origin, operator
from scimserver.work import Work
from tests.serving import USER, Installation, ScimClient

Ruling = Callable[[Callable[[Work], Coroutine[Any, Any, object]]], Awaitable[None]]


@pytest_asyncio.fixture(loop_scope="session")
async def rule(installation: Installation, scim: ScimClient) -> Ruling:
    """Changes the organisation's rules in another process: ours hears nothing of it."""

    async def act(action: Callable[[Work], Coroutine[Any, Any, object]]) -> None:
        who = operator("tests", scim.organization)
        async with installation.room.open(who, Origin(request_id="tests")) as work:
            await action(work)

    return act


@pytest_asyncio.fixture(loop_scope="session")
async def knowing(scim: ScimClient) -> ScimClient:
    """A client for whom somebody of example.com was added a moment ago: the rules are remembered."""
    await scim.make_user("first@example.com")
    return scim


def governed(installation: Installation, **wanted: Any) -> Any:
    """Changes how the organisation works."""

    async def act(work: Work) -> None:
        every = await organizations.every(installation.database)
        [organization] = [each for each in every if each.id == work.actor.organization]
        await organizations.update(work, organization, **wanted)

    return act


async def test_user_is_refused_as_soon_as_the_domain_is_gone(knowing: ScimClient, rule: Ruling):
    await rule(lambda work: domains.remove(work, "example.com"))
    answer = await knowing.post("/Users", {"schemas": [USER], "userName": "second@example.com"})
    assert answer.error == (400, "invalidValue")
    assert (await knowing.get("/Users")).json["totalResults"] == 1


async def test_user_is_added_as_soon_as_the_domain_is_back(knowing: ScimClient, rule: Ruling):
    for change in (domains.remove, domains.add):
        await rule(lambda work, change=change: change(work, "example.com"))
        await knowing.post("/Users", {"schemas": [USER], "userName": "second@example.com"})
    assert (await knowing.get("/Users")).json["totalResults"] == 2


async def test_only_the_refused_attempt_is_on_record_as_such(
    knowing: ScimClient, rule: Ruling, installation: Installation
):
    await rule(lambda work: domains.add(work, "example.org"))
    await knowing.make_user("second@example.com")
    await rule(lambda work: domains.remove(work, "example.com"))
    await knowing.post("/Users", {"schemas": [USER], "userName": "third@example.com"})
    log = await installation.log(knowing.organization, events=["user.create"])
    assert [each.entry["outcome"] for each in log] == ["success", "success", "failure"]


async def test_name_that_is_no_address_is_taken_as_soon_as_names_are_free(
    knowing: ScimClient, rule: Ruling, installation: Installation
):
    copy = {"schemas": [USER], "userName": "first@example.com (Copy 1)"}
    assert (await knowing.post("/Users", copy)).error == (400, "invalidValue")
    await rule(governed(installation, addresses=Addresses.FREE))
    assert (await knowing.post("/Users", copy)).status == 201


async def test_new_user_has_the_time_zone_that_the_organisation_has_now(
    knowing: ScimClient, rule: Ruling, installation: Installation
):
    await rule(governed(installation, timezone="Asia/Tokyo"))
    assert (await knowing.make_user("second@example.com")).json["timezone"] == "Asia/Tokyo"
