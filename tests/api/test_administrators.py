"""The last user who may manage users stays, whoever asks and at whatever door (P5, D10)."""

import asyncio

import asyncpg
import pytest
import pytest_asyncio

from tests.commands import clean_settings as clean_settings
from tests.doors import Told
from tests.leaving import House, deleted_over_scim, patched_without_path
from tests.leaving import house as house
from tests.managing import LOSSES, Loss, manager
from tests.serving import Answer, replace

ADMIN = [{"value": "Admin Role"}]
EVERYTHING = """
SELECT (SELECT jsonb_agg(to_jsonb(u) ORDER BY id) FROM users AS u)::text,
       (SELECT jsonb_agg(to_jsonb(r) ORDER BY id) FROM roles AS r)::text,
       (SELECT count(*) FROM outbox)
"""


@pytest_asyncio.fixture(loop_scope="session")
async def last(house: House) -> tuple[Answer, Answer]:
    """The last user who may manage users, beside one who may not; and the role by which."""
    await house.scim.make_user()
    return await manager(house)


def done(answer: bool | Told) -> bool:
    return answer.done if isinstance(answer, Told) else answer


@pytest.mark.parametrize("loss", LOSSES, ids=str)
async def test_last_administrator_stays(
    house: House, last: tuple[Answer, Answer], connection: asyncpg.Connection, loss: Loss
):
    before = await connection.fetchrow(EVERYTHING)
    seen = len(await house.installation.log(house.scim.organization))
    answer = await loss.call(house, *last)
    assert not done(answer)
    if isinstance(answer, Told):
        assert answer.code in ((403, None), 1, 4)
        assert "last active user" in answer.text
    assert await connection.fetchrow(EVERYTHING) == before
    logged = (await house.installation.log(house.scim.organization))[seen:]
    [failed] = [each.entry for each in logged if each.entry["outcome"] == "failure"]
    assert (failed["event"], failed["reason"]) == (loss.event, "last_administrator")
    # Of somebody who was to be deleted all is recorded, otherwise what was to be another.
    assert {change["path"] for change in failed["changes"]} & {"active", "roles", "permissions"}


@pytest.mark.parametrize("loss", LOSSES, ids=str)
async def test_administrator_may_go_when_another_is_active(
    house: House, last: tuple[Answer, Answer], loss: Loss
):
    await house.scim.make_user(roles=ADMIN)
    assert done(await loss.call(house, *last))


@pytest.mark.parametrize("loss", LOSSES, ids=str)
async def test_administrator_stays_when_the_other_is_deactivated(
    house: House, last: tuple[Answer, Answer], loss: Loss
):
    await house.scim.make_user(roles=ADMIN, active=False)
    assert not done(await loss.call(house, *last))


async def test_administrator_who_is_deactivated_may_be_deleted(house: House):
    one = await house.scim.make_user(roles=ADMIN, active=False)
    assert await deleted_over_scim(house, one.id)


async def test_administrator_of_another_organisation_does_not_count(
    house: House, last: tuple[Answer, Answer], connection: asyncpg.Connection
):
    elsewhere = await house.installation.organization(domain="other.example")
    other = await house.installation.client(elsewhere)
    stranger = await other.make_user("bo@other.example")
    await connection.execute(
        "UPDATE users AS u SET role_id = r.id FROM roles AS r"
        " WHERE u.id = $1 AND r.org_id = u.org_id AND r.name_key = 'admin role'",
        stranger.id,
    )
    assert not await deleted_over_scim(house, last[0].id)


async def test_last_administrator_may_change_otherwise(house: House, last: tuple[Answer, Answer]):
    answer = await house.scim.patch(f"/Users/{last[0].id}", replace("title", "Lead"))
    assert answer.status == 200


async def test_two_administrators_who_go_at_once_leave_one(house: House):
    both = [await house.scim.make_user(roles=ADMIN) for _ in range(2)]
    answers = await asyncio.gather(*(patched_without_path(house, one.id) for one in both))
    assert sorted(answers) == [False, True]
