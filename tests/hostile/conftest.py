"""Fixtures of this tier: lanes to an application in this process, over one database for each test process."""

import asyncio
from collections.abc import Generator
from contextlib import AbstractAsyncContextManager

import pytest
import uvloop

from tests.conftest import Administration
from tests.hostile.running import Address, Play
from tests.hostile.served import served

LANES = 4


@pytest.fixture(scope="module")
def play(database_administration: Administration, database_template: str) -> Generator[Play]:
    """Sends sessions to the application; its loop is its own, and stands still between tests."""
    with (
        database_administration.database(f"TEMPLATE {database_template} STRATEGY file_copy") as dsn,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        application = served(dsn)
        address = runner.run(_entered(application))
        play = Play.open(runner, dsn, address, lanes=LANES, name="ci")
        try:
            yield play
        finally:
            play.close()
            runner.run(_left(application))


async def _entered(context: AbstractAsyncContextManager[Address]) -> Address:
    return await context.__aenter__()


async def _left(context: AbstractAsyncContextManager[Address]) -> None:
    await context.__aexit__(None, None, None)
