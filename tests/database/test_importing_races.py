"""A row that meets others who change the same is done again; where that does not help, it is an error."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from scimserver.directory.transfer import RowOutcome, Verdict
from tests.importing import Acme, outcomes

ADA = "ada@acme.example"
BO = "bo@acme.example"
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


@asynccontextmanager
async def imported_meanwhile(office: Acme, *rows: dict[str, Any]) -> AsyncGenerator[list[Verdict]]:
    """What becomes of rows that wait for what the block does: known when it is over."""
    verdicts: list[Verdict] = []
    async with office.rows.transaction():
        yield verdicts
        importing = asyncio.create_task(office.imported(*rows))
        while not await office.rows.fetchval(WAITING):
            await office.rows.execute("SELECT pg_stat_clear_snapshot()")
    verdicts += await importing


@pytest.mark.parametrize("key,outcome", [("id", "not_found"), ("userName", "created")])
async def test_row_whose_user_is_deleted_meanwhile_is_done_again(office: Acme, key: str, outcome: str):
    user = await office.user(ADA)
    await office.team("Sales")
    row = {"id": {"id": str(user.id)}, "userName": {"userName": ADA}}[key]
    async with imported_meanwhile(office, {**row, "teams": "Sales"}) as verdicts:
        await office.rows.execute("DELETE FROM users")
    assert outcomes(verdicts) == [outcome]


TAKE_NAME = """
UPDATE users SET user_name = 'ada@acme.example', user_name_key = 'ada@acme.example',
       document = convert_to(replace(convert_from(document, 'UTF8'), 'bo@acme', 'ada@acme'), 'UTF8')
"""


async def test_row_whose_user_is_made_meanwhile_is_about_that_one(office: Acme):
    user = await office.user(BO, externalId="E-7")
    async with imported_meanwhile(office, {"userName": ADA, "title": "Dr"}) as verdicts:
        await office.rows.execute(TAKE_NAME)
    assert [(verdict.outcome, verdict.user) for verdict in verdicts] == [(RowOutcome.UPDATED, user.id)]
    assert (await office.document(ADA))["externalId"] == "E-7"


LOSE = """
CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'somebody was faster' USING ERRCODE = 'deadlock_detected'; END $$;
CREATE TRIGGER lose BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION lose()
"""


@pytest.mark.parametrize("name,event", [(ADA, "user.update"), (BO, "user.create")])
async def test_row_that_loses_each_time_is_an_error_and_on_record(office: Acme, name: str, event: str):
    user = await office.user(ADA)
    await office.rows.execute(LOSE)
    [verdict] = await office.imported({"userName": name, "title": "Dr"})
    about = user.id if name == ADA else None
    assert (verdict.reason, verdict.user, verdict.user_name) == ("conflicted", about, name)
    [entry] = await office.rows.fetch("SELECT * FROM log_entries WHERE outcome = 'failure'")
    assert (entry["reason"], entry["event"], entry["target_id"]) == ("conflicted", event, about)
