"""What bounds a client: the size and time of a body, lines, headers, silence; headers of every answer.

Proven by tests/api/test_slow_clients.py and tests/api/test_bodies.py.
"""

import asyncio
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web

from scimserver.http.rejections import Runner

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

_TIMED_OUT: Final = int(HTTPStatus.REQUEST_TIMEOUT)
"""As a number: comparing with a member of an enumeration takes four times as long."""

MAX_LINE_OCTETS: Final = 32 * 1024
"""The first line of a request: a filter of 8,000 characters, each of them percent-encoded, fits."""

MAX_FIELD_OCTETS: Final = 8190
"""One header's value. aiohttp answers 400 beyond this, and closes the connection."""

MAX_FIELDS: Final = 128
"""Headers of a request."""

_LINGERING_SECONDS: Final = 2.0
"""How long what is left of a body is read and thrown away: enough for a client that sends on to see its
answer, which a connection closed under it could lose."""


class BodyTooSlow(Exception):
    """The body did not arrive within `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"more than {seconds:g} seconds")
        self.seconds = seconds


class BodyTooLarge(Exception):
    """The body is larger than the request may have; `limit` is in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


class BodyEncoded(Exception):
    """The body has a Content-Encoding: nobody compresses so little, and none is undone here."""


async def read_body(request: web.Request, limit: int, seconds: float) -> bytes:
    """The body, of at most `limit` bytes, if it arrives within so many seconds; no more of it is read.

    Raises `BodyEncoded`, `BodyTooLarge` and `BodyTooSlow`.
    """
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower() != "identity":
        raise BodyEncoded
    if request.content_length is not None and request.content_length > limit:
        raise BodyTooLarge(limit)
    if request.content.is_eof():
        return await _read(request, limit)
    try:
        async with asyncio.timeout(seconds):
            return await _read(request, limit)
    except TimeoutError as error:
        raise BodyTooSlow(seconds) from error


async def _read(request: web.Request, limit: int) -> bytes:
    """As aiohttp reads it, but for the limit: its own is one for all requests, and ignored where
    applications are nested. Giving one request another takes a copy of it, 15 microseconds each.
    """
    body = bytearray()
    while chunk := await request.content.readany():
        body += chunk
        if len(body) > limit:
            raise BodyTooLarge(limit)
    return bytes(body)


def bounded_runner(
    application: web.Application, *, idle_seconds: float, drain_seconds: float
) -> web.AppRunner:
    """What serves an application with every limit of aiohttp's said.

    A connection is closed when it was silent for `idle_seconds`, and also when the headers of its
    next request are not complete by then. Pipelined requests are aiohttp's own: 32 wait at most.
    """
    return Runner(
        application,
        handle_signals=False,
        access_log=None,
        keepalive_timeout=idle_seconds,
        lingering_time=_LINGERING_SECONDS,
        max_line_size=MAX_LINE_OCTETS,
        max_field_size=MAX_FIELD_OCTETS,
        max_headers=MAX_FIELDS,
        # aiohttp would refuse what it cannot undo in plain text, and undo any amount of the rest.
        auto_decompress=False,
        shutdown_timeout=drain_seconds,
    )


def harden(response: web.StreamResponse) -> None:
    """Give an answer the headers that keep it out of caches and guesses."""
    if response.status == _TIMED_OUT:
        # What is left of the body would be taken for the next request.
        response.force_close()
    if not response.prepared:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
