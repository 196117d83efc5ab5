"""A row that meets others who change the same is done again; where that does not help, it is an error."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from scimserver.directory.transfer import Verdict
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
