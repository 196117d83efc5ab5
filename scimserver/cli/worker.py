"""One process that serves requests: its own event loop, pools and application, a shared port."""

import asyncio
import gc
import signal
import socket
from typing import Final

import uvloop
from aiohttp import web

from scimserver.app import Surroundings, application
from scimserver.cli.listening import tls_context
from scimserver.config import Settings
from scimserver.db.pool import Database
from scimserver.http.hardening import bounded_runner

_BACKLOG: Final = 1024

_ALLOCATIONS: Final = 20_000
"""Objects made and not yet gone after which the collector looks at them."""


def run_worker(
    settings: Settings, dsn: str, surroundings: Surroundings, listening: socket.socket, lifeline: int
) -> None:
    """Serve the socket until SIGTERM or SIGINT, then let running requests end.

    `lifeline` is a descriptor that can be read when the parent has died: that ends the worker too.
    Raises `Unavailable` when the database does not answer at the start.
    """
    uvloop.run(_serve(settings, dsn, surroundings, listening, lifeline))


async def _serve(
    settings: Settings, dsn: str, surroundings: Surroundings, listening: socket.socket, lifeline: int
) -> None:
    stopping = _told_to_stop(lifeline)
    async with (
        Database.open(settings.database(dsn)) as database,
        application(settings, database, surroundings) as app,
    ):
        _collect_seldom()
        runner = bounded_runner(app, idle_seconds=settings.idle_seconds, drain_seconds=settings.drain_seconds)
        await runner.setup()
        try:
            site = web.SockSite(runner, listening, ssl_context=tls_context(settings), backlog=_BACKLOG)
            await site.start()
            await stopping.wait()
        finally:
            await runner.cleanup()


def _collect_seldom() -> None:
    """Leave what lives as long as the process to itself, and look for cycles less often.

    A request leaves few of them; by default the collector looks after every dozen requests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, 20, 50)


def _told_to_stop(lifeline: int) -> asyncio.Event:
    """Set as soon as a signal asks for it, or the parent is no more."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)

    def orphaned() -> None:
        loop.remove_reader(lifeline)
        stopping.set()

    loop.add_reader(lifeline, orphaned)
    return stopping
