"""Clients that take their time, over real sockets: what is too slow, or too much, is ended."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from scimserver.app import Surroundings, application
from scimserver.config import Settings
from scimserver.db.pool import Database
from scimserver.http.hardening import MAX_FIELD_OCTETS, MAX_FIELDS, MAX_LINE_OCTETS, bounded_runner
from tests.serving import ERROR, PUBLIC_URL, Installation, ScimClient

PATIENCE = 20.0
"""Seconds after which a test gives up: far more than any limit here."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A connection to the server, byte by byte."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *lines: str, end: bool = True) -> None:
        """Send lines of a request; `end` also the empty one after its headers."""
        text = "".join(f"{line}\r\n" for line in lines) + ("\r\n" if end else "")
        self.writer.write(text.encode())
        await self.writer.drain()

    async def rest(self) -> bytes:
        """All that comes until the server closes the connection."""
        return await asyncio.wait_for(self.reader.read(), PATIENCE)

    async def answer(self) -> bytes:
        """One answer's head."""
        return await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)


@dataclass(frozen=True, slots=True)
class Server:
    """A server with short limits."""

    port: int

    @asynccontextmanager
    async def wire(self) -> AsyncGenerator[Wire]:
        """A connection to it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Wire(reader, writer)
        finally:
            writer.close()


@asynccontextmanager
async def serving(database: Database, **settings: Any) -> AsyncGenerator[Server]:
    """The application as a worker serves it."""
    settings = {"rate_limit": 0, "failure_burst": 0} | settings
    known = Settings(**settings)
    async with application(known, database, Surroundings(public_url=PUBLIC_URL, secret=b"s" * 32)) as app:
        runner = bounded_runner(app, idle_seconds=known.idle_seconds, drain_seconds=1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            yield Server(runner.addresses[0][1])
        finally:
            await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def impatient(database: Database) -> AsyncGenerator[Server]:
    """Closes silent connections at once, and waits for bodies hardly longer."""
    async with serving(database, idle_seconds=0.3, body_seconds=0.3) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def patient(database: Database) -> AsyncGenerator[Server]:
    """Has the limits that an installation has."""
    async with serving(database) as server:
        yield server


def post(client: ScimClient, length: int) -> tuple[str, ...]:
    """The head of a POST whose body will have that many bytes."""
    return (
        "POST /scim/v2/Users HTTP/1.1",
        "Host: scim.test",
        f"Authorization: Bearer {client.token}",
        "Content-Type: application/scim+json",
        f"Content-Length: {length}",
    )


async def drip(wire: Wire, piece: bytes, *, every: float = 0.02) -> None:
    """Send a piece again and again until nobody listens any more."""
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                wire.writer.write(piece)
                await wire.writer.drain()
                await asyncio.sleep(every)
    except ConnectionError:
        return


# --- Bodies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", b'{"userName":'])
async def test_body_that_does_not_come_is_408_and_the_connection_ends(
    impatient: Server, scim: ScimClient, sent: bytes
):
    async with impatient.wire() as wire:
        await wire.send(*post(scim, 100))
        wire.writer.write(sent)
        answered = await wire.rest()
    head, _, body = answered.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"Connection: close" in head
    assert b"application/scim+json" in head
    assert ERROR.encode() in body
    assert b"within 0.3 seconds" in body


async def test_body_that_drips_is_408_too(impatient: Server, scim: ScimClient):
    async with impatient.wire() as wire:
        await wire.send(*post(scim, 1_000_000))
        dripping = asyncio.create_task(drip(wire, b" "))
        assert (await wire.answer()).startswith(b"HTTP/1.1 408 ")
        await dripping


async def test_body_in_chunks_that_drip_is_408_too(impatient: Server, scim: ScimClient):
    async with impatient.wire() as wire:
        *head, _ = post(scim, 0)
        await wire.send(*head, "Transfer-Encoding: chunked")
        dripping = asyncio.create_task(drip(wire, b"1\r\n \r\n"))
        assert (await wire.answer()).startswith(b"HTTP/1.1 408 ")
        await dripping


async def test_body_that_came_too_late_is_no_request(impatient: Server, scim: ScimClient):
    hidden = b"GET /healthz HTTP/1.1\r\nHost: scim.test\r\n\r\n"
    async with impatient.wire() as wire:
        await wire.send(*post(scim, len(hidden)))
        assert (await wire.answer()).startswith(b"HTTP/1.1 408 ")
        wire.writer.write(hidden + hidden)
        assert b"HTTP/1.1 200" not in await wire.rest()


async def test_slow_body_is_in_the_log(impatient: Server, installation: Installation, scim: ScimClient):
    async with impatient.wire() as wire:
        await wire.send(*post(scim, 100))
        await wire.rest()
    [entry] = await installation.log(scim.organization)
    assert (entry.entry["event"], entry.entry["reason"], entry.entry["status"]) == (
        "user.create",
        "http_408",
        408,
    )


async def test_body_that_comes_in_pieces_in_time_is_taken(patient: Server, scim: ScimClient):
    body = b'{"userName": "bo@example.com"}'
    async with patient.wire() as wire:
        await wire.send(*post(scim, len(body)))
        for byte in body:
            wire.writer.write(bytes([byte]))
            await wire.writer.drain()
        assert (await wire.answer()).startswith(b"HTTP/1.1 201 ")


async def test_body_beyond_the_limit_ends_the_connection(patient: Server, scim: ScimClient):
    async with patient.wire() as wire:
        await wire.send(*post(scim, 2 * 1024 * 1024))
        assert (await wire.answer()).startswith(b"HTTP/1.1 413 ")
        await drip(wire, b" ")


# --- Headers and silence --------------------------------------------------------------------------


async def test_connection_that_says_nothing_is_closed(impatient: Server):
    async with impatient.wire() as wire:
        assert await wire.rest() == b""


async def test_headers_that_drip_end_the_connection(impatient: Server):
    async with impatient.wire() as wire:
        await wire.send("GET /healthz HTTP/1.1", "Host: scim.test", end=False)
        dripping = asyncio.create_task(drip(wire, b"X-A: a\r\n"))
        assert await wire.rest() == b""
        await dripping


async def test_connection_that_stays_silent_after_an_answer_is_closed(impatient: Server):
    async with impatient.wire() as wire:
        await wire.send("GET /healthz HTTP/1.1", "Host: scim.test")
        assert (await wire.rest()).startswith(b"HTTP/1.1 200 ")


async def test_connection_serves_one_request_after_the_other(patient: Server):
    async with patient.wire() as wire:
        for _ in range(3):
            await wire.send("GET /healthz HTTP/1.1", "Host: scim.test")
            assert (await wire.answer()).startswith(b"HTTP/1.1 200 ")
            await asyncio.wait_for(wire.reader.readexactly(len('{"status": "ok"}')), PATIENCE)


@pytest.mark.parametrize(
    "line,fields",
    [
        (f"GET /healthz?{'x' * MAX_LINE_OCTETS} HTTP/1.1", ()),
        ("GET /healthz HTTP/1.1", (f"X-A: {'x' * (MAX_FIELD_OCTETS + 1)}",)),
        ("GET /healthz HTTP/1.1", tuple(f"X-{number}: x" for number in range(MAX_FIELDS + 1))),
    ],
    ids=["line", "field", "fields"],
)
async def test_head_beyond_the_limits_is_400_and_the_connection_ends(
    patient: Server, line: str, fields: tuple[str, ...]
):
    async with patient.wire() as wire:
        await wire.send(line, "Host: scim.test", *fields)
        assert (await wire.rest()).startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 "))


async def test_line_that_never_ends_is_400(patient: Server):
    async with patient.wire() as wire:
        dripping = asyncio.create_task(drip(wire, b"x" * 4096))
        assert (await wire.rest()).startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 "))
        await dripping


async def test_longest_filter_fits_into_a_line(patient: Server, scim: ScimClient):
    value = "%41" * 7_900
    async with patient.wire() as wire:
        await wire.send(
            f"GET /scim/v2/Users?filter=userName%20eq%20%22{value}%22 HTTP/1.1",
            "Host: scim.test",
            f"Authorization: Bearer {scim.token}",
        )
        assert (await wire.answer()).startswith(b"HTTP/1.1 200 ")
