"""The application in this process, over a real socket, for a test that sends bytes of its own."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import structlog
from aiohttp import web
from structlog.typing import EventDict, WrappedLogger

from scimserver.app import Surroundings, application
from scimserver.config import Settings
from scimserver.db.pool import Database, DatabaseSettings
from scimserver.http.hardening import bounded_runner
from tests.hostile.running import Address
from tests.serving import PUBLIC_URL


@asynccontextmanager
async def served(dsn: str) -> AsyncGenerator[Address]:
    """The application over a database, without limits of rate; the address at which it listens."""
    with _no_failures():
        async with _application(dsn) as app, _listening(app) as address:
            yield address


@contextmanager
def _no_failures() -> Generator[None]:
    """Fail at the end if the application logged an error: a client that goes away is none.

    Nothing is written: where no command has set it up, a traceback takes seconds.
    """
    before, failures = structlog.get_config(), list[EventDict]()

    def keep(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        failures.append(event)
        raise structlog.DropEvent

    errors_only = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=errors_only, processors=[keep])
    try:
        yield
    finally:
        structlog.configure(**before)
    assert failures == []


@asynccontextmanager
async def _application(dsn: str) -> AsyncGenerator[web.Application]:
    surroundings = Surroundings(public_url=PUBLIC_URL, secret=b"s" * 32)
    unlimited: dict[str, Any] = {"rate_limit": 0, "failure_burst": 0}
    async with (
        Database.open(DatabaseSettings(dsn=dsn, points_size=5, searches_size=2)) as database,
        application(Settings(**unlimited), database, surroundings) as app,
    ):
        yield app


@asynccontextmanager
async def _listening(app: web.Application) -> AsyncGenerator[Address]:
    runner = bounded_runner(app, idle_seconds=75, drain_seconds=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield host, port
    finally:
        await runner.cleanup()
        # Connections that clients have dropped end on the next turn of the loop.
        await asyncio.sleep(0)
