"""`scimserver health`: whether a server can serve, in an exit code."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from click.testing import CliRunner, Result

from scimserver.cli.health import health

Serve = Callable[[int], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncGenerator[Serve]:
    """Starts a server whose `/readyz` answers a status; gives its address."""
    servers: list[TestServer] = []

    async def start(status: int) -> str:
        async def readyz(_request: web.Request) -> web.Response:
            return web.json_response({}, status=status)

        application = web.Application()
        application.router.add_get("/readyz", readyz)
        servers.append(TestServer(application))
        await servers[-1].start_server()
        return str(servers[-1].make_url("/"))

    yield start
    for server in servers:
        await server.close()


async def asked(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, health, arguments)


async def test_health_ends_with_0_when_the_server_is_ready(serve: Serve):
    result = await asked("--url", await serve(200))
    assert (result.exit_code, result.stdout) == (0, "ready\n")


async def test_health_ends_with_1_when_the_server_cannot_serve(serve: Serve):
    result = await asked("--url", await serve(503))
    assert (result.exit_code, result.stdout) == (1, "not ready: status 503\n")


async def test_health_ends_with_1_when_nobody_answers():
    result = await asked("--url", f"http://127.0.0.1:{unused_port()}")
    assert result.exit_code == 1
    assert "Connection refused" in result.stdout


async def test_health_prints_a_document(serve: Serve):
    result = await asked("--json", "--url", await serve(503))
    assert (result.exit_code, json.loads(result.stdout)) == (1, {"ready": False, "fault": "status 503"})


async def test_health_asks_the_server_itself_and_no_proxy(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_port()}")
    assert (await asked("--url", await serve(200))).exit_code == 0


@pytest.mark.parametrize("url", ["file:///etc/passwd", "localhost:8080", "http://", "http://h/?q=1"])
async def test_health_of_no_http_address_is_wrong_usage(url: str):
    assert (await asked("--url", url)).exit_code == 2
