"""One process that serves requests: its own event loop, pools and application, a shared port."""

import asyncio
import signal
import socket
import ssl
from pathlib import Path

import uvloop
from aiohttp import web

from scimserver.app import Surroundings, application
from scimserver.config import Settings
from scimserver.db.pool import Database


def run_worker(settings: Settings, dsn: str, surroundings: Surroundings, listening: socket.socket) -> None:
    """Serve the socket until SIGTERM or SIGINT, then let running requests end."""
    uvloop.run(_serve(settings, dsn, surroundings, listening))


async def _serve(
    settings: Settings, dsn: str, surroundings: Surroundings, listening: socket.socket
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with (
        Database.open(settings.database(dsn)) as database,
        application(settings, database, surroundings) as app,
    ):
        runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=settings.drain_seconds
        )
        await runner.setup()
        try:
            site = web.SockSite(runner, listening, ssl_context=tls_context(settings))
            await site.start()
            await stopping.wait()
        finally:
            await runner.cleanup()


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """What ends TLS here, or None where a proxy does."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.tls_cert, settings.tls_key)
    return context


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens, to be shared by all workers. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(1024)
    listening.setblocking(False)
    return listening


def readable(path: Path | None) -> bool:
    """Whether a file can be read, or none is named."""
    if path is None:
        return True
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False
