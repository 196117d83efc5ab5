"""The last user who may manage users stays, whoever asks (P5, D10)."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from scimserver.access import tokens
from scimserver.kernel.permissions import Scope
from tests.serving import Answer, Installation, ScimClient, remove, replace

ADMIN = [{"value": "Admin Role"}]
MINIMAL = [{"value": "Minimal Permissions"}]


@pytest_asyncio.fixture(loop_scope="session")
async def assigner(installation: Installation, scim: ScimClient) -> ScimClient:
    """A connection that may also give and take roles."""
    scopes = tokens.DEFAULT_SCOPES | {Scope.ADMINISTER}
    return await installation.client(scim.organization, scopes=scopes)


async def demoted(scim: ScimClient, user: Answer) -> Answer:
    return await scim.patch(f"/Users/{user.id}", replace("roles", MINIMAL))


async def stripped(scim: ScimClient, user: Answer) -> Answer:
    return await scim.patch(f"/Users/{user.id}", remove("roles"))


async def deactivated(scim: ScimClient, user: Answer) -> Answer:
    return await scim.patch(f"/Users/{user.id}", {"op": "replace", "value": {"active": False}})


async def replaced(scim: ScimClient, user: Answer) -> Answer:
    return await scim.put(f"/Users/{user.id}", {**user.json, "active": False})


async def deleted(scim: ScimClient, user: Answer) -> Answer:
    return await scim.delete(f"/Users/{user.id}")


WAYS = pytest.mark.parametrize("way", [demoted, stripped, deactivated, replaced, deleted])


@WAYS
async def test_last_administrator_stays(installation: Installation, assigner: ScimClient, way: Any):
    last = await assigner.make_user(roles=ADMIN)
    await assigner.make_user()
    answer = await way(assigner, last)
    assert answer.error == (403, None)
    assert "last active user who may manage users" in answer.json["detail"]
    assert (await assigner.get(f"/Users/{last.id}")).json == last.json
    logged = (await installation.log(assigner.organization))[-1]
    assert (logged.entry["outcome"], logged.entry["reason"]) == ("failure", "last_administrator")


@WAYS
async def test_administrator_may_go_when_another_is_active(assigner: ScimClient, way: Any):
    one = await assigner.make_user(roles=ADMIN)
    await assigner.make_user(roles=ADMIN)
    assert (await way(assigner, one)).status in (200, 204)


@WAYS
async def test_administrator_stays_when_the_other_is_deactivated(assigner: ScimClient, way: Any):
    one = await assigner.make_user(roles=ADMIN)
    await assigner.make_user(roles=ADMIN, active=False)
    assert (await way(assigner, one)).status == 403


async def test_administrator_who_is_deactivated_may_be_deleted(assigner: ScimClient):
    one = await assigner.make_user(roles=ADMIN, active=False)
    assert (await deleted(assigner, one)).status == 204


async def test_administrator_of_another_organisation_does_not_count(
    installation: Installation, assigner: ScimClient
):
    elsewhere = await installation.organization(domain="other.example")
    scopes = tokens.DEFAULT_SCOPES | {Scope.ADMINISTER}
    other = await installation.client(elsewhere, scopes=scopes)
    await other.make_user("bo@other.example", roles=ADMIN)
    last = await assigner.make_user(roles=ADMIN)
    assert (await deleted(assigner, last)).status == 403


async def test_last_administrator_may_change_otherwise(assigner: ScimClient):
    last = await assigner.make_user(roles=ADMIN)
    assert (await assigner.patch(f"/Users/{last.id}", replace("title", "Lead"))).status == 200


async def test_two_administrators_who_go_at_once_leave_one(assigner: ScimClient):
    both = [await assigner.make_user(roles=ADMIN) for _ in range(2)]
    answers = await asyncio.gather(*(deactivated(assigner, one) for one in both))
    assert sorted(answer.status for answer in answers) == [200, 403]
