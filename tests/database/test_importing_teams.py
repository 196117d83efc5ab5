"""The Teams of a row: found by name or id, joined and left one by one, whatever their size."""

import asyncio
from typing import Any

import pytest

from scimserver.directory.transfer import Format
from tests.importing import Acme, outcomes

ADA = "ada@acme.example"
JSON = Format.JSON
GROUPS = "SELECT display_name, version FROM groups ORDER BY display_name, id"
EVENTS = "SELECT event FROM log_entries WHERE event LIKE 'group.%' ORDER BY id"


MANY = """
WITH made AS (
    INSERT INTO groups (org_id, id, version, created, last_modified,
                        display_name, display_name_key, document, shadow)
    SELECT $1, gen_random_uuid(), 1, now(), now(), 'team ' || n, 'team ' || n, '{}', '{}'
    FROM generate_series(1, 1001) AS n RETURNING id
) INSERT INTO group_members (org_id, group_id, user_id, added) SELECT $1, id, $2, now() FROM made
"""


def row(teams: str, **values: Any) -> dict[str, Any]:
    return {"userName": ADA, "teams": teams, **values}


async def versions(office: Acme) -> list[tuple[str, int]]:
    return [(name, version) for name, version in await office.rows.fetch(GROUPS)]


async def test_user_joins_and_leaves_and_each_team_gets_its_next_version(office: Acme):
    user = await office.user(ADA)
    for name in ("One", "Two"):
        await office.team(name, user.id)
    await office.team("Three")
    assert outcomes(await office.imported(row("Two;Three"))) == ["updated"]
    assert await office.teams(ADA) == ["Three", "Two"]
    assert await versions(office) == [("One", 2), ("Three", 2), ("Two", 1)]
    assert [event for (event,) in await office.rows.fetch(EVENTS)] == ["group.create"] * 3 + [
        "group.update"
    ] * 2


async def test_teams_that_are_so_already_are_left_alone(office: Acme):
    user = await office.user(ADA)
    await office.team("One", user.id)
    assert outcomes(await office.imported(row(" ONE ; one "))) == ["unchanged"]
    assert await versions(office) == [("One", 1)]


async def test_row_without_the_column_leaves_the_teams(office: Acme):
    user = await office.user(ADA)
    await office.team("One", user.id)
    assert outcomes(await office.imported({"userName": ADA, "title": "Dr"})) == ["updated"]
    assert await office.teams(ADA) == ["One"]


async def test_team_is_named_by_its_id_where_two_are_called_the_same(office: Acme):
    first, _ = await office.team("Sales"), await office.team("sales")
    [verdict] = await office.imported(row("Sales"))
    assert verdict.reason == "invalid_value"
    assert "Several Teams" in verdict.detail
    assert outcomes(await office.imported(row(first))) == ["created"]
    assert await versions(office) == [("Sales", 2), ("sales", 1)]


async def test_team_that_there_is_not_makes_no_user(office: Acme):
    [verdict] = await office.imported(row("Nobody;Sales"))
    assert 'no Team "Nobody"' in verdict.detail
    assert await office.rows.fetchval("SELECT count(*) FROM users") == 0


@pytest.mark.parametrize("teams", ["One;" * 2000, ";".join(f"Team {number}" for number in range(1001))])
async def test_more_teams_than_anybody_has_are_refused(office: Acme, teams: str):
    await office.team("One")
    [verdict] = await office.imported(row(teams))
    assert "More than 1000" in verdict.detail


async def test_user_of_more_teams_than_a_row_may_name_anew_comes_in_again(office: Acme):
    user = await office.user(ADA)
    await office.rows.execute(MANY, office.operator.organization, user.id)
    [exported] = await office.exported()
    assert len(exported["teams"]) == 1001
    teams = exported["teams"]
    rows = [{"userName": ADA, "teams": teams}, {"userName": ADA, "teams": teams[1:]}]
    verdicts = [*await office.imported(rows[0], written=JSON), *await office.imported(rows[1], written=JSON)]
    assert outcomes(verdicts) == ["unchanged", "updated"]
    assert len(await office.teams(ADA)) == 1000


async def test_name_that_two_teams_of_the_user_have_is_none(office: Acme):
    user = await office.user(ADA)
    teams = [await office.team("Sales", user.id), await office.team("sales", user.id)]
    [verdict] = await office.imported(row("Sales"))
    assert "Several Teams" in verdict.detail
    assert outcomes(await office.imported(row(";".join(teams)))) == ["unchanged"]


async def test_team_of_another_organisation_is_unknown(office: Acme):
    theirs = Acme(office.database, office.rows)
    await theirs.found("theirs")
    team = await theirs.team("Sales")
    assert outcomes(await office.imported(row("Sales"), row(team))) == ["invalid_value"] * 2


async def test_row_whose_user_changes_meanwhile_is_done_again(office: Acme):
    await office.user(ADA)
    async with office.rows.transaction():
        await office.rows.execute("UPDATE users SET version = version + 1, document = document WHERE true")
        waiting = asyncio.create_task(office.imported({"userName": ADA, "title": "Dr"}))
        while not await office.rows.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database()"
        ):
            await office.rows.execute("SELECT pg_stat_clear_snapshot()")
    assert outcomes(await waiting) == ["updated"]
    assert (await office.document(ADA))["title"] == "Dr"
