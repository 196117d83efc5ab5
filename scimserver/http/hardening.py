"""Bounded bodies, and the headers that every answer carries."""

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class BodyTooLarge(Exception):
    """The body is larger than the request may have; `limit` is in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


async def read_body(request: web.Request, limit: int) -> bytes:
    """The body, of at most `limit` bytes; a larger one is not read further. Raises `BodyTooLarge`."""
    if request.content_length is not None and request.content_length > limit:
        raise BodyTooLarge(limit)
    # A nested application's own limit is ignored by aiohttp, so the request is given ours.
    try:
        return await request.clone(client_max_size=limit).read()
    except web.HTTPRequestEntityTooLarge as error:
        raise BodyTooLarge(limit) from error


@web.middleware
async def harden(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every answer the headers that keep it out of caches and guesses."""
    response = await handler(request)
    if not response.prepared:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
    return response
